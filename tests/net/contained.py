# SPDX-License-Identifier: GPL-2.0
"""Running a function as somebody else: in a child process, whose notes become ours."""

import os
import pickle
import sys
import traceback

from scenario import Failed

NOBODY = 65534


class Place:
    """What a function that runs as somebody else may use of a host: files and sockets of where it is."""

    @staticmethod
    def socket(*arguments):
        import socket  # pylint: disable=import-outside-toplevel
        one = socket.socket(*arguments)
        one.settimeout(5)
        return one


def as_is():
    """Nobody else: root of the machine."""


def as_nobody():
    """An unprivileged user of the machine."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def as_root_without_network_rights():
    """Root that may do everything but administer networks."""
    drop_capability(12)


def drop_capability(number):
    """Gives up one capability for good."""
    import ctypes  # pylint: disable=import-outside-toplevel
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    for word in (0, 1, 2):
        data[word] &= ~(1 << number)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def in_container():
    """Root of a container: of a user namespace of its own, and of a network namespace that it owns."""
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    os.unshare(os.CLONE_NEWNET)


def in_container_of_nobody():
    """An unprivileged user of the machine, in a user namespace of his own and a network namespace that it owns."""
    as_nobody()
    # Whose files in /proc are those of root since the change of users.
    import ctypes  # pylint: disable=import-outside-toplevel
    ctypes.CDLL(None).prctl(4, 1)
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {NOBODY} 1"), ("gid_map", f"0 {NOBODY} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    os.unshare(os.CLONE_NEWNET)


def in_container_on_host():
    """Root of a user namespace of its own, in a network namespace of the machine."""
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def call(become, function):
    """Calls a function in a child process that has become somebody else; returns what it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            become()
            result = (True, function(Place))
        except Exception:  # pylint: disable=broad-except
            result = (False, traceback.format_exc())
        with os.fdopen(writer, "wb") as file:
            pickle.dump(result, file)
        sys.stdout = None
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    if not data:
        raise Failed(f"{become.__name__}: the child died")
    good, result = pickle.loads(data)
    if not good:
        raise Failed(f"{become.__name__}: {result}")
    return result
