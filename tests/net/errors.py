# SPDX-License-Identifier: GPL-2.0
"""ICMP errors of both versions about a balanced connection, as its two sides send them."""

import struct
import time

import packets
from dissect import ICMPV6, ipv6, pseudo, tcp, udp
from dual import DualWires, client, end, server, vip
from packets import SYN, TCP, UDP
from wire import lines

# Routers on the way to the client and to the server: any address that is routed there.
FAR_CLIENT = {4: "10.0.0.9", 6: "2001:db8::9"}
FAR_SERVER = {4: "172.16.1.9", 6: "2001:db8:16:1::9"}
UNREACHABLE_PORT = {4: (3, 3), 6: (1, 4)}
TOO_BIG = {4: (3, 4), 6: (2, 0)}
TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
UNREACHABLE_HOST = {4: (3, 1), 6: (1, 3)}


def icmp6(source, target, kind, code, rest=b"\0\0\0\0", payload=b"", *, extensions=(), **ip):
    """An ICMPv6 message in an IPv6 packet; `rest` is the second word of its header."""
    message = struct.pack("!BBH", kind, code, 0) + rest + payload
    total = packets.checksum(pseudo(source, target, ICMPV6, len(message)) + message)
    segment, protocol = message[:2] + struct.pack("!H", total) + message[4:], ICMPV6
    for number, body in reversed(extensions):
        segment, protocol = struct.pack("!B", protocol) + body + segment, number
    return ipv6(source, target, protocol, segment, **ip)


def icmp(source, target, kind, code, rest=b"\0\0\0\0", payload=b"", **ip):
    """An ICMP message of the version of its addresses."""
    if ":" in source:
        return icmp6(source, target, kind, code, rest, payload, **ip)
    return packets.icmp(source, target, kind, code, rest, payload, **ip)


def mtu(size):
    """The second word of an error that a packet is too large."""
    return struct.pack("!I", size)


def spoiled(packet, at):
    """A packet with one byte changed."""
    return packet[:at] + bytes([packet[at] ^ 0x55]) + packet[at + 1:]


def known(director):
    """The connections of a director, without their timers."""
    return sorted(" ".join(row.split()[:8]) for row in director.read("/proc/net/ip_vs_conn").splitlines()[1:])


def statistics(director):
    """The totals, once they stand still: the C module shows them with up to two seconds of delay."""
    def look():
        return director.read("/proc/net/ip_vs_stats").splitlines()[2:3]
    before = look()
    while True:
        time.sleep(2.2)
        after = look()
        if after == before and after[0].split()[1] != "0":
            return after
        before = after


class Case:
    """A service with one connection, and the packets of that connection as its two sides see them."""

    def __init__(self, version, protocol, options, *, outer=None, opens=True):
        self.lab = DualWires()
        self.version, self.protocol, self.nat = version, protocol, options == "-m"
        self.client, self.vip, self.server = client(version), vip(version), server(outer or version)
        self.letter, self.port, to_port = ("-u", 53, 5353) if protocol == UDP else ("-t", 80, 8080)
        self.to_port = to_port if self.nat else self.port
        self.target = (self.server, self.to_port) if self.nat else (self.vip, self.port)
        self.virtual = f"{self.letter} {end(self.vip, self.port)}"
        self.options = options
        self.lab.director.ipvs(f"-A {self.virtual} -s rr", f"-a {self.virtual} -r {self.real()} {options}")
        if opens:
            self.open()

    def real(self):
        return end(self.server, self.to_port)

    def open(self):
        return self.lab.client_sends(self.between(self.client, 2000, self.vip, self.port))

    def between(self, source, sport, target, dport, **options):
        """A packet of the protocol."""
        if self.protocol == TCP:
            return tcp(source, sport, target, dport, SYN, **options)
        return udp(source, sport, target, dport, b"question", **options)

    def request(self, **options):
        """The client's packet as the server receives it."""
        return self.between(self.client, 2000, *self.target, **options)

    def reply(self, **options):
        """The server's packet as the client receives it."""
        return self.between(self.vip, self.port, self.client, 2000, **options)

    def from_client_side(self, kind=None, code=0, *, source=None, rest=b"\0\0\0\0", about=None, **options):
        """An error about a packet of the server."""
        kind, code = UNREACHABLE_PORT[self.version] if kind is None else (kind, code)
        return icmp(source or self.client, self.vip, kind, code, rest, self.reply() if about is None else about, **options)

    def from_server_side(self, kind=None, code=0, *, source=None, rest=b"\0\0\0\0", about=None, **options):
        """An error about a packet of the client."""
        kind, code = UNREACHABLE_PORT[self.version] if kind is None else (kind, code)
        return icmp(source or self.server, self.client, kind, code, rest, self.request() if about is None else about,
                    **options)

    def from_client(self, t, title, *some):
        t.block(f"{title}, from the client's side", lines(self.lab.client_sends(*some)))

    def from_server(self, t, title, *some):
        t.block(f"{title}, from the server's side", lines(self.lab.server_sends(*some)))

    def both(self, t, title, **options):
        """The error from either side."""
        self.from_client(t, title, self.from_client_side(**options))
        self.from_server(t, title, self.from_server_side(**options))

    def both_about(self, t, title, change, **options):
        """The error from either side about a quoted packet that was changed."""
        self.from_client(t, title, self.from_client_side(about=change(self.reply()), **options))
        self.from_server(t, title, self.from_server_side(about=change(self.request()), **options))
