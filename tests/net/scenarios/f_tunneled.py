# SPDX-License-Identifier: GPL-2.0
"""Packets that come inside a tunnel which ends at the director, and the sysctl ignore_tunneled."""

from lab import CLIENT, GATEWAY, VIP, server_address
from packets import ipv4, udp
from scenario import scenario
from views import connections
from wire import Wires, lines

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
