# SPDX-License-Identifier: GPL-2.0
"""A socket map of BPF, which takes the connections to a port as soon as they are made, be they accepted or not."""

import contextlib
import ctypes
import os
import struct
import subprocess

from scenario import Failed
from syscalls import BPF

MAP_CREATE, PROG_LOAD, PROG_ATTACH, PROG_DETACH = 0, 5, 8, 9
SOCK_MAP, SOCK_OPS, CGROUP_SOCK_OPS = 15, 13, 3
PASSIVE_ESTABLISHED, SOCK_MAP_UPDATE = 5, 53
# Places in struct bpf_sock_ops.
OP, REMOTE_PORT, LOCAL_PORT = 0, 64, 68
MOVE, SET, LOAD, STORE, ADD, RIGHT, UNLESS, BIG, CALL, EXIT = 0xBF, 0xB7, 0x61, 0x63, 0x07, 0x77, 0x55, 0x18, 0x85, 0x95
# One for each port of a client.
PLACES = 1 << 16
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    size = max(len(attributes), 128)
    room = ctypes.create_string_buffer(attributes, size)
    found = LIBC.syscall(BPF, command, room, size)
    if found < 0:
        raise Failed(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return found


def instruction(code, to=0, source=0, offset=0, value=0):
    return struct.pack("=BBhi", code, to | source << 4, offset, value)


def program(sockets, port):
    """Puts each connection that comes to a port into a map, at the place of its client's port, which is in the upper half of its word."""
    lines = [instruction(MOVE, 6, 1), instruction(LOAD, 2, 6, OP), None, instruction(LOAD, 2, 6, LOCAL_PORT), None,
             instruction(LOAD, 2, 6, REMOTE_PORT), instruction(RIGHT, 2, value=16), instruction(STORE, 10, 2, -4),
             instruction(MOVE, 1, 6), instruction(BIG, 2, 1, value=sockets) + bytes(8), instruction(MOVE, 3, 10),
             instruction(ADD, 3, value=-4), instruction(SET, 4), instruction(CALL, value=SOCK_MAP_UPDATE),
             instruction(SET, 0, value=1), instruction(EXIT)]
    # The big one takes two places.
    lines[2] = instruction(UNLESS, 2, 0, 12, PASSIVE_ESTABLISHED)
    lines[4] = instruction(UNLESS, 2, 0, 10, port)
    return b"".join(lines)


@contextlib.contextmanager
def taking(port):
    """Takes all connections to a port while it lasts."""
    sockets = bpf(MAP_CREATE, struct.pack("=IIII", SOCK_MAP, 4, 4, PLACES))
    code = ctypes.create_string_buffer(program(sockets, port))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)
    load = struct.pack("=IIQQIIQIi16sII", SOCK_OPS, (len(code) - 1) // 8, ctypes.addressof(code), ctypes.addressof(licence),
                       1, len(log), ctypes.addressof(log), 0, 0, b"take", 0, CGROUP_SOCK_OPS)
    try:
        loaded = bpf(PROG_LOAD, load)
    except Failed as error:
        raise Failed(f"{error}\n{log.value.decode()}") from error
    place = "/tmp/cgroup-of-the-map"
    os.makedirs(place, exist_ok=True)
    subprocess.run(["mount", "-t", "cgroup2", "none", place], check=True)
    group = os.open(place, os.O_RDONLY)
    bpf(PROG_ATTACH, struct.pack("=IIII", group, loaded, CGROUP_SOCK_OPS, 0))
    try:
        yield
    finally:
        bpf(PROG_DETACH, struct.pack("=IIII", group, loaded, CGROUP_SOCK_OPS, 0))
        for one in (loaded, sockets, group):
            os.close(one)
        subprocess.run(["umount", place], check=True)
        os.rmdir(place)
