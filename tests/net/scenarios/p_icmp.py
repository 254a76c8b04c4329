# SPDX-License-Identifier: GPL-2.0
"""ICMP errors about balanced connections: which are passed on, to whom, and what they quote then."""

import time

from lab import CLIENT, VIP, Topology, server_address
from packets import ACK, DF, MF, SYN, TCP, UDP, fragments, icmp, ipv4, tcp, udp
from scenario import check, equal, scenario
from traffic import ask_udp
from views import connections, table, wait_until
from wire import Wires, lines

SERVER = server_address(1)
# Routers on the way to the client and to the server: any address that is routed there.
FAR_CLIENT, FAR_SERVER = "10.0.0.9", "172.16.1.9"
UNREACHABLE, QUENCH, REDIRECT, ECHO, TIME_EXCEEDED, PROBLEM = 3, 4, 5, 8, 11, 12
MTU_1300 = b"\0\0\5\x14"


class Case:
    """A service with one connection, and the packets of that connection as its two sides see them."""

    def __init__(self, protocol, flag):
        self.lab = Wires()
        self.protocol, self.nat = protocol, flag == "-m"
        letter, self.port, to_port = ("-u", 53, 5353) if protocol == UDP else ("-t", 80, 8080)
        self.to_port = to_port if self.nat else self.port
        self.lab.director.ipvs(f"-A {letter} {VIP}:{self.port} -s rr",
                               f"-a {letter} {VIP}:{self.port} -r {SERVER}:{self.to_port} {flag}")
        self.lab.client_sends(self.between(CLIENT, 2000, VIP, self.port))
        self.target = (SERVER, self.to_port) if self.nat else (VIP, self.port)

    def between(self, source, sport, target, dport, **options):
        """A packet of the protocol."""
        if self.protocol == UDP:
            return udp(source, sport, target, dport, b"question", **options)
        return tcp(source, sport, target, dport, SYN, **options)

    def request(self, **options):
        """The client's packet as the server receives it."""
        return self.between(CLIENT, 2000, *self.target, **options)

    def reply(self, **options):
        """The server's packet as the client receives it."""
        return self.between(VIP, self.port, CLIENT, 2000, **options)

    def from_client_side(self, kind=UNREACHABLE, code=3, *, source=CLIENT, rest=b"\0\0\0\0", about=None, **options):
        """An error about a packet of the server."""
        about = self.reply() if about is None else about
        return icmp(source, VIP, kind, code, rest, about, **options)

    def from_server_side(self, kind=UNREACHABLE, code=3, *, source=SERVER, rest=b"\0\0\0\0", about=None, **options):
        """An error about a packet of the client."""
        about = self.request() if about is None else about
        return icmp(source, CLIENT, kind, code, rest, about, **options)

    def both(self, t, title, **options):
        """The error from either side."""
        t.block(f"{title}, from the client's side", lines(self.lab.client_sends(self.from_client_side(**options))))
        t.block(f"{title}, from the server's side", lines(self.lab.server_sends(self.from_server_side(**options))))


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


def spoiled(packet, at):
    """A packet with one byte changed."""
    return packet[:at] + bytes([packet[at] ^ 0x55]) + packet[at + 1:]


def errors(t, protocol, flag):
    case = Case(protocol, flag)
    for kind, code, rest in ((3, 0, b"\0\0\0\0"), (3, 1, b"\0\0\0\0"), (3, 3, b"\0\0\0\0"), (3, 4, MTU_1300),
                             (3, 13, b"\0\0\0\0"), (4, 0, b"\0\0\0\0"), (5, 1, b"\0\0\0\0"), (11, 0, b"\0\0\0\0"),
                             (11, 1, b"\0\0\0\0"), (12, 0, b"\x14\0\0\0")):
        case.both(t, f"{kind}/{code}", kind=kind, code=code, rest=rest)
    lab = case.lab
    t.block("of a router near the client", lines(lab.client_sends(case.from_client_side(source=FAR_CLIENT))))
    t.block("of a router near the server", lines(lab.server_sends(case.from_server_side(source=FAR_SERVER))))
    for ttl in (1, 2):
        case.both(t, f"with ttl {ttl}", ttl=ttl)
    for size in (27, 28, 29, 36):
        t.block(f"about {size} bytes, from the client's side",
                lines(lab.client_sends(case.from_client_side(about=case.reply()[:size]))))
        t.block(f"about {size} bytes, from the server's side",
                lines(lab.server_sends(case.from_server_side(about=case.request()[:size]))))
    t.block("connections", connections(lab.director))
    t.block("statistics", statistics(lab.director))


