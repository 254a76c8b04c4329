# SPDX-License-Identifier: GPL-2.0
"""Memory in which the kernel falls asleep: a page that is not there until we say so (userfaultfd(2))."""

import ctypes
import fcntl
import mmap
import os
import select
import struct

from lab import write_sysctl
from scenario import check
from syscalls import USERFAULTFD

LIBC = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE
API, REGISTER, ZEROPAGE = 0x3F, 0x00, 0x04
VERSION, MISSING = 0xAA, 1
MESSAGE = 32


def allow_everybody():
    """Anybody may let the kernel fall asleep, as he may by memory of a file system of his own."""
    write_sysctl("vm/unprivileged_userfaultfd", 1)


def request(number, size):
    """The number of an ioctl that reads and writes a structure of so many bytes."""
    return 3 << 30 | size << 16 | 0xAA << 8 | number


class Buffer:
    """Two pages, the second of which is missing: who touches it, the kernel included, waits for `fill`."""

    def __init__(self):
        self.fd = LIBC.syscall(USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
        check(self.fd >= 0, f"userfaultfd: {os.strerror(ctypes.get_errno())}")
        self.ask(API, "QQQ", VERSION, 0, 0)
        self.memory = mmap.mmap(-1, 2 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.memory[:PAGE] = bytes(PAGE)
        self.edge = ctypes.addressof(ctypes.c_char.from_buffer(self.memory)) + PAGE
        self.ask(REGISTER, "QQQQ", self.edge, PAGE, MISSING, 0)

    def ask(self, number, layout, *words):
        fcntl.ioctl(self.fd, request(number, struct.calcsize(layout)), bytearray(struct.pack(layout, *words)))

    def put(self, data):
        """Writes bytes up to the edge of the missing page; returns their address."""
        self.memory[PAGE - len(data):PAGE] = data
        return self.edge - len(data)

    def is_touched(self, seconds):
        """Whether somebody waits for the missing page, or does so in time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        os.read(self.fd, MESSAGE)
        return True

    def wait(self, seconds=10):
        """Waits until somebody waits for the missing page."""
        check(self.is_touched(seconds), "nobody has touched the missing page")

    def fill(self):
        """Lets them go on: the page is there, and zero."""
        self.ask(ZEROPAGE, "QQQQ", self.edge, PAGE, 0, 0)

    def empty(self):
        """The page is missing again."""
        LIBC.madvise(ctypes.c_void_p(self.edge), ctypes.c_size_t(PAGE), mmap.MADV_DONTNEED)

    def behind(self, length):
        """What stands behind the edge."""
        return self.memory[PAGE:PAGE + length]
