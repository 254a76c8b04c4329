#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes each planted fault on the debug kernel and asks whether what looks at the scenarios sees it."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, f"{HERE}/../net")

import kernel  # noqa: E402

FAULT = "/sys/module/planted/parameters/fault"
# lockdep ends its look with the first fault that it finds, when KASAN has found one, and when locks and preemption are at odds.
IN_LOG = ("sleep_in_reader unprotected_reader inverted_locks sleep_in_atomic pending_timer_freed released_twice use_after_free "
          "out_of_bounds").split()


def plant(name):
    with open(FAULT, "w", encoding="ascii") as file:
        file.write(name)


def verdict(name, seen):
    print(f"ok planted: {name}: {seen}" if seen else f"not ok planted: {name}: nobody saw it", flush=True)
    return not seen


def main():
    subprocess.run(["modprobe", "planted"], check=True)
    log, lost = kernel.Log(), 0
    kernel.kmemleak("scan")
    kernel.kmemleak("clear")
    plant("leak")
    leaks = kernel.leaks()
    lost += verdict("leak", leaks and leaks[0])
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
