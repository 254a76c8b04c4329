# SPDX-License-Identifier: GPL-2.0
"""Memory with a page that is not there: who reads or writes it sleeps until somebody puts one there (userfaultfd)."""

import ctypes
import fcntl
import mmap
import os
import select
import struct

from scenario import check

LIBC = ctypes.CDLL(None, use_errno=True)
USERFAULTFD = 323  # The system call's number on x86-64.
PAGE = mmap.PAGESIZE
MODE_MISSING = 1
PERMISSION = "/proc/sys/vm/unprivileged_userfaultfd"


def request(number, size):
    """The number of an ioctl that reads and writes a structure."""
    return 3 << 30 | size << 16 | 0xAA << 8 | number


API, REGISTER, ZEROPAGE = request(0x3F, 24), request(0x00, 32), request(0x04, 32)


def allow_everybody():
    """Anybody may let the kernel sleep, as he may by memory of a file system of his own."""
    with open(PERMISSION, "w", encoding="ascii") as file:
        file.write("1\n")


class AbsentPage:
    """A page that is there, and behind it one that is not. `end` is the address between the two."""

    def __init__(self):
        self.descriptor = LIBC.syscall(USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
        check(self.descriptor >= 0, f"userfaultfd: {os.strerror(ctypes.get_errno())}")
        fcntl.ioctl(self.descriptor, API, bytearray(struct.pack("QQQ", 0xAA, 0, 0)))
        self.memory = mmap.mmap(-1, 2 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.end = ctypes.addressof(ctypes.c_char.from_buffer(self.memory)) + PAGE
        self.memory[:PAGE] = bytes(PAGE)
        fcntl.ioctl(self.descriptor, REGISTER, bytearray(struct.pack("QQQQ", self.end, PAGE, MODE_MISSING, 0)))

    def wait_for_sleeper(self, seconds):
        """Whether somebody has come to the page that is not there."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        os.read(self.descriptor, 32)
        return True

    def fill(self):
        """Puts a page there, and wakes all who sleep."""
        fcntl.ioctl(self.descriptor, ZEROPAGE, bytearray(struct.pack("QQQQ", self.end, PAGE, 0, 0)))

    def empty(self):
        """Takes it away again."""
        LIBC.madvise(ctypes.c_void_p(self.end), ctypes.c_size_t(PAGE), mmap.MADV_DONTNEED)

    def put(self, data):
        """Puts bytes right before the page that is not there; returns where they begin."""
        self.memory[PAGE - len(data):PAGE] = data
        return self.end - len(data)
