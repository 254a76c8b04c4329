# SPDX-License-Identifier: GPL-2.0
"""Lets the n-th allocation of an operation fail: the kernel's systematic fault injection (fail-nth), which counts what
this thread allocates. Between `only_in(module)` and `anywhere()` it counts only what has the module among its callers."""

import os
import re

FAULTS = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc")
NOBODY = (1 << 64) - 1


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def setting(name, value):
    for kind in KINDS:
        write(f"{FAULTS}/{kind}/{name}", value)


def prepare():
    """Any allocation may fail, also those that may sleep."""
    setting("ignore-gfp-wait", "N")
    write(f"{FAULTS}/fail_page_alloc/ignore-gfp-highmem", "N")
    setting("stacktrace-depth", 32)
    anywhere()


def anywhere():
    """Counts all; pages one by one would be those that a module's text is put in, hundreds of them."""
    setting("require-start", 0)
    setting("require-end", NOBODY)
    write(f"{FAULTS}/fail_page_alloc/min-order", 1)


def only_in(*modules):
    """Counts only what has functions of these modules among its callers."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        places = [int(line.split()[0], 16) for line in file
                  if re.search(r" [tT] .*\[(%s)\]$" % "|".join(modules), line)]
    setting("require-start", min(places))
    setting("require-end", max(places) + 4096)
    write(f"{FAULTS}/fail_page_alloc/min-order", 0)


def at_random(percent):
    """Lets so many percent of what is counted fail, in every thread and in interrupts; 0 ends it."""
    setting("times", -1)
    setting("probability", percent)


class Nth:
    """This thread's counter."""

    def __init__(self):
        self.file = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def attempt(self, number, operation):
        """Runs an operation whose allocation of that number fails; returns (its outcome, whether there was one)."""
        os.pwrite(self.file, str(number).encode(), 0)
        try:
            outcome = operation()
        finally:
            left = int(os.pread(self.file, 20, 0))
            os.pwrite(self.file, b"0", 0)
        return outcome, left == 0


def sites(lines):
    """The places in the modules whose allocations failed, from the stacks in the log: the callers next to it."""
    found, inside = set(), False
    for line in lines:
        if "forcing a failure" in line:
            inside = True
        match = re.search(r"([\w.$]+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[(ip_vs\w*)\]", line)
        if inside and match and not line.lstrip().startswith("? "):
            found.add(match.group(0).strip())
            inside = False
    return found
