# SPDX-License-Identifier: GPL-2.0
"""Packets that come inside a tunnel which ends at the director, and the sysctl ignore_tunneled; the identifications of packets that
the director wraps."""

import socket

from lab import CLIENT, GATEWAY, VIP, server_address
from packets import UDP, ipv4, udp
from scenario import equal, scenario
from views import connections
from wire import MARKER_PORT, Wires, lines

IPIP = 4


def tunneled(port):
    return ipv4(CLIENT, GATEWAY, IPIP, udp(CLIENT, port, VIP, 53, b"in a tunnel"))


@scenario
def packets_in_a_tunnel_to_the_director(t):
    lab = Wires()
    lab.director.ip("link add t0 type ipip local 10.0.0.1 remote 10.0.0.2", "link set t0 up")
    lab.director.sysctl("net/ipv4/conf/t0/rp_filter", 0)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
    port = 2000
    for value in (0, 1, 0):
        lab.director.ipvs_sysctl("ignore_tunneled", value)
        port += 1
        t.block(f"ignore_tunneled={value}: inside a tunnel", lines(lab.client_sends(tunneled(port))))
        t.block("connections", connections(lab.director))
        port += 1
        t.block("outside", lines(lab.client_sends(udp(CLIENT, port, VIP, 53, b"plain"))))
    # A packet of a connection that exists, inside the tunnel.
    lab.director.ipvs_sysctl("ignore_tunneled", 1)
    t.block("of a connection, inside", lines(lab.client_sends(tunneled(2002))))
    t.block("of a connection, outside", lines(lab.client_sends(udp(CLIENT, 2002, VIP, 53, b"plain"))))


IPIP_DEVICE, GRE = "10.99.0.9", 47
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0
IDENTIFICATION, FRAGMENT = slice(4, 6), slice(6, 8)


def outer(lab):
    """Protocol and identification of each tunnel's packet at the server that may be fragmented."""
    lab.from_client.send(lab.marker(1))
    while True:
        packet, _ = lab.from_server[0].receive()
        if packet[9] == UDP and packet[22:24] == MARKER_PORT.to_bytes(2, "big"):
            return
        if packet[9] in (IPIP, GRE):
            equal(packet[FRAGMENT], bytes(2), "the fragment of an outer packet")
            yield packet[9], packet[IDENTIFICATION]


@scenario
def outer_packets_have_identifications_of_their_own(t):
    # By two connections and by a device of the kernel's, which all have the same ends; and by another protocol.
    lab = Wires()
    server = server_address(1)
    near = lab.director.run("ip", "-o", "route", "get", server).split(" src ")[1].split()[0]
    lab.director.ip(f"link add t0 type ipip local {near} remote {server} nopmtudisc", "link set t0 up",
                    f"route add {IPIP_DEVICE} dev t0")
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server}:53 -i",
                      f"-A -u {VIP}:54 -s rr", f"-a -u {VIP}:54 -r {server}:54 -i --tun-type gre")
    device = lab.director.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    device.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    seen = []
    for number in range(100):
        for port, to in ((2000, 53), (2001, 53), (2000, 54)):
            for _ in range(1 + number % 3):
                lab.from_client.send(udp(CLIENT, port, VIP, to, b"wrapped"))
        device.sendto(b"by the kernel", (IPIP_DEVICE, 9000))
        seen += outer(lab)
    per_protocol = {protocol: [one for theirs, one in seen if theirs == protocol] for protocol in (IPIP, GRE)}
    for protocol, all_of_them in per_protocol.items():
        t.note(f"protocol {protocol}: {len(all_of_them)} packets, {len(set(all_of_them))} identifications")
        equal(len(set(all_of_them)), len(all_of_them), f"identifications of protocol {protocol}")
    equal(sorted(map(len, per_protocol.values())), [199, 498], "packets")
