# SPDX-License-Identifier: GPL-2.0
"""The usual topology with both versions of IP (see lab.py), and its wires.

IPv6 stays silent but for what a scenario is about: no link-local addresses, fixed neighbours, no duplicate address
detection. Hosts of a bare topology have no IPv6 at all."""

import socket
import struct

import dissect
import lab
import packets
import wire
from scenario import Failed

VIP6 = "2001:db8:1::1"
CLIENT6, GATEWAY6 = "2001:db8::2", "2001:db8::1"
ETH_P_ALL, PACKET_OUTGOING = 3, 4
VERSIONS = (4, 6)
GUE_PORT = 5555


def vip(version):
    return lab.VIP if version == 4 else VIP6


def client(version):
    return lab.CLIENT if version == 4 else CLIENT6


def server(version, number=1):
    return lab.server_address(number) if version == 4 else f"2001:db8:16:{number}::2"


def gateway(version, number=1):
    """The director on a server's wire."""
    return lab.server_gateway(number) if version == 4 else f"2001:db8:16:{number}::1"


def end(address, port):
    """An address and a port as ipvsadm wants them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def awaken(host, devices):
    """Gives a host an IPv6 stack that says nothing of its own accord."""
    host.sysctl("net/ipv6/conf/all/disable_ipv6", 0)
    for device in devices:
        for name, value in (("addr_gen_mode", 1), ("accept_ra", 0), ("accept_dad", 0), ("disable_ipv6", 0)):
            host.sysctl(f"net/ipv6/conf/{device}/{name}", value)


def configure_director(topology):
    director = topology.director
    awaken(director, ["lo", "c0", *(f"s{number}" for number in topology.numbers)])
    lines = [f"addr add {VIP6}/128 dev lo", f"addr add {GATEWAY6}/64 dev c0 nodad",
             f"neigh add {CLIENT6} lladdr {lab.mac(1)} dev c0"]
    for number in topology.numbers:
        lines += [f"addr add {gateway(6, number)}/64 dev s{number} nodad",
                  f"neigh add {server(6, number)} lladdr {lab.mac(3, number)} dev s{number}"]
    director.ip(*lines)
    director.sysctl("net/ipv6/conf/all/forwarding", 1)
    director.sysctl("net/ipv6/icmp/ratelimit", 0)


class Dual(lab.Topology):
    """Real hosts with both stacks; each server also has the virtual addresses, for those who forward without NAT."""

    def __init__(self, servers=1, virtual=False, **options):
        super().__init__(servers=servers, **options)
        configure_director(self)
        awaken(self.client, ["lo", "c0"])
        self.client.ip(f"addr add {CLIENT6}/64 dev c0 nodad", f"route add default via {GATEWAY6}",
                       f"neigh add {GATEWAY6} lladdr {lab.mac(2)} dev c0")
        for number, host in zip(self.numbers, self.servers):
            awaken(host, ["lo", "s0"])
            host.ip(f"addr add {server(6, number)}/64 dev s0 nodad", f"route add default via {gateway(6, number)}",
                    f"neigh add {gateway(6, number)} lladdr {lab.mac(4, number)} dev s0")
            if virtual:
                host.ip(f"addr add {lab.VIP}/32 dev lo", f"addr add {VIP6}/128 dev lo")
                host.sysctl("net/ipv4/conf/all/arp_ignore", 1)

    def listen(self, host, version, port):
        """A listening TCP socket on all addresses of a host."""
        one = host.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("" if version == 4 else "::", port))
        one.listen(16)
        return one

    def connect(self, version, port):
        """A TCP socket of the client, connected to the virtual service."""
        one = self.client.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        one.connect((vip(version), port))
        return one


class DualWire(wire.Wire):
    """A host's end of its wire, for packets of both versions."""

    def __init__(self, host, device, own_mac, director_mac):
        super().__init__(host, device, own_mac, director_mac)
        self.addresses = self.header[:12]
        self.socket.bind((device, ETH_P_ALL))

    def send(self, packet):
        kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
        self.socket.send(self.addresses + struct.pack("!H", kind) + packet)

    def receive(self):
        while True:
            frame, extra, _, address = self.socket.recvmsg(1 << 17, 256)
            if address[2] == PACKET_OUTGOING or address[1] not in (0x0800, 0x86DD):
                continue
            finished = True
            for level, kind, data in extra:
                if (level, kind) == (wire.SOL_PACKET, wire.PACKET_AUXDATA):
                    finished = not struct.unpack("I", data[:4])[0] & wire.CSUM_NOT_READY
            if not dissect.is_housekeeping(frame[14:]):
                return frame[14:], finished


class DualWires(wire.Wires):
    """A bare topology of which the director has both stacks."""

    def __init__(self, servers=1, **options):
        super().__init__(servers=servers, **options)
        configure_director(self)
        self.from_client = DualWire(self.client, "c0", lab.mac(1), lab.mac(2))
        self.from_server = [DualWire(host, "s0", lab.mac(3, number), lab.mac(4, number))
                            for number, host in zip(self.numbers, self.servers)]

    @staticmethod
    def until_marker(one):
        while True:
            try:
                packet, finished = one.receive()
            except TimeoutError:
                raise Failed("the director no longer forwards ordinary packets") from None
            if packet[0] >> 4 == 4 and packet[9] == packets.UDP \
                    and packet[22:24] == struct.pack("!H", wire.MARKER_PORT):
                return
            yield dissect.describe(packet, finished)
