# SPDX-License-Identifier: GPL-2.0
"""Each allocation for a packet fails once: of new connections, of what is sent on and of what is answered.

Packets that this host sends are handled by the thread that sends them (`connections`); those that it forwards, by an
interrupt (`wires`). A packet must come out at the other end, or be counted as dropped."""

import socket

import lab as hosts
import nth
from additions import ALL, FLAGS, NESTED, Additions
from attempts import expect, name_of
from dissect import udp
from dual import DualWires, client as client_of, end, server as server_of, vip
from errors import Case
from fail_commands import Here, put
from genl import DEST, SERVICE, Client, address, attribute, be16, name, u8, u16, u32
from lab import run as program, write_sysctl
from packets import DF, UDP
from scenario import check, equal

DEVICE, SO_MARK = "faults0", 36
# This host, which is client and director, and a server that hears all and says nothing.
OWN = {4: "192.0.2.1", 6: "2001:db8:2::1"}
SERVER = {4: "192.0.2.9", 6: "2001:db8:2::9"}
NOWHERE = {4: "198.51.100.9", 6: "2001:db8:bad::9"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
PORT, TO_PORT, MARK = 53, 5353, 7
NAT, TUNNEL, DIRECT = 0, 2, 3
PERSISTENT, ONE_PACKET = 1, 4
IPIP, GUE, GRE = range(3)
CHECKSUM, REMOTE_CHECKSUM = 1, 2
# What a service or a server is said to be, besides the usual: method, kind of tunnel, its flags.
WAYS = {"NAT": (NAT, IPIP, 0), "direct routing": (DIRECT, IPIP, 0), "IPIP": (TUNNEL, IPIP, 0), "GUE": (TUNNEL, GUE, 0),
        "GUE with checksums": (TUNNEL, GUE, CHECKSUM), "GUE with remote checksums": (TUNNEL, GUE, REMOTE_CHECKSUM),
        "GRE with checksums": (TUNNEL, GRE, CHECKSUM)}
# Those that allocate something for packets.
SCHEDULERS = "sh dh mh lblc lblcr".split()


def drops(path="/proc/net/ip_vs_drops"):
    """How many packets and connections were given up so far."""
    with open(path, encoding="ascii") as file:
        return sum(int(line.split()[-1]) for line in file if line.split()[-1].isdigit())


def on_wire():
    """How many packets went to the server so far."""
    with open(f"/sys/class/net/{DEVICE}/statistics/tx_packets", encoding="ascii") as file:
        return int(file.read())


def nest(kind, values):
    return attribute(kind | NESTED, b"".join(attribute(*one) for one in values.items()))


def key(version=4, protocol=17, mark=0, at=None):
    family = {1: u16(FAMILY[version])}
    if mark:
        return {**family, 5: u32(mark)}
    return {**family, 2: u16(protocol), 3: address(at or OWN[version]), 4: be16(PORT)}


def new_service(scheduler="wlc", flags=0, **where):
    """A whole service."""
    mask = u32(0xFFFFFFFF) if where.get("version", 4) == 4 else u32(128)
    return nest(SERVICE, {**key(**where), 6: name(scheduler), 7: u32(flags) + u32(0xFFFFFFFF),
                          8: u32(300 if flags & PERSISTENT else 0), 9: mask})


def dest(way="NAT", weight=1, *, version=4, at=None):
    """A server: by default the one on our wire."""
    method, kind, flags = WAYS[way]
    values = {1: address(at or SERVER[version]), 2: be16(TO_PORT if method == NAT else PORT), 3: u32(method),
              4: u32(weight), 5: u32(0), 6: u32(0), 11: u16(FAMILY[version])}
    if method == TUNNEL:
        values |= {13: u8(kind), 14: be16(6080 if kind == GUE else 0), 15: u16(flags)}
    return nest(DEST, values)


def forgetting(client, service, way, **where):
    """Lets a server forget the way to it, and what its scheduler keeps, by changes that change nothing."""
    def one():
        for weight in (2, 1):
            expect(client, "SET_DEST", nest(SERVICE, service) + dest(way, weight, **where))
    return one


class Server:
    """The service and its server, and the wire on which the server is."""

    def __init__(self, run):
        self.run, self.client = run, Additions(Here)
        program("ip", "link", "add", DEVICE, "type", "dummy")
        for where, value in (("all/disable_ipv6", 0), (f"{DEVICE}/addr_gen_mode", 1), (f"{DEVICE}/disable_ipv6", 0)):
            write_sysctl(f"net/ipv6/conf/{where}", value)
        program("ip", "-batch", "-", text=f"link set {DEVICE} up\naddr add {OWN[4]}/24 dev {DEVICE}\n"
                f"addr add {OWN[6]}/64 dev {DEVICE} nodad\n")
        self.port = 10000

    def close(self):
        program("ip", "link", "del", DEVICE)
        self.client.socket.close()

    def begin(self, scheduler="wlc", flags=0, real=b"", **where):
        """Makes the service, perhaps with a server."""
        expect(self.client, "NEW_SERVICE", new_service(scheduler, flags, **where))
        if real:
            expect(self.client, "NEW_DEST", nest(SERVICE, key(**where)) + real)

    def end(self):
        expect(self.client, "FLUSH")

    def packet(self, version=4, kind=socket.SOCK_DGRAM, to=None, mark=0):
        """A packet of a new client: what became of it. "ok" if it went to the server."""
        before, sent, outcome = drops(), on_wire(), "dropped"
        self.port += 1
        with socket.socket(FAMILY[version], kind) as near:
            near.setblocking(False)
            near.bind(("", self.port))
            if mark:
                near.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
            try:
                near.connect((to or OWN[version], PORT))
                near.send(b"x")
            except BlockingIOError:
                pass
            except OSError as error:
                outcome = name_of(error)
            if on_wire() > sent:
                return "ok"
        check(drops() > before or outcome in ("ENOMEM", "ENOBUFS"), f"it did not arrive, and no drop was counted ({outcome})")
        return outcome

    def given_up(self, version=4):
        """A packet that cannot arrive: "ok" if it was counted as dropped, and was."""
        outcome = self.packet(version)
        check(outcome in ("EPERM", "dropped", "EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED"), f"not dropped: {outcome}")
        return "ok"


def connections(run):
    """New connections, by the thread that sends the packet."""
    server = Server(run)
    client = server.client
    for version in (4, 6):
        for way in WAYS:
            server.begin(version=version, real=dest(way, version=version))
            run.all(f"a new connection of IPv{version}, {way}", lambda version=version: server.packet(version),
                    forgetting(client, key(version), way, version=version), least=2)
            server.end()
        server.begin(version=version, real=dest(version=version, at=NOWHERE[version]))
        run.all(f"no way to the server, IPv{version}", lambda version=version: server.given_up(version))
        server.end()
        server.begin(version=version)
        run.all(f"no server, IPv{version}", lambda version=version: server.given_up(version))
        server.end()
    server.begin(real=dest("IPIP", version=6))
    run.all("a new connection of IPv4, in a tunnel of IPv6", server.packet, forgetting(client, key(), "IPIP", version=6))
    server.end()
    server.begin(protocol=6, real=dest())
    run.all("a new connection of TCP", lambda: server.packet(kind=socket.SOCK_STREAM))
    server.end()

    def end_all():
        check(isinstance(client.end(attribute(FLAGS, u32(ALL))), int), "the connections and templates cannot be ended")

    for what, flags in (("with persistence", PERSISTENT), ("for one packet", ONE_PACKET)):
        server.begin(flags=flags, real=dest())
        run.all(f"a new connection {what}", server.packet, end_all)
        server.end()
    for scheduler in SCHEDULERS:
        server.begin(scheduler, real=dest())
        run.all(f"a new connection, {scheduler}", server.packet, forgetting(client, key(), "NAT"))
        server.end()
    with_settings(run, server)
    server.close()


def with_settings(run, server):
    """What sysctls add."""
    equal(put("conntrack", 1), "ok", "conntrack")
    server.begin(real=dest())
    run.all("a new connection with connection tracking", server.packet)
    server.end()
    equal(put("conntrack", 0), "ok", "conntrack")
    equal(put("cache_bypass", 1), "ok", "cache_bypass")
    server.begin(mark=MARK)
    run.all("a new connection that bypasses the cache", lambda: server.packet(to="192.0.2.77", mark=MARK))
    server.end()
    equal(put("cache_bypass", 0), "ok", "cache_bypass")


class Director:
    """A director in a namespace of its own, and packets that it forwards. Only a packet itself lacks memory, not what
    looks for it afterwards."""

    def __init__(self, lab):
        self.lab, self.port, self.way = lab, 2000, nth.Packets()
        lab.collect()

    def drops(self):
        with self.lab.director:
            return drops()

    def outcome(self, packet, seen_by="server1"):
        """What became of a packet of the client: it must be seen, or a drop be counted."""
        before = self.drops()
        self.way.during(lambda: self.lab.from_client.send(packet))
        seen = [who for who, _ in self.lab.collect()]
        if seen_by in seen:
            return "ok"
        check(self.drops() > before, f"it did not arrive, and no drop was counted; seen: {seen}")
        return "dropped"

    def next_port(self):
        """That of a new client."""
        self.port += 1
        return self.port


def wires(run):
    """Packets that are forwarded."""
    for version in (4, 6):
        for way in WAYS:
            forwarded(run, version, way)
        opened_by_error(run, version)


def forwarded(run, version, way):
    """New connections, and what is too large for the way."""
    lab = DualWires()
    director, client = Director(lab), Client(lab.director)
    where, at = {"version": version, "at": vip(version)}, server_of(version)
    expect(client, "NEW_SERVICE", new_service(**where))
    expect(client, "NEW_DEST", nest(SERVICE, key(**where)) + dest(way, version=version, at=at))
    forget = forgetting(client, key(**where), way, version=version, at=at)

    def packet(size):
        return udp(client_of(version), director.next_port(), vip(version), PORT, bytes(size),
                   **({"fragment": DF} if version == 4 else {}))

    run.all(f"forwarded, IPv{version}, {way}", lambda: director.outcome(packet(8)), forget, way=director.way)
    if way == "IPIP":
        # In the tunnel it is longer by a header. The client is told so.
        whole, director.way = 1472 if version == 4 else 1452, nth.Packets()
        run.all(f"too large for the tunnel, IPv{version}", lambda: director.outcome(packet(whole), "client"), way=director.way)
    client.socket.close()
    hosts.remove_all()


def opened_by_error(run, version):
    """Errors that open connections."""
    case = Case(version, UDP, "-m", opens=False)
    case.lab.director.ipvs_sysctl("schedule_icmp", 1)
    director = Director(case.lab)

    def packet():
        about = udp(case.vip, case.port, case.client, director.next_port(), b"answer")
        return case.from_client_side(about=about)

    run.all(f"an ICMP error that opens a connection, IPv{version}", lambda: director.outcome(packet()), way=director.way)
    hosts.remove_all()


PARTS = {"connections": connections, "wires": wires}
