#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests our ipvsadm beside Debian's: tests/ipvsadm/guest.py [--all | --named | PATTERN...] in the test VM. --all runs all
command lines, not every Nth of the long lists; --named runs those that are meant to differ, and shows how; patterns choose the
lines that have one in them."""

import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

import differential  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--named", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    subprocess.run(["modprobe", "ip_vs"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    good = differential.run(options)
    return not good


if __name__ == "__main__":
    sys.exit(main())
