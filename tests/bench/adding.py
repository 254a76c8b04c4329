# SPDX-License-Identifier: GPL-2.0
"""What it costs to add servers to a service one by one."""

import socket
import time

import genl
from conditions import Conditions
from hosts import PORT, SERVER, VIP, run
from costs import expect, service

ADDED = 1000


def add(scheduler):
    """Servers are added one by one: the kernel's part of it, as all requests go into one system call."""
    service(scheduler, Conditions(), 0)
    # The module makes sockets as a host does: in the namespace where we are.
    client = genl.Client(socket)
    client.socket.setsockopt(socket.SOL_SOCKET, genl.SO_SNDBUFFORCE, 1 << 20)
    requests = b"".join(new_dest(client.family, PORT + number) for number in range(ADDED))
    start = time.monotonic_ns()
    client.socket.send(requests)
    cost = (time.monotonic_ns() - start) / ADDED
    client.socket.close()
    expect(servers(), ADDED)
    return cost


def restore(scheduler):
    """The same with ipvsadm, and all that it does itself."""
    service(scheduler, Conditions(), 0)
    lines = "".join(f"-a -u {VIP}:{PORT} -r {SERVER}:{PORT + number} -m\n" for number in range(ADDED))
    start = time.monotonic_ns()
    run("ipvsadm", "-R", text=lines)
    cost = (time.monotonic_ns() - start) / ADDED
    expect(servers(), ADDED)
    return cost


def servers():
    """How many servers the director's service has."""
    with open("/proc/net/ip_vs", encoding="ascii") as file:
        return sum("->" in line for line in file) - 1


def new_dest(family, port):
    """A request for one more server, without an answer unless it fails."""
    service_key = ((1, genl.u16(2)), (2, genl.u16(17)), (3, genl.address(VIP)), (4, genl.be16(PORT)))
    server = ((1, genl.address(SERVER)), (2, genl.be16(port)), (3, genl.u32(0)), (4, genl.u32(1)), (5, genl.u32(0)),
              (6, genl.u32(0)))
    nests = (genl.attribute(kind, b"".join(genl.attribute(*one) for one in values))
             for kind, values in ((genl.SERVICE, service_key), (genl.DEST, server)))
    return genl.message(family, genl.GENL_HEADER.pack(genl.COMMANDS["NEW_DEST"], 1, 0) + b"".join(nests))