@scenario
def icmp_errors_about_udp_through_nat(t):
    errors(t, UDP, "-m")


@scenario
def icmp_errors_about_tcp_through_nat(t):
    errors(t, TCP, "-m")


@scenario
def icmp_errors_about_udp_with_direct_routing(t):
    errors(t, UDP, "-g")


@scenario
def icmp_errors_about_tcp_with_direct_routing(t):
    errors(t, TCP, "-g")


def broken(t, flag):
    case = Case(UDP, flag)
    lab = case.lab
    # Behind the outer header of 20 bytes come 8 of ICMP, the quoted header, and its ports.
    for title, at in (("kind", 20), ("checksum", 22), ("quoted ttl", 36), ("quoted source port", 48), ("payload", 58)):
        if title != "quoted source port":
            t.block(f"a wrong {title}, from the client's side", lines(lab.client_sends(spoiled(case.from_client_side(), at))))
            t.block(f"a wrong {title}, from the server's side", lines(lab.server_sends(spoiled(case.from_server_side(), at))))
    for title, at in (("ttl", 8), ("checksum", 10)):
        t.block(f"a quoted header with a wrong {title}, from the client's side",
                lines(lab.client_sends(case.from_client_side(about=spoiled(case.reply(), at)))))
        t.block(f"a quoted header with a wrong {title}, from the server's side",
                lines(lab.server_sends(case.from_server_side(about=spoiled(case.request(), at)))))
    for title, about in (("the other direction", case.request()), ("another port", udp(VIP, 54, CLIENT, 2000)),
                         ("another client port", udp(VIP, 53, CLIENT, 2001)), ("another protocol", tcp(VIP, 53, CLIENT, 2000, SYN)),
                         ("protocol 2", ipv4(VIP, CLIENT, 2, bytes(8)))):
        t.block(f"about {title}", lines(lab.client_sends(case.from_client_side(about=about))))
    t.block("connections", connections(lab.director))
    t.block("statistics", statistics(lab.director))


@scenario
def broken_icmp_errors_through_nat(t):
    broken(t, "-m")


@scenario
def broken_icmp_errors_with_direct_routing(t):
    broken(t, "-g")


@scenario
def icmp_errors_that_quote_lies(t):
    case = Case(UDP, "-m")
    lab = case.lab
    for words in (0, 1, 4, 6, 15):
        case_reply, case_request = case.reply(), case.request()
        t.block(f"a header of {words} words, from the client's side",
                lines(lab.client_sends(case.from_client_side(about=bytes([0x40 | words]) + case_reply[1:]))))
        t.block(f"a header of {words} words, from the server's side",
                lines(lab.server_sends(case.from_server_side(about=bytes([0x40 | words]) + case_request[1:]))))
    for version in (0, 5, 6, 15):
        t.block(f"version {version}",
                lines(lab.client_sends(case.from_client_side(about=bytes([version << 4 | 5]) + case.reply()[1:]))))
    for total in (0, 20, 24, 27, 28, 1500, 65535):
        t.block(f"a length of {total}", lines(lab.server_sends(case.from_server_side(about=case.request(total=total)))))
    for title, fragment in (("first fragment", MF), ("later fragment", 5), ("last fragment", MF | 5), ("DF", DF)):
        t.block(f"{title}, from the client's side",
                lines(lab.client_sends(case.from_client_side(about=case.reply(fragment=fragment)))))
        t.block(f"{title}, from the server's side",
                lines(lab.server_sends(case.from_server_side(about=case.request(fragment=fragment)))))
    options = dict(options=b"\1" * 7 + b"\0", words=7)
    t.block("options, from the client's side", lines(lab.client_sends(case.from_client_side(about=case.reply(**options)))))
    t.block("options, from the server's side", lines(lab.server_sends(case.from_server_side(about=case.request(**options)))))
    t.block("options outside, from the client's side", lines(lab.client_sends(case.from_client_side(**options))))
    t.block("options outside, from the server's side", lines(lab.server_sends(case.from_server_side(**options))))


