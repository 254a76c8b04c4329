# SPDX-License-Identifier: GPL-2.0
"""The kernel under test as a whole: its modules, its log, its memory."""

import ctypes
import errno
import glob
import os
import re
import subprocess
import time

from scenario import Failed

LIBC = ctypes.CDLL(None, use_errno=True)
SCHEDULERS_AT_START = [f"ip_vs_{name}" for name in "rr wrr lc wlc sed nq fo ovf twos sh dh mh lblc lblcr".split()]
TROUBLE = re.compile(r"WARNING|BUG|Oops|(?<!RCU )lockdep|circular locking|suspicious RCU|inconsistent lock|rust_kernel: panicked"
                     r"|general protection|refcount_t|list_(add|del) corruption|stack-protector|UBSAN|KASAN"
                     r"|blocked for more than|rcu.*stall|unregister_netdevice: waiting"
                     # What only a debug kernel says.
                     r"|ODEBUG|kmemleak: (?!Kernel memory leak detector init)|ref_tracker|held lock freed|INFO: |KFENCE|sleeping function|scheduling while atomic"
                     r"|BUG: using |DEBUG_LOCKS")
# A line of a stack, in which any function may be named.
FRAME = re.compile(r"\s*(\? )?[\w.$]+\+0x[0-9a-f]+/0x")
KMEMLEAK = "/sys/kernel/debug/kmemleak"
# The kernel that scripts/debug-kernel.sh makes; its modules are built apart.
IS_DEBUG = os.uname().release.endswith("-debug")
# How much longer all takes.
PATIENCE = 20 if IS_DEBUG else 1
# What is many only to be measured is so many times less there.
LESS = 10 if IS_DEBUG else 1
# What our modules stand on; it stays when they go.
BASE = "ipvs_rs"
# Where the modules of the lab were built, and our tools for this processor.
BUILD = os.environ.get("LAB_BUILD", "/src/build")
TOOLS = "/src/target/aarch64-unknown-linux-gnu/release" if os.uname().machine == "aarch64" else "/src/target/release"


def modules():
    """The loaded IPVS modules and their use counts."""
    with open("/proc/modules", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return {row[0]: int(row[2]) for row in rows if row[0].startswith("ip_vs")}


def use_count(name):
    """How many use a module, or None if it is not loaded."""
    with open("/proc/modules", encoding="ascii") as file:
        return next((int(row[2]) for row in map(str.split, file) if row[0] == name), None)


def wait_for_modules(wanted, seconds=20):
    """Waits until the modules and use counts are those of an earlier look: namespaces are freed in the background."""
    end = time.monotonic() + seconds
    while modules() != wanted:
        if time.monotonic() > end:
            raise Failed(f"use counts are {modules()} and do not return to {wanted}")
        time.sleep(0.02)


def load(*names):
    """Loads modules by name."""
    subprocess.run(["modprobe", "-a", *names], check=True)


def unload(name):
    """Removes one module; returns "ok" or the name of the error."""
    if LIBC.delete_module(name.encode(), os.O_NONBLOCK) == 0:
        return "ok"
    return errno.errorcode[ctypes.get_errno()]


def unload_all():
    """Removes all IPVS modules, the schedulers first."""
    for name in sorted(modules(), key=lambda name: name == "ip_vs"):
        outcome = unload(name)
        if outcome != "ok":
            raise Failed(f"removing {name}: {outcome}, use counts {modules()}")


def is_ours():
    """Whether modprobe would choose our ip_vs, not the C one."""
    path = subprocess.run(["modinfo", "-n", "ip_vs"], check=True, capture_output=True, text=True).stdout
    return "/updates/" in path


def kmemleak(command):
    with open(KMEMLEAK, "w", encoding="ascii") as file:
        file.write(command)


def leaks():
    """What a debug kernel finds no pointer to in all of its memory. The first look notes checksums, and pointers that the
    allocator forgot to forget hide what is lost until others take their places: so processes come and go between the looks."""
    for _ in range(3):
        for _ in range(20):
            subprocess.run(["true"], check=True)
        time.sleep(6)
        kmemleak("scan")
    with open(KMEMLEAK, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def lockdep_is_on():
    """Whether lockdep still looks: it stops at its first report, and where its tables are full."""
    with open("/proc/lockdep_stats", encoding="ascii") as file:
        return re.search(r"debug_locks: +1", file.read()) is not None


class Log:
    """Reads what the kernel logs from now on."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def new_lines(self):
        """The messages since the last call."""
        lines = []
        while True:
            try:
                record = os.read(self.file, 8192).decode(errors="replace")
            except BlockingIOError:
                return lines
            except BrokenPipeError:
                lines.append("(messages lost)")
                continue
            lines.append(record.split(";", 1)[1].split("\n", 1)[0])

    @staticmethod
    def trouble(lines):
        """Those of the messages that a healthy kernel never logs."""
        return [line for line in lines if TROUBLE.search(line) and not FRAME.match(line)]


def memory():
    """Objects per slab cache, vmalloc areas and per-CPU memory (kB), after everything that can be freed was freed."""
    time.sleep(0.3)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3\n")
    for path in glob.glob("/sys/kernel/slab/*/shrink"):
        with open(path, "w", encoding="ascii") as file:
            file.write("1\n")
    with open("/proc/slabinfo", encoding="ascii") as file:
        rows = [line.split() for line in file.read().splitlines()[2:]]
    figures = {f"slab {row[0]}": int(row[1]) for row in rows}
    with open("/proc/vmallocinfo", encoding="ascii") as file:
        figures["vmalloc areas"] = sum("unpurged" not in line for line in file)
    with open("/proc/meminfo", encoding="ascii") as file:
        figures["per-CPU kB"] = int(re.search(r"Percpu: +(\d+)", file.read())[1])
    return figures
