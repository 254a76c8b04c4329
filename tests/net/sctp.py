# SPDX-License-Identifier: GPL-2.0
"""SCTP packets made by hand and put into words (RFC 9260)."""

import struct

import packets

SCTP = 132
DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR = range(10)
COOKIE_ECHO, COOKIE_ACK, ECNE, CWR, SHUTDOWN_COMPLETE = range(10, 15)
NAMES = {DATA: "DATA", INIT: "INIT", INIT_ACK: "INIT-ACK", SACK: "SACK", HEARTBEAT: "HEARTBEAT",
         HEARTBEAT_ACK: "HEARTBEAT-ACK", ABORT: "ABORT", SHUTDOWN: "SHUTDOWN", SHUTDOWN_ACK: "SHUTDOWN-ACK",
         ERROR: "ERROR", COOKIE_ECHO: "COOKIE-ECHO", COOKIE_ACK: "COOKIE-ACK", ECNE: "ECNE", CWR: "CWR",
         SHUTDOWN_COMPLETE: "SHUTDOWN-COMPLETE"}
# The bytes behind the header of a chunk of each kind, as many as a real one has at least.
BODIES = {DATA: 16, INIT: 16, INIT_ACK: 16, SACK: 12, SHUTDOWN: 4, ECNE: 4, CWR: 4, COOKIE_ECHO: 8}


def table():
    """For each byte the remainder of the reversed Castagnoli polynomial."""
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = list(table())


def crc32c(data):
    """The checksum of a packet whose checksum field is zero."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return struct.pack("<I", ~crc & 0xFFFFFFFF)


def chunk(kind, body=None, length=None):
    """A chunk; its length field may lie."""
    body = bytes(BODIES.get(kind, 0)) if body is None else body
    size = 4 + len(body) if length is None else length
    return struct.pack("!BBH", kind, 0, size) + body + bytes(-len(body) % 4)


def segment(sport, dport, *chunks, tag=0x1234):
    """An SCTP packet without its IP header."""
    header = struct.pack("!HHII", sport, dport, tag, 0)
    data = header + b"".join(one if isinstance(one, bytes) else chunk(one) for one in chunks)
    return data[:8] + crc32c(data) + data[12:]


def sctp(source, sport, target, dport, *chunks, **ip):
    """An SCTP packet in an IPv4 packet."""
    return packets.ipv4(source, target, SCTP, segment(sport, dport, *chunks), **ip)


def describe(source, target, data, finished, embedded):
    """An SCTP packet in words."""
    sport, dport = struct.unpack("!HH", data[:4])
    head = f"SCTP {source}:{sport} > {target}:{dport}"
    if embedded or len(data) < 16:
        return head if embedded else f"{head} runt of {len(data)} bytes"
    state = "csum-partial"
    if finished:
        state = "csum-ok" if crc32c(data[:8] + bytes(4) + data[12:]) == data[8:12] else "csum-BAD"
    return f"{head} {NAMES.get(data[12], data[12])} {state} {len(data)} bytes"
