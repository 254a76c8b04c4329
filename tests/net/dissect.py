# SPDX-License-Identifier: GPL-2.0
"""Packets of both versions of IP made by hand, and put into words with all that is inside them.

What is random is left out: identifications and flow labels that are not zero, the source ports of GUE."""

import socket
import struct

from packets import FLAG_NAMES, ICMP, TCP, UDP, checksum
import packets
import sctp as chunks

ICMPV6 = 58
IPIP, IPV6, GRE = 4, 41, 47
HOP_BY_HOP, ROUTING, FRAGMENT, NO_NEXT, DESTINATION = 0, 43, 44, 59, 60
GUE_PORT = 5555


def to_bytes(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo(source, target, protocol, length):
    return to_bytes(source) + to_bytes(target) + struct.pack("!II", length, protocol)


def ipv6(source, target, protocol, payload, *, hops=64, tos=0, length=None):
    """An IPv6 packet; `payload` begins with the extension headers, if there are any."""
    size = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28 | tos << 20, size, protocol, hops) + to_bytes(source) + to_bytes(target) + payload


def extended(source, target, protocol, segment, extensions=(), **ip):
    """An IPv6 packet with extension headers: pairs of a number and the bytes behind the next-header byte."""
    for kind, body in reversed(extensions):
        segment = struct.pack("!B", protocol) + body + segment
        protocol = kind
    return ipv6(source, target, protocol, segment, **ip)


def udp(source, sport, target, dport, payload=b"", *, zero_checksum=False, ttl=64, tos=0, fragment=0, extensions=()):
    """A UDP datagram in a packet of the version of its addresses."""
    if ":" not in source:
        packet = packets.udp(source, sport, target, dport, payload, zero_checksum=zero_checksum, ttl=ttl,
                             fragment=fragment)
        return with_tos(packet, tos)
    size = 8 + len(payload)
    header = struct.pack("!HHHH", sport, dport, size, 0)
    total = checksum(pseudo(source, target, UDP, size) + header + payload) or 0xFFFF
    header = header[:6] + struct.pack("!H", 0 if zero_checksum else total)
    return extended(source, target, UDP, header + payload, extensions, hops=ttl, tos=tos)


def tcp(source, sport, target, dport, flags, payload=b"", *, seq=1000, ttl=64, tos=0, fragment=0, extensions=()):
    """A TCP segment in a packet of the version of its addresses."""
    if ":" not in source:
        packet = packets.tcp(source, sport, target, dport, flags, payload, seq=seq, ttl=ttl, fragment=fragment)
        return with_tos(packet, tos)
    header = struct.pack("!HHIIBBHHH", sport, dport, seq, 0, 5 << 4, flags, 64240, 0, 0)
    total = checksum(pseudo(source, target, TCP, 20 + len(payload)) + header + payload)
    header = header[:16] + struct.pack("!H", total) + header[18:]
    return extended(source, target, TCP, header + payload, extensions, hops=ttl, tos=tos)


def sctp(source, sport, target, dport, *some, ttl=64, tos=0, fragment=0, extensions=()):
    """An SCTP packet of some chunks in a packet of the version of its addresses."""
    if ":" not in source:
        return with_tos(chunks.sctp(source, sport, target, dport, *some, ttl=ttl, fragment=fragment), tos)
    return extended(source, target, chunks.SCTP, chunks.segment(sport, dport, *some), extensions, hops=ttl, tos=tos)


def unreachable(source, target, about, *, ttl=64):
    """An ICMP or ICMPv6 error, "port unreachable"."""
    if ":" not in source:
        return packets.icmp(source, target, packets.UNREACHABLE, 3, payload=about, ttl=ttl)
    message = struct.pack("!BBHI", 1, 4, 0, 0) + about
    total = checksum(pseudo(source, target, ICMPV6, len(message)) + message)
    return ipv6(source, target, ICMPV6, message[:2] + struct.pack("!H", total) + message[4:], hops=ttl)


def with_tos(packet, tos):
    """An IPv4 packet without options, with another type of service."""
    header = packet[:1] + bytes([tos]) + packet[2:10] + b"\0\0" + packet[12:20]
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + packet[20:]


def fragments6(packet, size, ident=7):
    """Cuts an IPv6 packet without extension headers into fragments of `size` payload bytes."""
    source, target = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
    payload = packet[40:]
    for offset in range(0, len(payload), size):
        more = int(offset + size < len(payload))
        header = struct.pack("!BBHI", packet[6], 0, offset | more, ident)
        yield ipv6(source, target, FRAGMENT, header + payload[offset:offset + size])


def is_housekeeping(packet):
    """Whether this is what IPv6 says of its own accord: neighbours, routers, groups."""
    if packet[0] >> 4 != 6:
        return False
    kind, at = packet[6], 40
    if kind == HOP_BY_HOP:
        kind, at = packet[40], 48
    return kind == ICMPV6 and 130 <= packet[at] <= 143


def describe(packet, finished=True, embedded=False):
    """A packet in words, and the packets in it."""
    if not packet:
        return "nothing"
    return (describe4 if packet[0] >> 4 == 4 else describe6)(packet, finished, embedded)


def describe4(packet, finished, embedded):
    if len(packet) < 20:
        return f"runt {packet.hex()}"
    size = (packet[0] & 15) * 4
    tos, total, ident, fragment, ttl, protocol = struct.unpack("!BHHHBB", packet[1:10])
    source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    body = packet[size:] if embedded else packet[size:total]
    if fragment & 0x3FFF:
        text = f"fragment at {(fragment & 0x1FFF) * 8}{'+' if fragment & packets.MF else ''} of protocol {protocol} " \
               f"{source} > {target} bytes {len(body)}"
    else:
        text = describe_body(source, target, protocol, body, finished, embedded)
    if embedded:
        return text
    return text + f" ttl {ttl}" + (f" tos {tos:#x}" if tos else "") + (" DF" if fragment & packets.DF else "") \
        + (" id" if ident else "") + ("" if checksum(packet[:size]) == 0 else " IP-CSUM-BAD")


