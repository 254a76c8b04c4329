#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests our ipvsadm beside Debian's: tests/ipvsadm/guest.py [CHOICE | PATTERN...] in the test VM. --all runs all command
lines, not every Nth of the long lists; --named those that are meant to differ, and shows how; --large nothing but a table of
10,000 services; --wrong nothing but wrong_lines, and shows the answers; --extras nothing but what 1.31 lacks; patterns choose
the command lines that have one in them, and nothing else."""

import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

import differential  # noqa: E402
import extras  # noqa: E402
import flows  # noqa: E402
import large  # noqa: E402
import setups  # noqa: E402
import table  # noqa: E402
import wrong  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--extras", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    subprocess.run(["modprobe", "ip_vs"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if options.large:
        return not (large.run(10000, 5) & large.at_once(1000, 4, extras.kernel_adds()))
    if options.wrong:
        return not wrong.run(extras.kernel_adds(), True)
    if options.extras:
        flows.make()
        return not extras.checks()
    good = differential.run(options)
    if not options.named and not options.patterns:
        # With the traffic of the last cases.
        good &= extras.checks()
        good &= wrong.run(extras.kernel_adds(), False)
        good &= setups.run(differential.has_engines())
        # What a program takes tells nothing on a kernel that checks itself.
        if not table.IS_DEBUG:
            good &= large.run(1000, 5)
            good &= large.at_once(1000, 4, extras.kernel_adds())
    return not good


if __name__ == "__main__":
    sys.exit(main())
