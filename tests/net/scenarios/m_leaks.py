# SPDX-License-Identifier: GPL-2.0
"""Memory that comes back: many rounds of loading and unloading, and of namespaces with traffic."""

import fcntl
import os
import socket
import struct
import time

import kernel
from genl import DEST, SERVICE, Client, address, attribute, be16, name, u16, u32
from lab import HOME
from scenario import Failed, check, equal, scenario

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# In totals a leak is seen when it is there many times; a debug kernel sees each.
LOAD_ROUNDS, NAMESPACE_ROUNDS = (10, 40) if kernel.IS_DEBUG else (50, 200)
# Caches of file systems and of processes come and go with whatever else the VM does.
UNRELATED = ("inode", "dentry", "9p", "proc_", "filp", "vm_area", "task_struct", "anon_vma", "radix", "maple", "shmem",
             "buffer_head", "kernfs", "pid", "cred", "signal", "sighand", "files_", "fs_", "mm_struct", "names_",
             "lsm_", "sock_", "seq_file", "vmap_area", "eventpoll", "pde_opener", "ovl")


def grown(before, limit):
    """What has grown by more than a limit."""
    now = kernel.memory()
    return {name: now[name] - before.get(name, 0) for name in now
            if now[name] - before.get(name, 0) > limit and not any(word in name for word in UNRELATED)}


def check_memory(before, limit, seconds=30):
    """Memory must come back within some time: namespaces are freed in the background."""
    end = time.monotonic() + seconds
    while True:
        more = grown(before, limit)
        if not more:
            return
        check(time.monotonic() < end, f"grown for good: {more}")


class Unnamed:
    """A namespace without a name, with its loopback interface up. `with` enters it; it ends when nobody holds it."""

    def __enter__(self):
        os.unshare(os.CLONE_NEWNET)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        return self

    @staticmethod
    def socket(*arguments):
        """A socket of the namespace that the process is in."""
        return socket.socket(*arguments)

    def __exit__(self, *error):
        os.setns(HOME, os.CLONE_NEWNET)


def exchange(rounds=3):
    """A service with one local server, and some datagrams through it, inside the current namespace."""
    client = Client(Unnamed)
    key = {1: u16(2), 2: u16(17), 3: address("127.0.0.1"), 4: be16(53)}
    whole = {**key, 6: name("rr"), 7: u32(0) + u32(0xFFFFFFFF), 8: u32(0), 9: u32(0xFFFFFFFF)}
    server = {1: address("127.0.0.2"), 2: be16(5353), 3: u32(0), 4: u32(1), 5: u32(0), 6: u32(0)}
    nests = [attribute(kind, b"".join(attribute(*one) for one in values.items()))
             for kind, values in ((SERVICE, whole), (SERVICE, key), (DEST, server))]
    equal(client.do("NEW_SERVICE", nests[0])[0], "ok", "NEW_SERVICE")
    equal(client.do("NEW_DEST", nests[1] + nests[2])[0], "ok", "NEW_DEST")
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind(("127.0.0.2", 5353))
    far.settimeout(5)
    for _ in range(rounds):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
            near.settimeout(5)
            near.sendto(b"question", ("127.0.0.1", 53))
            _, source = far.recvfrom(100)
            far.sendto(b"answer", source)
            equal(near.recvfrom(100), (b"answer", ("127.0.0.1", 53)), "the answer")
    far.close()
    client.socket.close()


def namespace_round():
    with Unnamed():
        exchange()


@scenario
def fifty_rounds_of_loading_and_unloading(t):
    def one_round():
        kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
        namespace_round()
        kernel.wait_for_modules(idle)
        kernel.unload_all()

    idle = kernel.modules()
    kernel.unload_all()
    for _ in range(3):
        one_round()
    before = kernel.memory()
    for _ in range(LOAD_ROUNDS):
        one_round()
    check_memory(before, LOAD_ROUNDS - 2)
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    t.note(LOAD_ROUNDS, "rounds")


@scenario
def two_hundred_namespaces_with_traffic(t):
    idle = kernel.modules()
    for _ in range(20):
        namespace_round()
    kernel.wait_for_modules(idle)
    # What a namespace leaves behind grows both times; what the kernel keeps for the next one, once at most.
    for attempt in range(2):
        before = kernel.memory()
        for _ in range(NAMESPACE_ROUNDS):
            namespace_round()
        kernel.wait_for_modules(idle)
        try:
            check_memory(before, NAMESPACE_ROUNDS - 10)
            break
        except Failed:
            if attempt:
                raise
    t.note(NAMESPACE_ROUNDS, "namespaces")
