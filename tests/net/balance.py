# SPDX-License-Identifier: GPL-2.0
"""A director that schedules thousands of connections, cheaply: one process, raw packets, one netlink socket.

Servers are known by letters. They are ports of one host, which has a wire on which all that is sent to any of them can
be read in the order in which it was sent."""

import struct

import dissect
import dual
import packets
from genl import DEST, SERVICE, Client, address, attribute, be16, name, u16, u32
from lab import mac
from packets import ACK, FIN, SYN
from scenario import Failed, equal
from wire import MARKER_PORT, Wires

FALLBACK, PORTS = 0x8, 0x10
ALL_FLAGS = 0xFFFFFFFF
FIRST_SERVER_PORT = 8001
FIRST_CLIENT_PORT = 10000
NESTED = 0x8000
AF_INET, AF_INET6 = 2, 10
CLIENTS = [f"10.0.{net}.{host}" for net in (0, 7, 99) for host in range(10, 60)]
MARKED = [f"10.2.0.{host}" for host in range(1, 40)]
CLIENTS6 = [f"2001:db8::{net}:{host}" for net in (0, 7, 99) for host in range(10, 60)]
MARKED6 = [f"2001:db8:2::{host}" for host in range(1, 40)]


def nest(kind, **values):
    """A nest of attributes, given as a<type>=payload."""
    return attribute(kind | NESTED, b"".join(attribute(int(key[1:]), value) for key, value in values.items()))


class Balancer(Wires):
    """A bare topology with one host for all servers, and one service of an IP version: TCP or UDP at the VIP, or a firewall
    mark."""

    def __init__(self, scheduler, *, protocol=packets.TCP, mark=0, flags=0, version=4, tag=""):
        super().__init__(servers=1, tag=tag)
        self.version = version
        if version == 6:
            dual.configure_director(self)
            self.from_client = dual.DualWire(self.client, "c0", mac(1), mac(2))
            self.from_server = [dual.DualWire(self.servers[0], "s0", mac(3, 1), mac(4, 1))]
        self.netlink = Client(self.director)
        self.protocol, self.mark = protocol, mark
        self.ports = FIRST_CLIENT_PORT
        self.known = {}
        if mark:
            self.mark_packets()
        self.do("NEW_SERVICE", self.scheduled_by(scheduler, flags))

    def mark_packets(self):
        """The director takes packets to many addresses for its own, and marks them."""
        targets, nft = ("10.2.0.0/16", "ip") if self.version == 4 else ("2001:db8:2::/48", "ip6")
        option = f"-{self.version}"
        self.director.run("ip", option, "route", "add", "local", targets, "dev", "lo", "table", "99")
        self.director.run("ip", option, "rule", "add", "pref", "9", "iif", "c0", "to", targets, "table", "99")
        self.director.run("nft", "-f", "-", text=f"""table {nft} marks {{ chain arriving {{
            type filter hook prerouting priority mangle; {nft} daddr {targets} meta mark set {self.mark}; }}; }}\n""")

    def service(self, **more):
        family = u16(AF_INET if self.version == 4 else AF_INET6)
        if self.mark:
            return nest(SERVICE, a1=family, a5=u32(self.mark), **more)
        return nest(SERVICE, a1=family, a2=u16(self.protocol), a3=address(dual.vip(self.version)), a4=be16(80), **more)

    def scheduled_by(self, scheduler, flags):
        netmask = 0xFFFFFFFF if self.version == 4 else 128
        return self.service(a6=name(scheduler), a7=u32(flags) + u32(ALL_FLAGS), a8=u32(0), a9=u32(netmask))

    def server(self, letter, weight=1, upper=0, lower=0):
        return nest(DEST, a1=address(dual.server(self.version)), a2=be16(FIRST_SERVER_PORT + ord(letter) - ord("a")),
                    a3=u32(0), a4=u32(weight), a5=u32(upper), a6=u32(lower),
                    a11=u16(AF_INET if self.version == 4 else AF_INET6))

    def do(self, command, payload):
        equal(self.netlink.do(command, payload)[0], "ok", command)

    def add(self, letter, weight=1, **thresholds):
        self.do("NEW_DEST", self.service() + self.server(letter, weight, **thresholds))

    def edit(self, letter, weight=1, **thresholds):
        self.do("SET_DEST", self.service() + self.server(letter, weight, **thresholds))

    def delete(self, letter):
        self.do("DEL_DEST", self.service() + self.server(letter))

    def schedule_by(self, scheduler, flags=0):
        """Changes the scheduler of the service, or its flags."""
        self.do("SET_SERVICE", self.scheduled_by(scheduler, flags))

    def packet(self, port, source, target, flags=SYN):
        make = dissect.tcp if self.protocol == packets.TCP else dissect.udp
        rest = (flags,) if self.protocol == packets.TCP else (b"x",)
        return make(source, port, target, 80, *rest)

    def connect(self, ends):
        """Opens a connection for each (source, target); returns the letters of the servers, `-` for none."""
        opened = []
        for source, target in ends:
            opened.append((self.ports, source, target))
            self.from_client.send(self.packet(self.ports, source, target))
            # Source port 20 is never scheduled, and a port that was used belongs to its connection.
            self.ports += 1
        reached = self.reached()
        for one in opened:
            if one[0] in reached:
                self.known[one[0]] = one
        return "".join(reached.get(port, "-") for port, _, _ in opened)

    def reached(self):
        """What arrived at the servers since the last call, as {client port: letter}."""
        self.from_client.send(self.marker(1))
        wire, letters = self.from_server[0].socket, {}
        while True:
            try:
                frame = wire.recv(2048)
            except TimeoutError:
                raise Failed("the director no longer forwards ordinary packets") from None
            if dissect.is_housekeeping(frame[14:]):
                continue
            ports = 34 if frame[14] >> 4 == 4 else 54
            sport, dport = struct.unpack("!HH", frame[ports:ports + 4])
            if dport == MARKER_PORT:
                return letters
            letters[sport] = chr(ord("a") + dport - FIRST_SERVER_PORT)

    def follow_up(self, count, flags):
        """The next segment on the oldest connections, without a look at where it goes."""
        for port in list(self.known)[:count]:
            _, source, target = self.known[port]
            self.from_client.send(self.packet(port, source, target, flags))
        self.reached()

    def establish(self, count):
        """The handshake of the oldest connections: they stay active."""
        self.follow_up(count, ACK)

    def finish(self, count):
        """The client ends the oldest connections: they become inactive, and stay for a minute."""
        self.follow_up(count, ACK)
        self.follow_up(count, FIN | ACK)
        for port in list(self.known)[:count]:
            del self.known[port]
