#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measures instructions per packet, inside a VM that counts them (scripts/vm -i): one guest nanosecond is then one
guest instruction, so pktgen's time for a run of packets is the number of instructions that they cost.

guest.py [all|ROW...] (rows, or their first letters) prints one JSON object:
{"module": path of the ip_vs that ran, "rows": {row: instructions}, "absent": {row: why there is no figure}}."""

import json
import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))

import configuration  # noqa: E402
from adding import add, restore  # noqa: E402
from hosts import build, enter, remove, run  # noqa: E402
from costs import established, master, new, new_persistent, one_packet, persistent, plain, plain_reply, reply  # noqa: E402

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


def ways(method, version):
    """The rows of a forwarding method with a version of IP, those of NAT with IPv4 aside."""
    suffix = "" if version == 4 else "-ipv6"
    rows = {f"{method}-established-rr{suffix}": lambda: established("rr", method, version),
            f"{method}-new-rr{suffix}": lambda: new("rr", method=method, version=version),
            f"{method}-one-packet-rr{suffix}": lambda: one_packet("rr", method, version)}
    if method == "nat":
        rows[f"nat-reply{suffix}"] = lambda: reply("rr", version)
    return rows


ROWS = {
    "plain-forwarding": plain,
    "plain-reply": plain_reply,
    "nat-established-rr": lambda: established("rr"),
    "nat-established-wlc": lambda: established("wlc"),
    "nat-new-rr": lambda: new("rr"),
    "nat-new-wlc": lambda: new("wlc"),
    "nat-new-persistent-rr": lambda: new_persistent("rr"),
    "nat-one-packet-rr": lambda: one_packet("rr"),
    "nat-reply": lambda: reply("rr"),
    **ways("dr", 4),
    **ways("ipip", 4),
    "master-established-rr": lambda: master(lambda: established("rr")),
    "master-established-each-rr": lambda: master(lambda: established("rr"), "0 1"),
    "master-new-rr": lambda: master(lambda: new("rr")),
    "master-new-each-rr": lambda: master(lambda: new("rr"), "0 1"),
    "master-persistent-rr": lambda: master(lambda: persistent("rr")),
    "persistent-rr": lambda: persistent("rr"),
    "plain-forwarding-ipv6": lambda: plain(6),
    "plain-reply-ipv6": lambda: plain_reply(6),
    **ways("nat", 6),
    **ways("dr", 6),
    **ways("ipip", 6),
    **{f"new-{scheduler}-{servers}": lambda scheduler=scheduler, servers=servers: new(scheduler, servers, 2000)
       for scheduler in SCHEDULERS for servers in POOLS},
    **{f"add-{scheduler}": lambda scheduler=scheduler: add(scheduler) for scheduler in ADDED_TO},
    "restore-wlc": lambda: restore("wlc"),
    **{f"config-{verb}-{name}": lambda measure=measure, name=name: configured(measure, name)
       for verb, measure in (("restore", configuration.restore), ("list", configuration.listing),
                             ("flush", configuration.flush)) for name in configuration.SHAPES},
    **{f"config-{verb}-{name}-kernel": lambda verb=verb, name=name: configured(configuration.in_kernel, verb, name, socket)
       for verb in ("restore", "list", "flush") for name in configuration.SHAPES},
    **{f"config-apply-{name}": lambda name=name: configured(configuration.apply, name, socket, is_ours())
       for name in configuration.SHAPES},
}


# Rows that there cannot be.
ABSENT = {f"{method}-reply{suffix}": "servers answer past the director" for method in ("dr", "ipip") for suffix in ("", "-ipv6")}


def measure(row):
    """Measures one row on hosts of its own."""
    build(6 if row.endswith("-ipv6") else 4)
    cost = ROWS[row]()
    remove()
    return cost


def chosen(names):
    """The rows that begin with one of these names. Without names, all but those of each scheduler, which take long; those
    too for the name "all"."""
    if not names:
        return [row for row in ROWS if not row.startswith("new-")]
    return [row for row in ROWS if names == ["all"] or row.startswith(tuple(names))]


def absent(names):
    """What is said about rows that were asked for and that there cannot be."""
    return {row: why for row, why in ABSENT.items() if not names or names == ["all"] or row.startswith(tuple(names))}


def main():
    wanted = chosen(sys.argv[1:])
    if not wanted:
        raise SystemExit(f"no such row; there are {', '.join(ROWS)}")
    run("modprobe", "pktgen")
    run("modprobe", "ip_vs")
    module = run("modinfo", "-n", "ip_vs").strip()
    print(json.dumps({"module": module, "rows": {row: measure(row) for row in wanted},
                      "absent": absent(sys.argv[1:])}))


if __name__ == "__main__":
    main()
