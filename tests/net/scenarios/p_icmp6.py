# SPDX-License-Identifier: GPL-2.0
"""ICMPv6 errors about balanced connections: which are passed on, to whom, and what they quote then."""

import struct

from dissect import DESTINATION, FRAGMENT, HOP_BY_HOP, ROUTING, fragments6, ipv6, tcp, udp
from dual import Dual, end, server, vip
from errors import FAR_CLIENT, FAR_SERVER, Case, icmp6, known, mtu, spoiled, statistics
from packets import SYN, TCP, UDP
from scenario import check, scenario
from views import wait_until
from wire import lines

UNREACHABLE, ECHO = 1, 128
OPTIONS = (HOP_BY_HOP, bytes([0, 1, 4, 0, 0, 0, 0])), (DESTINATION, bytes([0, 1, 4, 0, 0, 0, 0]))
LARGE_OPTION = (DESTINATION, bytes([2, 1, 20]) + bytes(20))
ROUTED = (ROUTING, bytes([0, 253, 0, 0, 0, 0, 0]))


def fragment_header(protocol, offset=0, more=0):
    return struct.pack("!BBHI", protocol, 0, offset << 3 | more, 7)


def with_fragment_header(packet, offset=0, more=0):
    """A packet behind a fragment header that may say anything."""
    header = fragment_header(packet[6], offset, more)
    return packet[:4] + struct.pack("!HB", len(packet) - 32, FRAGMENT) + packet[7:40] + header + packet[40:]


def errors(t, protocol, flag):
    case = Case(6, protocol, flag)
    for kind, code, rest in ((1, 0, b"\0\0\0\0"), (1, 3, b"\0\0\0\0"), (1, 4, b"\0\0\0\0"), (1, 6, b"\0\0\0\0"),
                             (2, 0, mtu(1300)), (3, 0, b"\0\0\0\0"), (3, 1, b"\0\0\0\0"), (4, 1, b"\0\0\0\6"),
                             (100, 0, b"\0\0\0\0"), (127, 0, b"\0\0\0\0"), (128, 0, b"\0\0\0\0"), (200, 0, b"\0\0\0\0")):
        case.both(t, f"{kind}/{code}", kind=kind, code=code, rest=rest)
    lab = case.lab
    t.block("of a router near the client", lines(lab.client_sends(case.from_client_side(source=FAR_CLIENT[6]))))
    t.block("of a router near the server", lines(lab.server_sends(case.from_server_side(source=FAR_SERVER[6]))))
    for hops in (1, 2):
        case.both(t, f"with hop limit {hops}", hops=hops)
    for size in (0, 39, 40, 43, 44, 47, 48, 52):
        case.both_about(t, f"about {size} bytes", lambda packet: packet[:size])
    t.block("connections", known(lab.director))
    t.block("statistics", statistics(lab.director))


@scenario
def icmpv6_errors_about_udp_through_nat(t):
    errors(t, UDP, "-m")


@scenario
def icmpv6_errors_about_tcp_through_nat(t):
    errors(t, TCP, "-m")


@scenario
def icmpv6_errors_about_udp_with_direct_routing(t):
    errors(t, UDP, "-g")


@scenario
def icmpv6_errors_about_tcp_with_direct_routing(t):
    errors(t, TCP, "-g")


