#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a program in a terminal of its own for a time, and writes down all that it printed: terminal.py FILE PROGRAM..."""

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--columns", type=int, default=100)
    words.add_argument("--rows", type=int, default=24)
    words.add_argument("--seconds", type=float, default=10)
    words.add_argument("file")
    words.add_argument("program", nargs=argparse.REMAINDER)
    asked = words.parse_args()

    child, terminal = pty.fork()
    if child == 0:
        time.sleep(0.5)
        os.environ["TERM"] = "xterm"
        os.execvp(asked.program[0], asked.program)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", asked.rows, asked.columns, 0, 0))
    end = time.monotonic() + asked.seconds
    with open(asked.file, "wb") as file:
        while (left := end - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                try:
                    file.write(os.read(terminal, 65536))
                except OSError:
                    break
    # What it does at its end, such as giving the screen back, is no part of the picture.
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
