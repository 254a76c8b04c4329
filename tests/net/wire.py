# SPDX-License-Identifier: GPL-2.0
"""The wires of a bare topology: packets put on them byte by byte, and all that the director answers."""

import os
import socket
import struct

import packets
from lab import CLIENT, Topology, mac, server_address
from scenario import Failed

ETH_P_IP = 0x0800
PACKET_AUXDATA, SOL_PACKET = 8, 263
CSUM_NOT_READY = 8
SO_RCVBUFFORCE = 33
MARKER_PORT = 9


class Wire:
    """One host's end of its wire to the director."""

    def __init__(self, host, device, own_mac, director_mac):
        self.header = bytes.fromhex((director_mac + own_mac).replace(":", "")) + struct.pack("!H", ETH_P_IP)
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.socket.bind((device, ETH_P_IP))

    def send(self, packet):
        self.socket.send(self.header + packet)

    def receive(self):
        """The next packet that came, and whether its checksum is finished."""
        frame, extra, _, _ = self.socket.recvmsg(65536, 256)
        finished = True
        for level, kind, data in extra:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                finished = not struct.unpack("I", data[:4])[0] & CSUM_NOT_READY
        return frame[14:], finished


class Wires(Topology):
    """A bare topology and its wires. The process stays on one CPU, so that packets keep their order."""

    def __init__(self, servers=1, **options):
        super().__init__(servers=servers, bare=True, **options)
        os.sched_setaffinity(0, {0})
        self.from_client = Wire(self.client, "c0", mac(1), mac(2))
        self.from_server = [Wire(server, "s0", mac(3, number), mac(4, number))
                            for number, server in zip(self.numbers, self.servers)]

    def marker(self, number=None):
        """A datagram that the director merely forwards: to a server, or from the first server to the client."""
        if number is None:
            return packets.udp(server_address(1), MARKER_PORT, CLIENT, MARKER_PORT)
        return packets.udp(CLIENT, MARKER_PORT, server_address(number), MARKER_PORT)

    def collect(self):
        """All that arrived since the last call, as (host name, words): first at the client, then at each server."""
        self.from_server[0].send(self.marker())
        for number in self.numbers:
            self.from_client.send(self.marker(number))
        seen = []
        for name, wire in [("client", self.from_client),
                           *((f"server{number}", wire) for number, wire in zip(self.numbers, self.from_server))]:
            seen += [(name, words) for words in self.until_marker(wire)]
        return seen

    @staticmethod
    def until_marker(wire):
        while True:
            try:
                packet, finished = wire.receive()
            except TimeoutError:
                raise Failed("the director no longer forwards ordinary packets") from None
            if packet[9] == packets.UDP and packet[22:24] == struct.pack("!H", MARKER_PORT):
                return
            yield packets.describe(packet, finished)

    def client_sends(self, *some):
        """Sends packets from the client and returns what the director made of them."""
        for packet in some:
            self.from_client.send(packet)
        return self.collect()

    def server_sends(self, *some, number=1):
        """Sends packets from a server and returns what the director made of them."""
        for packet in some:
            self.from_server[number - 1].send(packet)
        return self.collect()

    def chosen(self, *some):
        """The servers' numbers that the client's packets reached, in order; 0 for a packet that reached none."""
        numbers = []
        for packet in some:
            reached = [int(name[len("server"):]) for name, _ in self.client_sends(packet) if name != "client"]
            numbers.append(reached[0] if reached else 0)
        return numbers


def lines(seen):
    """What collect() returned, as lines for a transcript."""
    return [f"{name} sees {words}" for name, words in seen] or ["nothing"]