def broken(t, flag):
    case = Case(6, UDP, flag)
    lab = case.lab
    # Behind the outer header of 40 bytes come 8 of ICMPv6, the quoted header, and its ports.
    for title, at in (("kind", 40), ("checksum", 42), ("quoted hop limit", 55), ("payload", 98)):
        case.from_client(t, f"a wrong {title}", spoiled(case.from_client_side(), at))
        case.from_server(t, f"a wrong {title}", spoiled(case.from_server_side(), at))
    case.both_about(t, "a quoted header with another hop limit", lambda packet: spoiled(packet, 7))
    virtual, client = case.vip, case.client
    for title, about in (("the other direction", case.request()), ("another port", udp(virtual, 54, client, 2000)),
                         ("another client port", udp(virtual, 53, client, 2001)),
                         ("another protocol", tcp(virtual, 53, client, 2000, SYN)),
                         ("protocol 2", ipv6(virtual, client, 2, bytes(8))),
                         ("another error", icmp6(virtual, client, UNREACHABLE, 0, payload=case.request())),
                         ("an echo", icmp6(virtual, client, ECHO, 0))):
        t.block(f"about {title}", lines(lab.client_sends(case.from_client_side(about=about))))
    whole = case.from_server_side()
    for size in (41, 44, 47, 48):
        cut = whole[:4] + struct.pack("!H", size - 40) + whole[6:size]
        case.from_server(t, f"an error of {size} bytes", cut)
        whole_of_client = case.from_client_side()
        cut = whole_of_client[:4] + struct.pack("!H", size - 40) + whole_of_client[6:size]
        case.from_client(t, f"an error of {size} bytes", cut)
    t.block("connections", known(lab.director))
    t.block("statistics", statistics(lab.director))


@scenario
def broken_icmpv6_errors_through_nat(t):
    broken(t, "-m")


@scenario
def broken_icmpv6_errors_with_direct_routing(t):
    broken(t, "-g")


def lies(t, flag):
    case = Case(6, UDP, flag)
    for version in (0, 4, 5, 15):
        case.both_about(t, f"version {version}", lambda packet: bytes([version << 4]) + packet[1:])
    for length in (0, 3, 4, 8, 1500, 65535):
        case.both_about(t, f"a length of {length}", lambda packet: packet[:4] + struct.pack("!H", length) + packet[6:])
    for title, header in (("atomic fragment", (0, 0)), ("first fragment", (0, 1)), ("later fragment", (5, 1)),
                          ("last fragment", (5, 0))):
        case.both_about(t, title, lambda packet: with_fragment_header(packet, *header))
    extended = (("hop-by-hop options", OPTIONS[:1]), ("destination options", OPTIONS[1:]), ("both", OPTIONS),
                ("many", OPTIONS[:1] + OPTIONS[1:] * 6), ("a large one", (LARGE_OPTION,)), ("routing", (ROUTED,)))
    for title, extensions in extended:
        case.from_client(t, f"{title} inside", case.from_client_side(about=case.reply(extensions=extensions)))
        case.from_server(t, f"{title} inside", case.from_server_side(about=case.request(extensions=extensions)))
    for title, extensions in extended:
        case.from_client(t, f"{title} outside", case.from_client_side(extensions=extensions))
        case.from_server(t, f"{title} outside", case.from_server_side(extensions=extensions))
    for size in (44, 48, 52, 56, 60):
        about = case.reply(extensions=OPTIONS[:1])[:size]
        case.from_client(t, f"options inside, {size} bytes", case.from_client_side(about=about))
        about = case.request(extensions=OPTIONS[:1])[:size]
        case.from_server(t, f"options inside, {size} bytes", case.from_server_side(about=about))
    for length in (1, 2, 31, 255):
        about = case.reply(extensions=((DESTINATION, bytes([length]) + OPTIONS[1][1][1:]),))
        case.from_client(t, f"an option that says {length}", case.from_client_side(about=about))
        about = case.request(extensions=((DESTINATION, bytes([length]) + OPTIONS[1][1][1:]),))
        case.from_server(t, f"an option that says {length}", case.from_server_side(about=about))


@scenario
def icmpv6_errors_that_quote_lies_through_nat(t):
    lies(t, "-m")


@scenario
def icmpv6_errors_that_quote_lies_with_direct_routing(t):
    lies(t, "-g")