def large(t, flag):
    case = Case(UDP, flag)
    lab = case.lab
    about_reply = udp(VIP, 53, CLIENT, 2000, bytes(2000))
    about_request = udp(CLIENT, 2000, *case.target, bytes(2000))
    for size in (1480, 504, 24):
        t.block(f"in fragments of {size} bytes, from the client's side",
                lines(lab.client_sends(*fragments(case.from_client_side(about=about_reply), size))))
        t.block(f"in fragments of {size} bytes, from the server's side",
                lines(lab.server_sends(*fragments(case.from_server_side(about=about_request), size))))
    first, *_ = fragments(case.from_server_side(about=about_request), 504)
    t.block("the first fragment alone", lines(lab.server_sends(first)))
    echo = icmp(SERVER, CLIENT, ECHO, 0, b"\0\1\0\1", bytes(2000))
    t.block("an echo request in fragments", lines(lab.server_sends(*fragments(echo, 504))))
    for fragment in (0, DF):
        lab.director.ip("link set s1 mtu 1300")
        t.block(f"above the MTU, flags {fragment:#x}, from the client's side",
                lines(lab.client_sends(case.from_client_side(about=about_reply[:1400], fragment=fragment))))
        lab.director.ip("link set s1 mtu 1500", "link set c0 mtu 1300")
        t.block(f"above the MTU, flags {fragment:#x}, from the server's side",
                lines(lab.server_sends(case.from_server_side(about=about_request[:1400], fragment=fragment))))
        lab.director.ip("link set c0 mtu 1500")


@scenario
def large_icmp_errors_through_nat(t):
    large(t, "-m")


@scenario
def large_icmp_errors_with_direct_routing(t):
    large(t, "-g")


def deleted(t, flag):
    case = Case(UDP, flag)
    director = case.lab.director
    director.ipvs(f"-d -u {VIP}:53 -r {SERVER}:{case.to_port}")
    case.both(t, "the server is gone")
    director.ipvs(f"-a -u {VIP}:53 -r {SERVER}:{case.to_port} {flag} -w 0")
    case.both(t, "the server is back and takes no clients")
    director.ipvs(f"-D -u {VIP}:53")
    t.block("connections without the service", connections(director))
    case.both(t, "nothing is balanced")
    director.ipvs(f"-A -u {VIP}:99 -s rr")
    case.both(t, "something else is balanced")
    t.block("statistics", statistics(director))


@scenario
def icmp_errors_about_connections_of_a_deleted_nat_server(t):
    deleted(t, "-m")


@scenario
def icmp_errors_about_connections_of_a_deleted_server_behind_direct_routing(t):
    deleted(t, "-g")


@scenario
def icmp_errors_do_not_prolong_a_connection(t):
    case = Case(TCP, "-m")
    lab = case.lab
    lab.server_sends(tcp(SERVER, 8080, CLIENT, 2000, SYN | ACK))
    t.block("before", connections(lab.director))

    def remaining():
        return int(lab.director.read("/proc/net/ip_vs_conn").splitlines()[1].split()[8])
    first = remaining()
    wait_until(lambda: remaining() <= first - 2, what="a tick of the timer")
    case.both(t, "an error")
    check(remaining() <= first - 2, "the error has set the timer anew")
    t.block("after", connections(lab.director))


@scenario
def icmp_errors_without_snat_reroute(t):
    case = Case(UDP, "-m")
    case.lab.director.ipvs_sysctl("snat_reroute", 0)
    case.both(t, "an error")


@scenario
def a_port_that_nobody_listens_on(t):
    """Real stacks: the server's kernel sends the error, and the client's socket gets it as one about the service."""
    lab = Topology()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:5353 -m")
    for host in (lab.client, lab.director):
        one = host.udp()
        one.connect((VIP, 53))
        one.send(b"hello")
        try:
            t.note(f"{host.name}: received", one.recv(100))
        except OSError as error:
            t.note(f"{host.name}: {error.strerror}")
    t.block("table", table(lab.director))


@scenario
def the_path_of_a_server_narrows(t):
    """A router between the director and the client says how much it takes; the server's kernel believes it."""
    lab = Topology()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:5353 -m")
    lab.director.ip("link set c0 mtu 1300")
    one, server = lab.client.udp("", 2000), lab.servers[0].udp("", 5353)
    ask_udp(one, (VIP, 53), [server], bytes(200))
    server.setsockopt(0, 10, 2)  # IP_MTU_DISCOVER: always DF
    server.sendto(bytes(1400), (CLIENT, 2000))

    def narrowed():
        return "mtu 1300" in lab.servers[0].run("ip", "route", "get", CLIENT)
    wait_until(narrowed, what="the server's path to the client got narrow")
    t.note("narrowed")
    equal(narrowed(), True, "the path")
