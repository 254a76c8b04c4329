# SPDX-License-Identifier: GPL-2.0
"""The early path, seen from outside: the same story is told by a director whose packets all go the slow way, by one whose packets
go early where they may, and by the C module, which has no early path."""

import lab
from dual import VERSIONS, DualWires
from scenario import check, equal

OFF, AUTO, FORCED = 0, 1, 2
# Lines that begin so are compared between the modes, and not with the C module, which adds its statistics up every other second.
OWN = "own: "
PATH = "net/ipv4/vs/early_path"


def has_early_path(host):
    """Whether the modules under test have one."""
    try:
        host.read(f"/proc/sys/{PATH}")
    except FileNotFoundError:
        return False
    return True


def counts(host):
    """{outcome: packets} of a director."""
    return {name: int(count) for name, count in map(str.split, host.read("/proc/net/ip_vs_early").splitlines())}


def gone_early(host):
    return counts(host)["early"]


def moved(host, act):
    """How many packets went early during `act`."""
    before = gone_early(host)
    act()
    return gone_early(host) - before


def told(t, story, *, modes=(OFF, FORCED), least=1, **topology):
    """Tells a story once for each mode and compares them. `story(lab, note)` gives lines to `note`. At least so many packets go
    early where they may, and none where they may not."""
    stories = {}
    for mode in modes:
        lines = []
        one = DualWires(**topology)
        ours = has_early_path(one.director)
        if ours:
            one.director.sysctl(PATH, mode)
        story(one, lines.append)
        if ours and mode == OFF:
            equal(gone_early(one.director), 0, "early packets with early_path 0")
        elif ours:
            early = counts(one.director)
            check(early["early"] >= least, f"{early} with early_path {mode}")
        stories[mode] = lines
        lab.remove_all()
        if not ours:
            break
    first = stories[modes[0]]
    for mode, lines in stories.items():
        for number, (wanted, found) in enumerate(zip(first, lines)):
            equal(found, wanted, f"line {number} with early_path {mode}")
        equal(len(lines), len(first), f"lines with early_path {mode}")
    t.block("told", [line for line in first if not line.startswith(OWN)])


def each_version(scenario, module):
    """Makes a scenario of each version of IP of a function."""
    def register(function):
        for version in VERSIONS:
            def one(t, version=version):
                function(t, version)
            one.__name__ = f"{function.__name__}_of_ipv{version}"
            one.__module__ = module
            scenario(one)
        return function
    return register
