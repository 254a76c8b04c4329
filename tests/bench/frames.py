# SPDX-License-Identifier: GPL-2.0
"""A generator of TCP, which pktgen does not know: frames that were made before are given to a packet socket, 1,024 in one
system call and past the queues. Its own cost is the same for all rows, and about that of pktgen for a frame. The kernel makes
a packet of its own of each frame, which nobody else holds. Checksums are left to the device, as the stack of a host does it."""

import ctypes
import os
import socket
import struct
import time

import window

SOL_PACKET, PACKET_VNET_HDR, PACKET_QDISC_BYPASS = 263, 15, 20
SYN, ACK, PUSH = 0x02, 0x10, 0x08
PAYLOAD = b"\0" * 6
NEEDS_CHECKSUM = 1
AT_ONCE = 1024
LIBC = ctypes.CDLL(None, use_errno=True)


def folded(data):
    """The sum in ones' complement of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def tcp(macs, ends, ports, flags, sequence):
    """A frame of TCP from one to another: pairs of MAC addresses (source, target), addresses and ports. In front of it is what
    a packet socket wants to know of it, struct virtio_net_hdr."""
    family = socket.AF_INET6 if ":" in ends[0] else socket.AF_INET
    source, target = (socket.inet_pton(family, end) for end in ends)
    payload = b"" if flags & SYN else PAYLOAD
    length = 20 + len(payload)
    pseudo = folded(source + target + struct.pack("!II", length, socket.IPPROTO_TCP))
    acknowledged = 1 if flags & ACK else 0
    segment = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65535, pseudo, 0) + payload
    if family == socket.AF_INET:
        ether, header = 0x0800, struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0)
        header += source + target
        header = header[:10] + struct.pack("!H", 0xFFFF ^ folded(header)) + header[12:]
    else:
        ether, header = 0x86DD, struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_TCP, 64) + source + target
    link = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in reversed(macs)) + struct.pack("!H", ether)
    whole = link + header + segment
    return struct.pack("=BBHHHH", NEEDS_CHECKSUM, 0, len(whole), 0, len(link + header), 16) + whole


class Messages:
    """Frames as the system call sendmmsg wants them: struct mmsghdr, each with one struct iovec."""

    HEADER, VECTOR = struct.Struct("@PIPNPNi4xI4x"), struct.Struct("@PN")

    def __init__(self, frames):
        self.count = len(frames)
        self.data = ctypes.create_string_buffer(b"".join(frames))
        vectors, place = b"", ctypes.addressof(self.data)
        for frame in frames:
            vectors += self.VECTOR.pack(place, len(frame))
            place += len(frame)
        self.vectors = ctypes.create_string_buffer(vectors)
        first = ctypes.addressof(self.vectors)
        self.headers = ctypes.create_string_buffer(b"".join(
            self.HEADER.pack(0, 0, first + number * self.VECTOR.size, 1, 0, 0, 0, 0) for number in range(self.count)))

    def send(self, descriptor):
        """Sends all, as many at once as the kernel takes."""
        first = ctypes.addressof(self.headers)
        for start in range(0, self.count, AT_ONCE):
            number = min(AT_ONCE, self.count - start)
            if LIBC.sendmmsg(descriptor, ctypes.c_void_p(first + start * self.HEADER.size), number, 0) != number:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def send(device, frames):
    """Sends frames by a device of the namespace where we are, and returns nanoseconds for each."""
    messages = Messages(frames)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sender.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        sender.bind((device, 0))
        with window.packets(len(frames)):
            start = time.monotonic_ns()
            messages.send(sender.fileno())
            return (time.monotonic_ns() - start) / len(frames)
