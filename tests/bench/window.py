# SPDX-License-Identifier: GPL-2.0
"""What of a measurement a profile is of. Its begin and end are marks for the plugin in counts.c: an instruction that is run at an
address that no other program uses."""

import ctypes
import mmap
from contextlib import contextmanager, nullcontext

MARK, END = 0x5EED0000000, 0x800
RETURN = b"\xc3"
MAP_FIXED_NOREPLACE = 0x100000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
# Runs of so many packets only prepare a measurement.
WARM_UP = 1000


class Profile:
    """Whether there is one, and of how many packets (or other units of work) it is so far."""

    on, units = False, 0


def enable():
    """Makes the page with the marks."""
    page = LIBC.mmap(ctypes.c_void_p(MARK), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
                     mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, ctypes.c_long(0))
    if page != MARK:
        raise SystemExit("there is no place for the marks of a profile")
    for place in (MARK, MARK + END):
        ctypes.memmove(place, RETURN, len(RETURN))
    Profile.on = True


@contextmanager
def window(units=1):
    """What runs meanwhile, anywhere in the machine, is in the profile."""
    if not Profile.on:
        yield
        return
    begin, end = (ctypes.CFUNCTYPE(None)(place) for place in (MARK, MARK + END))
    Profile.units += units
    begin()
    try:
        yield
    finally:
        end()


def packets(count):
    """A run of packets, if it is measured."""
    return window(count) if count > WARM_UP else nullcontext()


@contextmanager
def unseen():
    """What runs meanwhile only prepares a measurement, however long it is."""
    on, Profile.on = Profile.on, False
    try:
        yield
    finally:
        Profile.on = on