def describe6(packet, finished, embedded):
    if len(packet) < 40:
        return f"runt {packet.hex()}"
    word, length, protocol, hops = struct.unpack("!IHBB", packet[:8])
    source, target = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
    body, notes = packet[40:] if embedded else packet[40:40 + length], ""
    while protocol in (HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT):
        if len(body) < 8:
            return f"cut in extension {protocol} {source} > {target}"
        following, size, offset = struct.unpack("!BBH", body[:4])
        if protocol == FRAGMENT:
            notes += f" fragment at {offset & ~7}{'+' if offset & 1 else ''}"
            body = body[8:]
            if offset & ~7 or offset & 1:
                return f"{notes.strip()} of protocol {following} {source} > {target} bytes {len(body)} hops {hops}"
        else:
            notes += f" extension {protocol}"
            body = body[8 + 8 * size:]
        protocol = following
    text = describe_body(source, target, protocol, body, finished, embedded) + notes
    if embedded:
        return text
    tos = word >> 20 & 0xFF
    label = word & 0xFFFFF
    return text + f" hops {hops}" + (f" tos {tos:#x}" if tos else "") + (" label" if label else "") \
        + ("" if 40 + length == len(packet) else f" LENGTH {length} of {len(packet) - 40}")


def right(source, target, protocol, segment):
    return checksum(pseudo(source, target, protocol, len(segment)) + segment) == 0


def icmp6_right(source, target, message, finished):
    """Whether the checksum of an ICMPv6 message is right, or will be when the (virtual) hardware has finished it."""
    if finished:
        return right(source, target, ICMPV6, message)
    return checksum(pseudo(source, target, ICMPV6, len(message))) ^ 0xFFFF == struct.unpack("!H", message[2:4])[0]


def describe_body(source, target, protocol, body, finished, embedded):
    """What is behind the IP header and the extension headers."""
    if protocol in (IPIP, IPV6):
        return f"{source} > {target} IP [{describe(body, finished)}]"
    if protocol == GRE and len(body) >= 4:
        return describe_gre(source, target, body, finished)
    if protocol == UDP and len(body) >= 12 and struct.unpack("!H", body[2:4])[0] == GUE_PORT:
        return describe_gue(source, target, body, finished)
    if protocol == ICMPV6 and len(body) >= 8:
        kind, code = body[0], body[1]
        state = "" if embedded else " csum-ok" if icmp6_right(source, target, body, finished) else " csum-BAD"
        text = f"ICMPv6 {source} > {target} type {kind} code {code}{state}"
        if kind == 2:
            text += f" mtu {struct.unpack('!I', body[4:8])[0]}"
        return text + (f" about [{describe(body[8:], embedded=True)}]" if kind < 128 else "")
    if protocol == ICMP and len(body) >= 8:
        return packets.describe_segment(source, target, protocol, body, finished, embedded)
    if protocol == chunks.SCTP and len(body) >= 4:
        return chunks.describe(source, target, body, finished, embedded)
    if protocol in (TCP, UDP) and len(body) >= 8:
        return describe_segment(source, target, protocol, body, finished, embedded)
    return f"protocol {protocol} {source} > {target} data {body.hex()[:40]} {len(body)}"


def describe_segment(source, target, protocol, segment, finished, embedded):
    sport, dport = struct.unpack("!HH", segment[:4])
    name = "TCP" if protocol == TCP else "UDP"
    text = f"{name} {source} {sport} > {target} {dport}"
    if embedded:
        return text
    if protocol == UDP and segment[6:8] == b"\0\0":
        state = "no-csum"
    elif not finished:
        state = "csum-partial"
    else:
        state = "csum-ok" if right(source, target, protocol, segment) else "csum-BAD"
    if protocol == UDP:
        return f"{text} {state} data {segment[8:].hex()[:16] or '-'} {len(segment) - 8}"
    if len(segment) < 20:
        return f"{text} cut"
    flags = "+".join(name for bit, name in FLAG_NAMES.items() if segment[13] & bit) or "none"
    data = segment[(segment[12] >> 4) * 4:]
    return f"{text} {flags} {state} data {data.hex()[:16] or '-'} {len(data)}"


def describe_gre(source, target, body, finished):
    flags, protocol = struct.unpack("!HH", body[:4])
    at, state = 4, ""
    if flags & 0x8000:
        at, state = 8, " csum-ok" if not finished or checksum(body) == 0 else " csum-BAD"
        # It is the outer checksum that may be unfinished.
        finished = True
    return f"{source} > {target} GRE {flags:#x} {protocol:#x}{state} [{describe(body[at:], finished)}]"


def describe_gue(source, target, body, finished):
    size, state = struct.unpack("!H", body[4:6])[0], ""
    if body[6:8] == b"\0\0":
        state = "no-csum"
    elif not finished:
        state = "csum-partial"
    else:
        state = "csum-ok" if right(source, target, UDP, body) else "csum-BAD"
    # If the outer checksum is there, it is the one that may be unfinished.
    finished |= body[6:8] != b"\0\0"
    words, inner, flags = struct.unpack("!BBH", body[8:12])
    options = body[12:12 + words * 4]
    text = f"{source} > {target} GUE {state} protocol {inner} flags {flags:#x} options {options.hex() or '-'}"
    wrong = "" if size == len(body) else f" LENGTH {size} of {len(body)}"
    return f"{text}{wrong} [{describe(body[12 + words * 4:], finished)}]"
