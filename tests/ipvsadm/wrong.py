# SPDX-License-Identifier: GPL-2.0
"""Wrong command lines: what 1.31 says to each, and what ours says. Ours begins with the sentence of 1.31, and goes on in
parentheses; on ipvs_rs all of it is as in wrong_answers, which `tests/ipvsadm/run rust --wrong` prints."""

import os
import shlex

import programs
import table

HERE = os.path.dirname(os.path.abspath(__file__))
# 1.31 says this of everything that is not supported.
NOT_SUPPORTED, LACKING = "Operation not supported with IPv6", "The kernel's IPVS has no "


def explained(theirs, ours):
    """Whether an answer of ours is that of 1.31, perhaps with something in parentheses behind it."""
    if theirs.startswith(NOT_SUPPORTED):
        return ours.startswith(LACKING)
    # That a line of a file is named is a difference of its own.
    return theirs == ours or "(line " not in ours and ours.startswith(theirs.rstrip("\n") + " (") and ours.endswith(")\n")


def answers():
    """(line, status and message of 1.31, those of ours) of each line."""
    out = []
    with open(f"{HERE}/wrong_lines", encoding="ascii") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    bench = table.Table()
    bench.write(((), (), None))
    with open(f"{HERE}/states/small", "rb") as file:
        programs.run(programs.THEIRS, ["-R"], file.read())
    for line in lines:
        said = [programs.run(folder, shlex.split(line)) for folder in (programs.THEIRS, programs.OURS)]
        out.append((line, said[0], said[1]))
    return out


def text(found):
    """All answers, as they stand in wrong_answers."""
    def indented(message):
        return message.strip().replace("\n", "\n      ")
    return "\n".join(f"ipvsadm {line}\n1.31: {indented(theirs[2])}\nours: {indented(ours[2])}\n" for line, theirs, ours in found)


def run(is_rust, show):
    """`ok` or `not ok`; prints the answers if they are asked for, or if they are others than expected."""
    found, good = answers(), True
    for line, theirs, ours in found:
        if theirs[:2] != ours[:2] or not ours[2] or not explained(theirs[2], ours[2]):
            good = False
            print(f"not ok ipvsadm wrong: {line}: {theirs} {ours}", flush=True)
    with open(f"{HERE}/wrong_answers", encoding="ascii") as file:
        expected = file.read()
    same = not is_rust or text(found) == expected
    if show or not same:
        print("\n".join("| " + line for line in text(found).splitlines()), flush=True)
    if not same:
        print("not ok ipvsadm wrong: the answers are not those in wrong_answers", flush=True)
    elif good:
        print(f"ok ipvsadm wrong: {len(found)} wrong command lines are answered with what is wrong", flush=True)
    return good and same
