# SPDX-License-Identifier: GPL-2.0
"""A program that decides about packets (NFQUEUE), by raw netlink."""

import socket
import struct

from genl import attribute

NETLINK_NETFILTER = 12
SUBSYSTEM, PACKET, VERDICT, CONFIG = 3, 0, 1, 2
REQUEST, ACKNOWLEDGE = 1, 4
COMMAND, PARAMETERS, PACKET_HEADER, VERDICT_HEADER = 1, 2, 1, 2
BIND, META = 1, 1
DROP, ACCEPT = 0, 1


class Queue:
    """Queue number 0 of a host. What comes waits until it gets a verdict."""

    def __init__(self, host):
        self.socket = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.tell(CONFIG, attribute(COMMAND, struct.pack("!BBH", BIND, 0, 0)), ACKNOWLEDGE)
        self.tell(CONFIG, attribute(PARAMETERS, struct.pack("!IB", 0, META)), ACKNOWLEDGE)

    def tell(self, kind, attributes, flags=0):
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, 0) + attributes
        self.socket.send(struct.pack("=IHHII", 16 + len(body), SUBSYSTEM << 8 | kind, REQUEST | flags, 0, 0) + body)
        if flags & ACKNOWLEDGE:
            error = struct.unpack_from("=i", self.socket.recv(4096), 16)[0]
            if error:
                raise OSError(-error, "the queue")

    def waiting(self):
        """The numbers of the packets that came since the last call; waits for the first."""
        numbers = []
        self.socket.settimeout(5)
        try:
            while True:
                message = self.socket.recv(1 << 16)
                # The header of the packet is the first attribute.
                length, kind = struct.unpack_from("=HH", message, 20)
                assert kind == PACKET_HEADER and length == 11
                numbers.append(struct.unpack_from("!I", message, 24)[0])
                self.socket.settimeout(0.1)
        except TimeoutError:
            return numbers

    def decide(self, number, verdict):
        self.tell(VERDICT, attribute(VERDICT_HEADER, struct.pack("!II", verdict, number)))
