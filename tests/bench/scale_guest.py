#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What many connections cost, inside a VM that counts instructions: scale_guest.py PARAMETERS SIZE... loads ip_vs with some
parameters ("-": none), and prints {size: {row: figure}} as JSON. A figure is in instructions for each packet or connection, or in bytes.

new, established, reply   with so many connections in the table
expiry                    the end of a connection whose time is over: the instructions that a program loses to it that runs meanwhile
memory, slab              for each connection, by MemAvailable and by Slab of /proc/meminfo"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))

import pktgen  # noqa: E402
from conditions import Conditions  # noqa: E402
from costs import ONE, answer, ask, busy, open_one, opening, service, steady  # noqa: E402
from hosts import MAC, PORT, VIP, build, enter, remove, run  # noqa: E402

ON = Conditions(bare=True)
# 21 clients and 50,000 ports: numbers without a common divisor, so the first 1,050,000 pairs differ.
FIRST, LAST, PORTS = "10.0.0.100", "10.0.0.120", (10000, 59999)
MEASURED, FEW = 5000, 10000
# Longer than it takes to fill the table.
UDP_SECONDS = 100


def memory():
    """MemAvailable and Slab, in bytes, once what is to be freed has been."""
    time.sleep(3)
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return [int(fields[name].split()[0]) << 10 for name in ("MemAvailable", "Slab")]


def connections():
    """How many connections the only server has."""
    enter("director")
    with open("/proc/net/ip_vs", encoding="ascii") as file:
        return sum(int(number) for line in file.read().splitlines()[3:] if "->" in line for number in line.split()[-2:])


def fill(size):
    """Makes a director with so many connections; the memory before that, and when the first and the last was made."""
    build(ON)
    service("rr", ON)
    run("ipvsadm", "--set", "0", "0", str(UDP_SECONDS))
    before = memory()
    enter("client")
    began = time.monotonic()
    pktgen.send("c0", size, to_mac=MAC["director-c"], source=FIRST, last_source=LAST, target=VIP, sports=PORTS, dport=PORT)
    if connections() != size:
        raise SystemExit(f"{connections()} connections instead of {size}")
    return before, began, time.monotonic()


def packets(size):
    """What packets cost in a full table."""
    open_one(ON)
    ask(1000, (ONE, ONE), ON)
    count = min(MEASURED, size)
    return {"established": steady(lambda: ask(MEASURED, (ONE, ONE), ON)), "reply": steady(lambda: answer(MEASURED, ON)),
            "new": opening(count, PORTS[0], ON)}


def expiry(size, began, ended):
    """The end of all connections, each of which ends UDP_SECONDS after it was made."""
    steps = 10 ** 9 // (busy(10 ** 7) // 10 ** 7)
    alone = min(busy(2 * steps) for _ in range(2)) / (2 * steps)
    # One second before the first one. What is left was made by the other rows.
    left = began + UDP_SECONDS - 1 - time.monotonic()
    if left < 0:
        raise SystemExit(f"{size} connections: the first has ended {-left} s too early")
    time.sleep(left)
    before = connections()
    steps *= int(ended - began) + 4
    cost = busy(steps) - alone * steps
    return cost / (before - connections())


def measure(size):
    """All rows of one size."""
    before, *times = fill(size)
    after = memory()
    rows = {"memory": (before[0] - after[0]) / size, "slab": (after[1] - before[1]) / size, **packets(size)}
    # Among the timers of everything else, fewer cannot be told.
    if size >= FEW:
        rows["expiry"] = expiry(size, *times)
    remove()
    return rows


def main():
    run("modprobe", "pktgen")
    run("modprobe", "ip_vs", *(() if sys.argv[1] == "-" else (sys.argv[1],)))
    print(json.dumps({size: measure(int(size)) for size in sys.argv[2:]}))


if __name__ == "__main__":
    main()
