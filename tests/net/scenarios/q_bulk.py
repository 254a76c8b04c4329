# SPDX-License-Identifier: GPL-2.0
"""Bulk transfers over TCP by each forwarding method: large segments that devices are to cut, wrapped or translated on the
way, and the same with every offload of the wires turned off. The servers unwrap with the kernel's own tunnel devices and
answer the client by a wire of their own, but with NAT.

A run of everything moves 1 MB in each cell. One that asks for bulk transfers by name, all or some of them (T=bulk_by_ipip),
moves 50 MB, which takes some seven minutes for all cells."""

import os
import select
import sys

import kernel
import lab
from dual import CLIENT6, GUE_PORT, VERSIONS, Dual, awaken, end, gateway, server, vip
from scenario import check, scenario
from scenarios.q_matrix import METHODS, TUNNELS

SIZE = ((50 if any("bulk_by" in pattern for pattern in sys.argv[1:]) else 1) << 20) // kernel.LESS
PORT = 80
WRAPPED = {"gre": {4: "gre", 6: "ip6gre"}, "ip": {4: "sit mode any", 6: "ip6tnl mode any"}}
BLOCK = os.urandom(1 << 20)


def unwrap(topology, method, outer):
    """Gives the server a device that unwraps what the director sends."""
    host = topology.servers[0]
    kind = WRAPPED["gre" if method.startswith("gre") else "ip"][outer]
    options = "icsum" if method == "gre_csum" else ""
    family = {4: "", 6: "-6 "}[outer]
    lab.run("modprobe", "-a", "sit", "ip6_tunnel", "ip_gre", "ip6_gre", "fou", "fou6")
    host.ip(f"link add t0 type {kind.split()[0]} local {server(outer)} {options} {' '.join(kind.split()[1:])}".strip())
    awaken(host, ["t0"])
    host.ip("link set t0 up")
    if method.startswith("gue"):
        host.run("ip", *family.split(), "fou", "add", "port", str(GUE_PORT), "gue")


def connect(topology, inner, method, outer):
    """A connection from the client through the director to the server, or to the director itself."""
    host = topology.servers[0] if method != "local" else topology.director
    if method in TUNNELS:
        unwrap(topology, method, outer)
    target = gateway(outer) if method == "local" else server(outer)
    virtual, options = end(vip(inner), PORT), METHODS.get(method, "-g")
    topology.director.ipvs(f"-A -t {virtual} -s rr", f"-a -t {virtual} -r {end(target, PORT)} {options}")
    listener = topology.listen(host, inner, PORT)
    near = topology.connect(inner, PORT)
    far, _ = listener.accept()
    listener.close()
    return near, far


def shortcut(topology):
    """The wire by which the server answers the client past the director."""
    client, host = topology.client, topology.servers[0]
    client.ip(f"link add b0 address {lab.mac(5)} type veth peer b0 netns {host.name} address {lab.mac(6)}")
    for one in (client, host):
        awaken(one, ["b0"])
        one.ip("link set b0 up")
    host.ip(f"route add {lab.CLIENT}/32 dev b0", f"neigh add {lab.CLIENT} lladdr {lab.mac(5)} dev b0",
            f"route add {CLIENT6}/128 dev b0", f"neigh add {CLIENT6} lladdr {lab.mac(5)} dev b0")


def without_offloads(topology):
    devices = [(topology.client, "c0"), (topology.director, "c0"), (topology.director, "s1"), (topology.servers[0], "s0")]
    for host, device in devices:
        host.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")


def move(near, far, size):
    """Moves so many bytes and compares them as they arrive."""
    sent = got = 0
    near.setblocking(False)
    far.setblocking(False)
    while got < size:
        readable, writable, _ = select.select([far], [near] if sent < size else [], [], 10)
        check(readable or writable, f"the transfer stalled after {got} of {size} bytes")
        if writable:
            at = sent % len(BLOCK)
            sent += near.send(memoryview(BLOCK)[at:at + min(size - sent, len(BLOCK) - at)])
        if readable:
            at = got % len(BLOCK)
            part = far.recv(len(BLOCK) - at)
            check(part and part == memoryview(BLOCK)[at:at + len(part)], f"other bytes after {got} of {size}")
            got += len(part)


def transfer(t, inner, method, outer, offloads, size):
    topology = Dual(virtual=method != "nat")
    if method != "nat":
        shortcut(topology)
    if not offloads:
        without_offloads(topology)
    near, far = connect(topology, inner, method, outer)
    move(near, far, size)
    move(far, near, size >> 3)
    near.close()
    far.close()
    t.note(f"{size} bytes arrived, and {size >> 3} came back")


def cell(inner, method, outer, offloads):
    def one(t):
        transfer(t, inner, method, outer, offloads, SIZE)
    one.__name__ = f"bulk_by_{method}_of_ipv{inner}" + (f"_in_ipv{outer}" if method in TUNNELS else "") \
        + ("" if offloads else "_without_offloads")
    one.__module__ = __name__
    scenario(one)


for inside in VERSIONS:
    for way in (*METHODS, "local"):
        for outside in VERSIONS if way in TUNNELS else (inside,):
            cell(inside, way, outside, True)
            cell(inside, way, outside, False)
