# SPDX-License-Identifier: GPL-2.0
"""Packets made by hand, right or deliberately wrong, and packets put into words."""

import socket
import struct

import sctp

ICMP, TCP, UDP = 1, 6, 17
UNREACHABLE = 3
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FLAG_NAMES = {SYN: "SYN", FIN: "FIN", RST: "RST", PSH: "PSH", ACK: "ACK"}
DF, MF = 0x4000, 0x2000


def checksum(data):
    """The Internet checksum: 0 over data that holds a right one."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(source, target, protocol, length):
    return socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, protocol, length)


def ipv4(source, target, protocol, payload, *, ttl=64, ident=0, fragment=0, version=4, words=5, options=b"",
         total=None):
    """An IPv4 packet. `words` (the header length field) and `total` may lie; `fragment` is flags and offset."""
    length = 20 + len(options) + len(payload) if total is None else total
    header = struct.pack("!BBHHHBBH", version << 4 | words, 0, length & 0xFFFF, ident, fragment, ttl, protocol, 0)
    header += socket.inet_aton(source) + socket.inet_aton(target) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(source, sport, target, dport, payload=b"", *, zero_checksum=False, length=None, **ip):
    """A UDP datagram in an IPv4 packet."""
    size = 8 + len(payload)
    header = struct.pack("!HHHH", sport, dport, size if length is None else length, 0)
    total = checksum(pseudo(source, target, UDP, size) + header + payload) or 0xFFFF
    header = header[:6] + struct.pack("!H", 0 if zero_checksum else total)
    return ipv4(source, target, UDP, header + payload, **ip)


def tcp(source, sport, target, dport, flags, payload=b"", *, seq=1000, ack=0, words=5, options=b"", **ip):
    """A TCP segment in an IPv4 packet; `words` (the data offset field) may lie."""
    header = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, 64240, 0, 0) + options
    total = checksum(pseudo(source, target, TCP, len(header) + len(payload)) + header + payload)
    header = header[:16] + struct.pack("!H", total) + header[18:]
    return ipv4(source, target, TCP, header + payload, **ip)


def icmp(source, target, kind, code, rest=b"\0\0\0\0", payload=b"", **ip):
    """An ICMP message in an IPv4 packet; `rest` is the second word of its header."""
    message = struct.pack("!BBH", kind, code, 0) + rest + payload
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return ipv4(source, target, ICMP, message, **ip)


def fragments(packet, size):
    """Cuts an IPv4 packet without options into fragments of `size` payload bytes (a multiple of 8)."""
    payload = packet[20:]
    source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    for offset in range(0, len(payload), size):
        more = MF if offset + size < len(payload) else 0
        yield ipv4(source, target, packet[9], payload[offset:offset + size], ident=7, fragment=more | offset // 8)


def words_for_checksum(source, target, protocol, segment, finished):
    """Whether the checksum of a TCP or UDP segment is right. An unfinished one is left to the (virtual) hardware."""
    if protocol == UDP and segment[6:8] == b"\0\0":
        return "no-csum"
    if not finished:
        return "csum-partial"
    return "csum-ok" if checksum(pseudo(source, target, protocol, len(segment)) + segment) == 0 else "csum-BAD"


def describe_segment(source, target, protocol, segment, finished, embedded):
    """The part behind the IP header in words."""
    if protocol in (TCP, UDP) and len(segment) >= 8:
        sport, dport = struct.unpack("!HH", segment[:4])
        head = f"{source}:{sport} > {target}:{dport}"
        if embedded:
            return f"{'TCP' if protocol == TCP else 'UDP'} {head}"
        state = words_for_checksum(source, target, protocol, segment, finished)
        if protocol == UDP:
            return f"UDP {head} {state} data {segment[8:].hex()[:16] or '-'} {len(segment) - 8}"
        if len(segment) >= 20:
            flags = "+".join(name for bit, name in FLAG_NAMES.items() if segment[13] & bit) or "none"
            data = segment[(segment[12] >> 4) * 4:]
            return f"TCP {head} {flags} {state} data {data.hex()[:16] or '-'} {len(data)}"
    if protocol == sctp.SCTP and len(segment) >= 4:
        return sctp.describe(source, target, segment, finished, embedded)
    if protocol == ICMP and len(segment) >= 8:
        kind, code = segment[0], segment[1]
        state = "csum-ok" if embedded or checksum(segment) == 0 else "csum-BAD"
        text = f"ICMP {source} > {target} type {kind} code {code} {'' if embedded else state}".rstrip()
        if kind == 3 and code == 4:
            text += f" mtu {struct.unpack('!H', segment[6:8])[0]}"
        if kind in (3, 11, 12):
            text += f" about [{describe(segment[8:], embedded=True)}]"
        return text
    return f"protocol {protocol} {source} > {target} data {segment.hex()[:40]} {len(segment)}"


def describe(packet, finished=True, embedded=False):
    """An IPv4 packet in words, without what is random in it (the ident field)."""
    if len(packet) < 20:
        return f"runt of {len(packet)} bytes"
    size = (packet[0] & 15) * 4
    total, _, fragment, ttl, protocol = struct.unpack("!HHHBB", packet[2:10])
    source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    if fragment & 0x1FFF or fragment & MF:
        text = f"fragment at {(fragment & 0x1FFF) * 8}{'+' if fragment & MF else ''} of protocol {protocol} " \
               f"{source} > {target} bytes {len(packet) - size}"
    else:
        segment = packet[size:] if embedded else packet[size:total]
        text = describe_segment(source, target, protocol, segment, finished, embedded)
    if embedded:
        return text
    return f"{text} ttl {ttl}{' DF' if fragment & DF else ''}{'' if checksum(packet[:size]) == 0 else ' IP-CSUM-BAD'}"
