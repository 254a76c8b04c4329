#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measures instructions per packet, inside a VM that counts them (scripts/vm -i): one guest nanosecond is then one
guest instruction, so pktgen's time for a run of packets is the number of instructions that they cost.

guest.py [all|ROW...] (rows, their first letters, or a row under conditions that are not in the list: conditions.py)
prints one JSON object:
{"module": path of the ip_vs that ran, "rows": {row: instructions}, "absent": {row: why there is no figure}}. With
--profile FILE ROW it measures one row, marks its packets for the plugin in counts.c, says in "profile" how many they were, and
leaves the addresses of functions in FILE."""

import json
import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))

import configuration  # noqa: E402
import peers  # noqa: E402
from adding import add, restore  # noqa: E402
from conditions import parse, vary  # noqa: E402
from window import Profile, enable  # noqa: E402
from hosts import build, enter, remove, run  # noqa: E402
from costs import established, expiring, master, new, new_persistent, one_packet, persistent, plain, plain_reply, reply, strangers  # noqa: E402

SCHEDULERS = "rr wrr lc wlc sed nq fo ovf twos sh dh mh lblc lblcr".split()
POOLS = (1, 33, 256)
ADDED_TO = "rr wrr wlc sh mh lblc".split()


def configured(measure, name, *more):
    """A row about the configuration of the director."""
    enter("director")
    return measure(name, *more)


def is_ours():
    """Whether the modules under test are not Debian's."""
    return "/updates/" in run("modinfo", "-n", "ip_vs")


def method(name):
    """The rows of a forwarding method."""
    return {f"{name}-established-rr": lambda on: established("rr", on, name),
            f"{name}-new-rr": lambda on: new("rr", on, method=name),
            f"{name}-one-packet-rr": lambda on: one_packet("rr", on, name)}


# What is measured, by name; each is given its conditions.
WORK = {
    "plain-forwarding": plain,
    "plain-reply": plain_reply,
    "nft-dnat-established": lambda on: peers.tracked(on, replies=False),
    "nft-dnat-reply": lambda on: peers.tracked(on, replies=True),
    "nft-flowtable-established": lambda on: peers.tracked(on, replies=False, flowtable=True),
    "nft-flowtable-reply": lambda on: peers.tracked(on, replies=True, flowtable=True),
    "strangers": strangers,
    **method("nat"),
    "nat-reply": lambda on: reply("rr", on),
    "nat-expiring-rr": lambda on: expiring("rr", on),
    "nat-established-wlc": lambda on: established("wlc", on),
    "nat-new-wlc": lambda on: new("wlc", on),
    "nat-new-persistent-rr": lambda on: new_persistent("rr", on),
    "persistent-rr": lambda on: persistent("rr", on),
    **method("dr"),
    **method("ipip"),
    "master-established-rr": lambda on: master(lambda: established("rr", on)),
    "master-established-each-rr": lambda on: master(lambda: established("rr", on), "0 1"),
    "master-new-rr": lambda on: master(lambda: new("rr", on)),
    "master-new-each-rr": lambda on: master(lambda: new("rr", on), "0 1"),
    "master-persistent-rr": lambda on: master(lambda: persistent("rr", on)),
    **{f"new-{scheduler}-{servers}": lambda on, scheduler=scheduler, servers=servers: new(scheduler, on, servers, 2000)
       for scheduler in SCHEDULERS for servers in POOLS},
    **{f"add-{scheduler}": lambda _, scheduler=scheduler: add(scheduler) for scheduler in ADDED_TO},
    "restore-wlc": lambda _: restore("wlc"),
    **{f"config-{verb}-{name}": lambda _, measure=measure, name=name: configured(measure, name)
       for verb, measure in (("restore", configuration.restore), ("list", configuration.listing),
                             ("flush", configuration.flush)) for name in configuration.SHAPES},
    **{f"config-{verb}-{name}-kernel": lambda _, verb=verb, name=name: configured(configuration.in_kernel, verb, name, socket)
       for verb in ("restore", "list", "flush", "delete") for name in configuration.SHAPES},
    **{f"config-apply-{name}": lambda _, name=name: configured(configuration.apply, name, socket, is_ours())
       for name in configuration.SHAPES},
}

FORWARDING = list(WORK)[:6]
LONG_LIVED = ["nat-established-rr", "nat-reply", "dr-established-rr", "ipip-established-rr"]
NEW = ["nat-new-rr", "dr-new-rr", "ipip-new-rr"]
ONE_PACKET = ["nat-one-packet-rr", "dr-one-packet-rr", "ipip-one-packet-rr"]
BY_TCP = [*FORWARDING, "nat-established-rr", "nat-reply", "nat-new-rr", "dr-established-rr", "dr-new-rr"]
# The rows that there are without asking for others: most under the usual conditions only.
ROWS = [
    *WORK,
    *vary(FORWARDING + LONG_LIVED, "-bare"), *vary(LONG_LIVED, "-slow"), *vary(NEW, "-bare", "-slow"), *vary(["strangers"], "-bare", "-slow"),
    *vary(FORWARDING + LONG_LIVED + NEW, "-csum"), *vary(FORWARDING + LONG_LIVED, "-csum-bare"),
    *vary(BY_TCP, "-tcp", "-tcp-bare"),
    *vary(FORWARDING + LONG_LIVED + NEW + ONE_PACKET, "-ipv6"), *vary(FORWARDING + LONG_LIVED, "-ipv6-bare"),
    *vary(BY_TCP, "-ipv6-tcp", "-ipv6-tcp-bare"),
    *vary(FORWARDING + LONG_LIVED[:3] + NEW, "-shared"),
]
# Rows that there cannot be.
ABSENT = {f"{method}-reply{suffix}": "servers answer past the director" for method in ("dr", "ipip") for suffix in ("", "-ipv6")}


def measure(row):
    """Measures one row on hosts of its own."""
    name, on = parse(row)
    build(on)
    cost = WORK[name](on)
    remove()
    return cost


def chosen(names):
    """The rows that begin with one of these names (with a dollar sign at its end: that are it), or have it under conditions
    that are not in the list. Without names, all but those of each scheduler, which take long; those too for the name "all"."""
    if not names:
        return [row for row in ROWS if not row.startswith("new-")]
    first = tuple(name for name in names if not name.endswith("$"))
    listed = [row for row in ROWS if names == ["all"] or row.startswith(first) or f"{row}$" in names]
    return listed + [name for name in first if name not in listed and parse(name)[0] in WORK]


def absent(names):
    """What is said about rows that were asked for and that there cannot be."""
    return {row: why for row, why in ABSENT.items() if not names or names == ["all"] or row.startswith(tuple(names))}


def options():
    """The rows that are asked for, and the file for the addresses of functions if a profile is made."""
    words = sys.argv[1:]
    if words[:1] == ["--profile"]:
        return words[2:], words[1]
    return words, None


def main():
    names, symbols = options()
    wanted = chosen(names) if not symbols else names
    if not wanted:
        raise SystemExit(f"no such row; there are {', '.join(ROWS)}")
    run("modprobe", "pktgen")
    run("modprobe", "ip_vs")
    if symbols:
        enable()
    module = run("modinfo", "-n", "ip_vs").strip()
    rows = {row: measure(row) for row in wanted}
    if symbols:
        with open("/proc/kallsyms", encoding="ascii") as source, open(symbols, "w", encoding="ascii") as target:
            target.write(source.read())
    print(json.dumps({"module": module, "rows": rows, "absent": absent(names), "profile": Profile.units}))


if __name__ == "__main__":
    main()
