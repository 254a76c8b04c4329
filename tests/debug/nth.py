# SPDX-License-Identifier: GPL-2.0
"""Lets the n-th allocation of an operation fail. Three ways, after who does the operation:

    Nth      this thread: the kernel's fail-nth
    Workers  the kernel's workers: the same, set for each of them
    Packets  interrupts, where there is no thread to count for: the allocation after so many bytes

Between `only_in(module)` and `anywhere()` only what has the module among its callers is counted; what kmemleak notes
about each allocation is never."""

import os
import re

# Where kmemleak allocates for itself. It has a reserve.
KMEMLEAK = "__create_object"
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
    # A stack for each failure would be most of what the machine does, if it went to the serial line too.
    write("/proc/sys/kernel/printk", 4)
    with open("/proc/kallsyms", encoding="ascii") as file:
        places = sorted((int(line.split()[0], 16), line.split()[2]) for line in file if re.search(r" [tT] \S+$", line))
    at = next(index for index, (_, name) in enumerate(places) if name == KMEMLEAK)
    setting("reject-start", places[at][0])
    setting("reject-end", places[at + 1][0])
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
    """What this thread allocates."""

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


class Workers:
    """What each worker allocates for an operation, which has to wait until they are done."""

    @staticmethod
    def all():
        """The places where each worker's number is set; workers come and go."""
        found = []
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/comm", encoding="ascii", errors="replace") as file:
                    if file.read().startswith("kworker"):
                        found.append(f"/proc/{process}/fail-nth")
            except OSError:
                continue
        return found

    def attempt(self, number, operation):
        """Runs an operation; the allocation of that number fails in every worker. Returns as `Nth` does."""
        armed = self.all()
        for place in armed:
            write(place, number)
        try:
            outcome = operation()
        finally:
            left = []
            for place in armed:
                try:
                    with open(place, encoding="ascii") as file:
                        left.append(int(file.read()))
                    write(place, 0)
                except OSError:
                    continue
        return outcome, 0 in left


class Packets:
    """What interrupts allocate, by slab, for what an operation does by way of `during`; from the last allocation to the
    first one. The kernel can be told to fail the first allocation that finds no more left of some bytes than it wants:
    with as many bytes as were given to all before one, that is the one before it."""

    MANY = 1 << 30

    def __init__(self):
        self.room, self.armed, self.failed = None, False, False

    def begin(self, operation):
        """Learns how much is allocated. Returns the outcome."""
        self.room = self.MANY
        return self.attempt(0, operation)[0]

    def attempt(self, _number, operation):
        """As `Nth` does, with the allocation before the one that was tried last."""
        self.armed, self.failed = self.room != 0, False
        try:
            return operation(), self.failed
        finally:
            self.armed = False

    def during(self, send):
        """Does what an allocation is to fail in, if one is to."""
        if not self.armed:
            return send()
        path = f"{FAULTS}/failslab"
        write(f"{path}/space", self.room)
        write(f"{path}/times", 1)
        write(f"{path}/probability", 100)
        try:
            return send()
        finally:
            write(f"{path}/probability", 0)
            with open(f"{path}/times", encoding="ascii") as file:
                self.failed = int(file.read()) == 0
            with open(f"{path}/space", encoding="ascii") as file:
                self.room -= int(file.read())
            write(f"{path}/times", -1)
            write(f"{path}/space", 0)


def sites(lines):
    """The places in the modules whose allocations failed, from the stacks in the log: the callers next to it."""
    found, inside = set(), False
    for line in lines:
        if "forcing a failure" in line:
            inside = True
        match = re.search(r"([\w.$]+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[((?:ip_vs|ktcpvs)\w*)\]", line)
        if inside and match and not line.lstrip().startswith("? "):
            found.add(match.group(0).strip())
            inside = False
    return found
