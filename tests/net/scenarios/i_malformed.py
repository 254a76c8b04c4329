# SPDX-License-Identifier: GPL-2.0
"""Packets that are cut short or lie about themselves: what passes, what is dropped, what is answered."""

import struct

from lab import CLIENT, VIP, server_address
from packets import ACK, MF, SYN, TCP, UDP, icmp, ipv4, tcp, udp
from scenario import scenario
from views import connections
from wire import Wires, lines

SERVER = server_address(1)
NO_OPERATION = b"\1\1\1\0"
RECORD_ROUTE = bytes([7, 7, 4, 0, 0, 0, 0, 0])
SOURCE_ROUTE = bytes([131, 7, 4]) + bytes([172, 16, 1, 2]) + b"\0"


def wires():
    lab = Wires()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:53 -m",
                      f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:80 -m")
    return lab


def transport(packet):
    """What follows the IP header of a packet without options."""
    return packet[20:]


class Case:
    """Makes packets between one pair of addresses and ports, right but for what is asked for."""

    def __init__(self, source, target, udp_ports, tcp_ports):
        self.source, self.target, self.udp_ports, self.tcp_ports = source, target, udp_ports, tcp_ports

    def udp(self, payload=b"hello", **options):
        return udp(self.source, self.udp_ports[0], self.target, self.udp_ports[1], payload, **options)

    def tcp(self, flags=SYN, payload=b"", **options):
        return tcp(self.source, self.tcp_ports[0], self.target, self.tcp_ports[1], flags, payload, **options)

    def ip(self, protocol, payload, **options):
        return ipv4(self.source, self.target, protocol, payload, **options)

    def cut(self):
        """Transport headers that end too early."""
        for size in (0, 1, 4, 7):
            yield f"datagram cut to {size} bytes", self.ip(UDP, transport(self.udp())[:size])
        for size in (0, 4, 8, 13, 19):
            yield f"segment cut to {size} bytes", self.ip(TCP, transport(self.tcp())[:size])

    def lengths(self):
        """Length fields that lie."""
        for length in (0, 7, 8, 12, 14, 200, 65535):
            yield f"datagram of 13 bytes that says {length}", self.udp(length=length)
        for words in (0, 4, 6, 15):
            yield f"segment with a header of {words} words", self.tcp(words=words)
        yield "segment with options", self.tcp(words=6, options=b"\2\4\5\xb4")
        for total in (0, 19, 20, 27, 28, 32, 34, 1000, 65535):
            yield f"datagram in an IP packet of 33 bytes that says {total}", self.udp(total=total)
        for total in (20, 24, 39, 41):
            yield f"segment in an IP packet of 40 bytes that says {total}", self.tcp(total=total)
        for words in (0, 4, 6, 15):
            yield f"datagram with an IP header of {words} words", self.udp(words=words)
        yield "version 6", self.udp(version=6)
        yield "version 0", self.udp(version=0)
        yield "IP header only", self.ip(UDP, b"")
        yield "half an IP header", self.udp()[:12]
        yield "a wrong IP checksum", self.udp()[:10] + b"\x12\x34" + self.udp()[12:]

    def options(self):
        """IP options."""
        for title, options in (("no operations", NO_OPERATION), ("record route", RECORD_ROUTE),
                               ("source route", SOURCE_ROUTE), ("option of length 0", b"\7\0\0\0"),
                               ("option beyond the end", b"\7\x28\4\0"), ("forty bytes", b"\1" * 39 + b"\0")):
            words = 5 + len(options) // 4
            yield f"datagram with {title}", self.udp(options=options, words=words)
            yield f"segment with {title}", self.ip(TCP, transport(self.tcp()), options=options, words=words)

    def fragments(self):
        """Fragments that fit nothing."""
        body = transport(self.udp(bytes(100)))
        yield "first fragment of 8 bytes", self.ip(UDP, body[:8], ident=21, fragment=MF)
        yield "its second with a hole", self.ip(UDP, body[16:], ident=21, fragment=2)
        yield "first fragment", self.ip(UDP, body[:64], ident=22, fragment=MF)
        yield "overlapping second", self.ip(UDP, body[56:], ident=22, fragment=7)
        yield "fragment of an odd size", self.ip(UDP, body[:13], ident=23, fragment=MF)
        yield "fragment beyond 65535", self.ip(UDP, bytes(64), ident=24, fragment=0x1FFF)
        yield "empty fragment", self.ip(UDP, b"", ident=25, fragment=MF)
        yield "segment in a first fragment of 8 bytes", self.ip(TCP, transport(self.tcp())[:8], ident=26, fragment=MF)
        yield "its second", self.ip(TCP, transport(self.tcp())[8:], ident=26, fragment=1)
        yield "reserved flag", self.udp(fragment=0x8000)

    def others(self):
        """Other protocols, addresses and ports."""
        for protocol in (2, 4, 41, 47, 50, 51, 132, 253):
            yield f"protocol {protocol}", self.ip(protocol, transport(self.udp()))
        for source in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.0.255", VIP, "10.0.0.1"):
            yield f"datagram from {source}", udp(source, 3000, self.target, self.udp_ports[1], b"hello")
        yield "datagram from port 0", udp(self.source, 0, self.target, self.udp_ports[1], b"hello")
        yield "segment from port 0", tcp(self.source, 0, self.target, self.tcp_ports[1], SYN)

    def errors(self):
        """ICMP errors about something that is cut short."""
        about = udp(self.target, self.udp_ports[1], self.source, self.udp_ports[0], b"hello")
        for kind, code in ((3, 3), (3, 4), (4, 0), (5, 0), (11, 0), (12, 0)):
            for size in (0, 4, 19, 20, 24, 27):
                yield f"ICMP {kind}/{code} about {size} bytes", icmp(self.source, self.target, kind, code,
                                                                     payload=about[:size])
        for words in (0, 4, 15):
            lying = bytes([0x40 | words]) + about[1:]
            yield f"ICMP about a header of {words} words", icmp(self.source, self.target, 3, 3, payload=lying)
        yield "ICMP about a fragment", icmp(self.source, self.target, 3, 3,
                                            payload=about[:6] + struct.pack("!H", 5) + about[8:])
        yield "ICMP cut short", self.ip(1, b"\3\3\0")


