# SPDX-License-Identifier: GPL-2.0
"""Prints each path of Rust code that names a room which its own room must not see, and each circle of rooms.

A path is what follows `crate::`, in `use` declarations with braces and in code, and what climbs up to the root of
the crate by `super::`. Comments and strings do not count."""

import glob
import os
import re

# The rooms of floor 3: what each may see. `netns` puts them together.
SEEN = {
    "model": {"model"},
    "plugin": {"plugin", "model"},
    "packet": {"packet", "model", "plugin"},
    "control": {"control", "model", "plugin", "sync"},
    "sync": {"sync", "model", "plugin"},
    "upkeep": {"upkeep", "model"},
    "observe": {"observe", "upkeep", "control", "sync", "packet", "plugin", "model"},
    "netns": {"netns", "observe", "upkeep", "control", "sync", "packet", "plugin", "model"},
}
# The rooms of the switch, from the top to the bottom: each sees those below it.
SWITCH = ["observe", "control", "netns", "service", "scheduler", "server", "settings", "stats"]
SEEN_OF_SWITCH = {room: set(SWITCH[at:]) for at, room in enumerate(SWITCH)}
CRATES = {"ipvs_rs/ipvs": SEEN, "ktcpvs_rs/ktcpvs": SEEN_OF_SWITCH, "ipvs_rs/core": None, "ipvs_rs/locality": None, "ktcpvs_rs/core": None}

COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)
USE = re.compile(r"\buse\s+([^;]+);")
PATH = re.compile(r"\b(crate|(?:super::)*super)::(\w+)")


def leaves(tree):
    """The paths of a `use` tree: `a::{b, c::{d}}` is a::b and a::c::d."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        return [tree.split(" as ")[0].strip()]
    prefix, inside, depth, start, parts = tree[:brace], tree[brace + 1:tree.rindex("}")], 0, 0, []
    for at, sign in enumerate(inside):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append(inside[start:at])
            start = at + 1
    parts.append(inside[start:])
    return [prefix + leaf for part in parts if part.strip() for leaf in leaves(part)]


def module_of(file, crate):
    """The path of the module that a file is."""
    path = os.path.relpath(file, crate)[:-len(".rs")].split(os.sep)
    return [] if path == ["lib"] else path


def named(file, crate):
    """The rooms that the code of a file names, with the path that names each."""
    with open(file, encoding="utf-8") as source:
        code = COMMENT.sub(" ", source.read())
    code = code.split("#[cfg(test)]")[0]
    module = module_of(file, crate)
    paths = [leaf for tree in USE.findall(code) for leaf in leaves(tree)]
    paths += [match.group(0) for match in PATH.finditer(USE.sub(" ", code))]
    for path in paths:
        words = re.split(r"\s*::\s*", path.strip())
        if words[0] == "crate" and len(words) > 1:
            yield words[1], path
        elif words[0] == "super":
            up = next((n for n, word in enumerate(words) if word != "super"), len(words))
            target = module[:max(len(module) - up, 0)] + words[up:]
            if target:
                yield target[0], path


def circles(edges):
    """Rooms that see each other, by way of others perhaps."""
    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            for room in edges.get(ahead.pop(), ()):
                if room not in seen:
                    seen.add(room)
                    ahead.append(room)
        return seen
    reach = {room: reached(room) for room in edges}
    return sorted({tuple(sorted(other for other in reach[room] if room in reach.get(other, ())))
                   for room in edges if room in reach[room]})


def main():
    for crate, seen in CRATES.items():
        files = sorted(glob.glob(f"{crate}/**/*.rs", recursive=True))
        files = [file for file in files if "/tests/" not in file and os.path.basename(file) != "lib.rs"]
        rooms = {module_of(file, crate)[0] for file in files}
        edges = {}
        for file in files:
            room = module_of(file, crate)[0]
            if seen is not None and room not in seen:
                print(f"{file}: no room of the table")
                continue
            for other, path in named(file, crate):
                if other not in rooms or other == room:
                    continue
                edges.setdefault(room, set()).add(other)
                if seen is not None and other not in seen[room]:
                    print(f"{file}: {room} must not see {other} ({path})")
        for circle in circles(edges):
            print(f"{crate}: a circle of {', '.join(circle)}")


main()
