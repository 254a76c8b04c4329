#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a command on the debug kernel, with IPVS loaded, and says what its checkers saw: tests/debug/watched.py COMMAND..."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, f"{HERE}/../net")

import checkers  # noqa: E402
import kernel  # noqa: E402


def main():
    log = kernel.Log()
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    checkers.begin()
    status = subprocess.run(sys.argv[1:], check=False).returncode
    failures = checkers.end(log)
    sys.exit(status or (1 if failures else 0))


if __name__ == "__main__":
    main()
