# SPDX-License-Identifier: GPL-2.0
"""Runs command lines with Debian's ipvsadm and with ours on the same state of the same kernel, and compares what both say
and do.

A case is a line in cases/: commands with `;` between, the program's name left out unless it is another one of the package;
`<<<` gives the input of the command before it, `!nobody` in front runs it as somebody without rights. `@NAME` chooses the
state (states/NAME, rules) that each of the following cases begins with. differences names what is meant to differ, and why."""

import os
import shutil
import subprocess

import flows
import programs
import table
import wrong

HERE = os.path.dirname(os.path.abspath(__file__))
# Listings of connections and rates change by themselves: such a case is tried so often.
TRIES = 8
# Of these lists every Nth case is run unless all are asked for: half of the time for half of what is found.
SAMPLED = {"options": 6, "services": 2, "servers": 2, "parsing": 2}
if table.IS_DEBUG:
    # It is the kernel that is looked at there, not what a program refuses by itself.
    SAMPLED.update(options=30, parsing=20)
# Begins what is new in the usage and in the version.
BEYOND = "Beyond 1.31:"


def has_engines():
    """Whether the persistence engine for SIP is there."""
    return subprocess.run(["modprobe", "-q", "ip_vs_pe_sip"], check=False).returncode == 0


def classic(theirs, ours):
    """What ours says without what it adds to 1.31: remarks in parentheses behind a message, and what is new in the usage."""
    status, out, err = ours
    if wrong.explained(theirs[2], err):
        err = theirs[2]
    head, mark, _ = out.partition(BEYOND)
    if mark:
        out = head.removesuffix("\n") if head.endswith("\n\n") else head
    return [status, out, err]


class Bench:
    """Puts the kernel into a state and runs cases on it."""

    def __init__(self):
        self.table = table.Table()
        self.known, self.lines, self.current = {}, {}, None

    def learn(self, name):
        """The state `name` as the kernel has it, made from its rules the first time."""
        if name in self.known:
            return
        self.table.write(((), (), None))
        if name == "traffic":
            flows.make()
        else:
            with open(f"{HERE}/states/{name}", encoding="ascii") as file:
                rules = file.read()
            if not has_engines():
                rules = rules.replace(" --pe sip", "")
            done = subprocess.run([f"{programs.THEIRS}/ipvsadm", "-R"], input=rules, text=True, capture_output=True, check=False)
            if done.stderr:
                raise RuntimeError(f"state {name}: {done.stderr}")
        self.known[name] = self.table.read()
        self.lines[name] = self.table.lines(self.known[name])

    def reset(self, name):
        """Makes the state `name` anew unless the kernel is in it."""
        self.learn(name)
        if self.current != name:
            # Connections cannot be put back: those cases change nothing.
            if name != "traffic":
                self.table.write(self.known[name])
            self.current = name

    def play(self, folder, name, line):
        """What one program says to a case, and the state that it leaves behind."""
        self.reset(name)
        said = [programs.run(folder, words, stdin) for words, stdin in programs.commands(line)]
        state = self.table.read()
        # To compare bytes is cheaper than to take them apart.
        lines = self.lines[name] if state == self.known[name] else self.table.lines(state)
        if lines != self.lines[name]:
            self.current = None
        return said, lines

    def compare(self, name, line):
        """(theirs, ours), equal if one of some tries was."""
        for _ in range(TRIES):
            theirs, ours = self.play(programs.THEIRS, name, line), self.play(programs.OURS, name, line)
            ours = [classic(*pair) for pair in zip(theirs[0], ours[0])], ours[1]
            if theirs == ours:
                break
        return theirs, ours


def named_differences():
    """{(state, line): reason} of the cases in which ours means to differ."""
    out, reason, state = {}, None, None
    with open(f"{HERE}/differences", encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("= "):
                reason = line[2:]
            elif line.startswith("@"):
                state = line[1:]
            elif line and not line.startswith("#"):
                out[(state, line)] = reason
    return out


def cases(choice):
    """(file, state, line) of the cases that are asked for; those with traffic come last."""
    out, meant = [], named_differences()
    for name in sorted(os.listdir(f"{HERE}/cases")):
        state, count = "empty", 0
        with open(f"{HERE}/cases/{name}", encoding="utf-8") as file:
            for line in file:
                line = line.rstrip("\n")
                if line.startswith("@"):
                    state = line[1:]
                elif line and not line.startswith("#"):
                    count += 1
                    if choice.named:
                        wanted = (state, line) in meant
                    elif choice.patterns:
                        wanted = any(part in f"{name}: {line}" for part in choice.patterns)
                    else:
                        wanted = choice.all or count % SAMPLED.get(name, 1) == 0
                    if wanted:
                        out.append((name, state, line))
    return sorted(out, key=lambda case: case[1] == "traffic")


def show(one, other):
    """The two sides of what differs."""
    lines = []
    for left, right in zip(one[0], other[0]):
        for label, theirs, ours in zip(("status", "stdout", "stderr"), left, right):
            if theirs != ours:
                lines += [f"    {label}: theirs {theirs!r}", f"    {' ' * len(label)}  ours   {ours!r}"]
    theirs, ours = set(one[1]), set(other[1])
    lines += [f"    state: theirs {line}" for line in sorted(theirs - ours)]
    lines += [f"    state: ours   {line}" for line in sorted(ours - theirs)]
    return "\n".join(lines)


def run(choice):
    """Runs the cases; `ok` or `not ok` for each list, and all that differs without a name. Returns whether all is well."""
    shutil.copy(f"{HERE}/states/hosts", "/etc/hosts")
    bench, meant, counts = Bench(), named_differences(), {}
    for name, state, line in cases(choice):
        theirs, ours = bench.compare(state, line)
        count = counts.setdefault(name, {"equal": 0, "named": 0, "wrong": 0})
        named = (state, line) in meant
        if (theirs == ours) == named:
            count["wrong"] += 1
            print(f"not ok ipvsadm {name} on {state}: {line}" + (": differs no more" if named else ""))
            print(show(theirs, ours), flush=True)
        else:
            count["named" if named else "equal"] += 1
            if named and choice.named:
                print(f"   {name} on {state}: {line}: {meant[(state, line)]}\n{show(theirs, ours)}", flush=True)
    for name, count in counts.items():
        if not count["wrong"]:
            print(f"ok ipvsadm {name}: {count['equal']} command lines are equal, {count['named']} differ as named")
    return not any(count["wrong"] for count in counts.values())
