# SPDX-License-Identifier: GPL-2.0
"""What a debug kernel's checkers say of a whole run: of the log before it, of leaks, and whether they looked at all."""

import glob
import os
import re

import kernel

OUT = "/out"
KUNIT = "/sys/kernel/debug/kunit"


def begin():
    """Leaks of before are not this run's."""
    kernel.kmemleak("scan")
    kernel.kmemleak("clear")


def boot_log():
    """Everything logged since the machine was switched on."""
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    lines = []
    while True:
        try:
            lines.append(os.read(descriptor, 8192).decode(errors="replace").split(";", 1)[1].split("\n", 1)[0])
        except BlockingIOError:
            os.close(descriptor)
            return lines
        except BrokenPipeError:
            continue


def kunit():
    """Runs the KUnit tests of the loaded ip_vs; returns the number of failures."""
    suites = sorted(glob.glob(f"{KUNIT}/knet_*"))
    if not suites:
        return verdict("kunit", "there are no tests")
    failures, log = 0, ""
    for suite in suites:
        name = os.path.basename(suite)
        with open(f"{suite}/run", "w", encoding="ascii") as file:
            file.write(name)
        with open(f"{suite}/results", encoding="ascii") as file:
            text = file.read()
        log += text
        found = re.search(rf"# {name}: pass:(\d+) fail:(\d+)", text)
        passed, failed = found.groups() if found else ("none", "all")
        failures += verdict(f"kunit: {name}, {passed} passed", "" if failed == "0" else f"{failed} failed, see kunit.log")
    with open(f"{OUT}/kunit.log", "w", encoding="ascii") as file:
        file.write(log)
    return failures


def verdict(name, reason):
    """Prints a line like that of a scenario; returns the number of failures in it."""
    print(f"not ok {name}: {reason}" if reason else f"ok {name}", flush=True)
    return int(bool(reason))


def end(log, but=None):
    """The verdicts at the end of a run, in whose log a pattern may be; returns the number of failures."""
    found = kernel.leaks()
    with open(f"{OUT}/leaks.log", "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in found))
    trouble = [line for line in log.trouble(boot_log()) if not (but and but.search(line))]
    return (verdict("checkers: nothing leaks", found and f"{len([1 for line in found if line.startswith('unref')])} "
                    "objects, see leaks.log")
            + verdict("checkers: the whole log is clean", trouble and trouble[0])
            + verdict("checkers: lockdep looked until the end", "" if kernel.lockdep_is_on() else "it has stopped"))