def large(t, flag):
    case = Case(6, UDP, flag)
    lab = case.lab
    about_reply = udp(case.vip, 53, case.client, 2000, bytes(2000))
    about_request = udp(case.client, 2000, *case.target, bytes(2000))
    to_server = case.from_client_side(about=about_reply)
    to_client = case.from_server_side(about=about_request)
    for size in (1440, 504, 24):
        case.from_client(t, f"in fragments of {size} bytes", *fragments6(to_server, size))
        case.from_server(t, f"in fragments of {size} bytes", *fragments6(to_client, size))
    first, *_ = fragments6(to_client, 504, ident=8)
    case.from_server(t, "the first fragment alone", first)
    case.from_client(t, "as an atomic fragment", with_fragment_header(case.from_client_side()))
    case.from_server(t, "as an atomic fragment", with_fragment_header(case.from_server_side()))
    echo = icmp6(case.server, case.client, ECHO, 0, b"\0\1\0\1", bytes(2000))
    case.from_server(t, "an echo request in fragments", *fragments6(echo, 504, ident=9))
    lab.director.ip("link set s1 mtu 1300")
    case.from_client(t, "above the MTU", case.from_client_side(about=about_reply[:1400]))
    lab.director.ip("link set s1 mtu 1500", "link set c0 mtu 1300")
    case.from_server(t, "above the MTU", case.from_server_side(about=about_request[:1400]))
    lab.director.ip("link set c0 mtu 1500")


@scenario
def large_icmpv6_errors_through_nat(t):
    large(t, "-m")


@scenario
def large_icmpv6_errors_with_direct_routing(t):
    large(t, "-g")


def deleted(t, flag):
    case = Case(6, UDP, flag)
    director = case.lab.director
    director.ipvs(f"-d {case.virtual} -r {case.real()}")
    case.both(t, "the server is gone")
    director.ipvs(f"-a {case.virtual} -r {case.real()} {flag} -w 0")
    case.both(t, "the server is back and takes no clients")
    director.ipvs(f"-D {case.virtual}")
    t.block("connections without the service", known(director))
    case.both(t, "nothing is balanced")
    director.ipvs(f"-A -u {end(case.vip, 99)} -s rr")
    case.both(t, "something else is balanced")
    t.block("statistics", statistics(director))


@scenario
def icmpv6_errors_about_connections_of_a_deleted_nat_server(t):
    deleted(t, "-m")


@scenario
def icmpv6_errors_about_connections_of_a_deleted_server_behind_direct_routing(t):
    deleted(t, "-g")


@scenario
def icmpv6_errors_without_snat_reroute(t):
    case = Case(6, UDP, "-m")
    case.lab.director.ipvs_sysctl("snat_reroute", 0)
    case.both(t, "an error")


@scenario
def an_ipv6_port_that_nobody_listens_on(t):
    """Real stacks: the server's kernel sends the error, and the client's socket gets it as one about the service."""
    lab = Dual()
    lab.director.ipvs(f"-A -u {end(vip(6), 53)} -s rr", f"-a -u {end(vip(6), 53)} -r {end(server(6), 5353)} -m")
    for host in (lab.client, lab.director):
        one = udp_socket(host)
        one.connect((vip(6), 53))
        one.send(b"hello")
        try:
            t.note(f"{host.name}: received", one.recv(100))
        except OSError as error:
            t.note(f"{host.name}: {error.strerror}")


def udp_socket(host, *address):
    """A UDP socket of IPv6."""
    one = host.socket(10, 2)
    if address:
        one.bind(address)
    return one


@scenario
def the_ipv6_path_of_a_server_narrows(t):
    """A router between the director and the client says how much it takes; the server's kernel believes it."""
    lab = Dual()
    lab.director.ipvs(f"-A -u {end(vip(6), 53)} -s rr", f"-a -u {end(vip(6), 53)} -r {end(server(6), 5353)} -m")
    lab.director.ip("link set c0 mtu 1300")
    one, far = udp_socket(lab.client, "::", 2000), udp_socket(lab.servers[0], "::", 5353)
    one.sendto(b"question", (vip(6), 53))
    _, peer = far.recvfrom(100)
    far.sendto(bytes(1400), peer)

    def narrowed():
        return "mtu 1300" in lab.servers[0].run("ip", "-6", "route", "get", peer[0])
    wait_until(narrowed, what="the server's path to the client got narrow")
    check(narrowed(), "the path")
    t.note("narrowed")
