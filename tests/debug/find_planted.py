#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes each planted fault on the debug kernel and asks whether what looks at the scenarios sees it, and what lets
allocations fail."""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import kernel  # noqa: E402
import nth  # noqa: E402
from attempts import Run, name_of  # noqa: E402

PARAMETERS = "/sys/module/planted/parameters"
# lockdep ends its look with the first fault that it finds, when KASAN has found one, and when locks and preemption are at odds.
IN_LOG = ("sleep_in_reader unprotected_reader inverted_locks sleep_in_atomic pending_timer_freed released_twice use_after_free "
          "out_of_bounds").split()


def plant(name):
    with open(f"{PARAMETERS}/fault", "w", encoding="ascii") as file:
        file.write(name)


def verdict(name, seen):
    print(f"ok planted: {name}: {seen}" if seen else f"not ok planted: {name}: nobody saw it", flush=True)
    return not seen


def first(lines, pattern):
    """The first line with a pattern, if there is one."""
    return next((line.strip() for line in lines if re.search(pattern, line)), "")


def keep(how, what):
    """Writes to a parameter that keeps it."""
    try:
        with open(f"{PARAMETERS}/{how}", "wb", buffering=0) as file:
            file.write(what)
        return "ok"
    except OSError as error:
        return name_of(error)


def kept():
    with open(f"{PARAMETERS}/well", "rb") as file:
        return file.read()


def where_memory_lacks():
    """What the tries see of memory that lacks, and of what is lost then; returns the number of failures."""
    nth.prepare()
    nth.only_in("planted")
    lost = 0
    for how, seen in (("well", False), ("ignoring", True), ("leaking", False)):
        run = Run(say=lambda line: print("planted:", line, flush=True))
        # kmemleak may miss one.
        for _ in range(1 if seen else 10):
            run.all(how, lambda how=how: keep(how, b"x"), lambda: keep("well", b"y"), kept)
        lost += verdict(f"memory lacks, {how}", f"{run.failed} failures" if (run.lost > 0) == seen and run.failed else "")
    nth.anywhere()
    return lost


def main():
    subprocess.run(["modprobe", "planted"], check=True)
    log, lost = kernel.Log(), 0
    kernel.kmemleak("scan")
    kernel.kmemleak("clear")
    plant("leak")
    lost += where_memory_lacks()
    leaks = kernel.leaks()
    lost += verdict("leak", first(leaks, r"\bleak\+0x"))
    lost += verdict("a leak where memory lacks", first(leaks, r"\bkeep\w*\+0x"))
    log.new_lines()
    for name in IN_LOG:
        plant(name)
        time.sleep(0.5)
        trouble = log.trouble(log.new_lines())
        lost += verdict(name, trouble and trouble[0])
    lost += verdict("lockdep has stopped", "" if kernel.lockdep_is_on() else "noticed")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