REQUESTS = Case(CLIENT, VIP, (2000, 53), (2000, 80))
ANSWERS = Case(SERVER, CLIENT, (53, 2000), (80, 2000))


def try_all(t, lab, send, cases):
    """Sends each packet and notes what came of it, and every change of the connections."""
    before = connections(lab.director)
    for title, packet in cases:
        t.block(title, lines(send(packet)))
        after = connections(lab.director)
        for line in sorted(set(before) ^ set(after)):
            t.note(f"    {'+' if line in after else '-'} {line}")
        before = after


def open_both(lab):
    """One UDP and one TCP connection."""
    lab.client_sends(REQUESTS.udp(), REQUESTS.tcp())
    lab.server_sends(ANSWERS.udp(), ANSWERS.tcp(SYN | ACK))
    lab.client_sends(REQUESTS.tcp(ACK))


@scenario
def malformed_packets_from_a_new_client(t):
    lab = wires()
    for cases in (REQUESTS.cut, REQUESTS.lengths, REQUESTS.options, REQUESTS.fragments):
        try_all(t, lab, lab.client_sends, cases())


@scenario
def malformed_packets_in_open_connections(t):
    lab = wires()
    open_both(lab)
    for cases in (REQUESTS.cut, REQUESTS.lengths, REQUESTS.options, REQUESTS.fragments):
        try_all(t, lab, lab.client_sends, cases())


@scenario
def malformed_answers_of_a_server(t):
    lab = wires()
    open_both(lab)
    for cases in (ANSWERS.cut, ANSWERS.lengths, ANSWERS.options, ANSWERS.fragments):
        try_all(t, lab, lab.server_sends, cases())


@scenario
def strange_protocols_addresses_and_ports(t):
    lab = wires()
    open_both(lab)
    try_all(t, lab, lab.client_sends, REQUESTS.others())
    try_all(t, lab, lab.server_sends, ANSWERS.others())


@scenario
def icmp_errors_about_truncated_packets(t):
    lab = wires()
    open_both(lab)
    try_all(t, lab, lab.client_sends, REQUESTS.errors())
    try_all(t, lab, lab.server_sends, ANSWERS.errors())
