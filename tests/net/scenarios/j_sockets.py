# SPDX-License-Identifier: GPL-2.0
"""Sockets and threads of the kernel, by a module that does nothing else (tests/kbuild)."""

import contextlib
import os
import pathlib

import kernel
from lab import run
from scenario import check, equal, scenario

NAME = "sockets_and_threads"
MODULE = f"{kernel.BUILD}/second/{NAME}.ko.test"
READ = f"/proc/net/{NAME}"


@contextlib.contextmanager
def loaded(name):
    """The module, and a namespace of that name with the devices that it wants; both are gone at the end."""
    check(os.path.exists(MODULE), f"no {MODULE}: scripts/second-balancer.sh makes it")
    run("insmod", MODULE)
    run("ip", "netns", "add", name)
    try:
        # An IPv6 address is not tried first, so it is there at once.
        run("ip", "netns", "exec", name, "ip", "-batch", "-", text="\n".join((
            "link set lo up", "link add d0 type veth peer name d1", "addr add 10.9.8.7/24 dev d0", "link set d0 mtu 1400",
            "link set d0 addrgenmode none", "link set d0 up", "link set d1 up", "addr add fe80::7/64 dev d0 nodad")) + "\n")
        yield
    finally:
        run("ip", "netns", "del", name, check=False)
        equal(kernel.unload(NAME), "ok", f"removing {NAME}")


def read(path, inside=None):
    if inside:
        return run("ip", "netns", "exec", inside, "cat", path).strip()
    return pathlib.Path(path).read_text(encoding="ascii").strip()


@scenario(rust_only=True)
def sockets_and_threads_do_what_their_documents_say(t):
    with loaded("sockets"):
        for line in read(READ, "sockets").splitlines():
            t.note(line)
            check(line.startswith("ok "), line)


@scenario(rust_only=True)
def a_namespace_closes_the_sockets_that_are_left(t):
    """One that nobody closes in time, and one that a thread waits for, which ends later than the namespace."""
    with loaded("left"):
        for _ in range(3):
            equal(read(f"{READ}_stay", "left"), "left", "leaving sockets")
            equal(kernel.unload(NAME), "EAGAIN", "removing the module under its thread")
            # The wait has ended, the socket is closed, and all that was tried after the wait was refused.
            run("ip", "netns", "del", "left")
            equal(read(f"{READ}_left"), "true true 3", "what the thread saw")
            run("ip", "netns", "add", "left")
            run("ip", "netns", "exec", "left", "ip", "link", "add", "d0", "type", "dummy")
            run("ip", "netns", "exec", "left", "ip", "link", "set", "d0", "up")
            run("ip", "netns", "exec", "left", "ip", "link", "set", "lo", "up")
