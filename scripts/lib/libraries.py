# SPDX-License-Identifier: GPL-2.0
"""Compares Cargo.lock with scripts/lib/libraries, and prints what is wrong, a line each."""

import re
import tomllib

# What goes together with GPL-2.0-only. Apache-2.0 does not, so it must not be the only choice.
COMPATIBLE = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "NCSA", "Unicode-3.0", "Unlicense", "ISC", "Zlib", "GPL-2.0-only"}
ELSEWHERE = "not fetched on Linux"


def version(text):
    """A version that can be compared."""
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+")[0])[:3])


def fits(licence):
    """Whether an expression of SPDX leaves a choice that goes together with ours; "/" is an old OR."""
    parts = re.split(r"\s+AND\s+", licence.replace("/", " OR "))
    return all(any(choice.strip(" ()") in COMPATIBLE for choice in part.split(" OR ")) for part in parts)


def main():
    with open("Cargo.lock", "rb") as file:
        used = {(one["name"], one["version"]) for one in tomllib.load(file)["package"] if "source" in one}
    known, denied = {}, {}
    with open("scripts/lib/libraries", encoding="ascii") as file:
        for line in file:
            name, number, what = line.rstrip("\n").split("\t") if not line.startswith("# ") else (None, None, None)
            if name and name.startswith("!"):
                denied[name[1:]] = (number, what)
            elif name:
                known[(name, number)] = what
    for name, number in sorted(used):
        if (name, number) not in known:
            print(f"{name} {number} is not in scripts/lib/libraries")
        elif known[(name, number)] != ELSEWHERE and not fits(known[(name, number)]):
            print(f"{name} {number}: {known[(name, number)]} does not go together with GPL-2.0-only")
        if name in denied and (denied[name][0] == "*" or version(number) <= version(denied[name][0])):
            print(f"{name} {number}: {denied[name][1]}")
    for name, number in sorted(set(known) - used):
        print(f"{name} {number} is not used any more: take it out of scripts/lib/libraries")


if __name__ == "__main__":
    main()
