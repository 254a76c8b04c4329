# SPDX-License-Identifier: GPL-2.0
"""Module parameters, as they are asked for, logged and shown in /sys, and all that the modules log as they come and go."""

import os
import re
import stat

import kernel
from lab import Topology, run
from scenario import check, scenario
from scenarios.w_log import Log

BITS = "/sys/module/ip_vs/parameters/conn_tab_bits"
VALUES = ("", "0", "-1", "4", "8", "9", "12", "20", "22", "27", "28", "2147483647", "0x10", "abc", "8 ", "4294967296")


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


@scenario
def the_connection_tables_bound_is_shown_as_it_is_in_force(t):
    Topology()
    log = Log()
    kernel.unload_all()
    kernel.load("ip_vs")
    size = re.search(r"\(size=(\d+), ", " ".join(log.said()))
    check(int(size[1]) == 1 << int(read(BITS)), f"{size[1]} buckets, and {BITS} says {read(BITS)}")
    try:
        for value in VALUES:
            kernel.unload_all()
            log.said()
            said = run("modprobe", "ip_vs", f"conn_tab_bits={value}", check=False).strip()
            t.block(f"conn_tab_bits={value!r} {said}".strip(), log.said())
            if os.path.exists(BITS):
                status = os.stat(BITS)
                t.note(f"shown: {read(BITS)!r} {stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid}")
    finally:
        kernel.unload_all()
        kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)


@scenario
def modules_say_that_they_come_and_go(t):
    Topology()
    log = Log()
    kernel.unload_all()
    t.block("removed", log.said())
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    # Ours has another default for the size of a table.
    t.block("loaded", [line for line in log.said() if "hash table configured" not in line])
