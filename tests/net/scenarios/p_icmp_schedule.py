# SPDX-License-Identifier: GPL-2.0
"""Errors about packets that no connection is known for: schedule_icmp lets them open one; and errors that the director
sends to servers whose replies nobody waits for: nat_icmp_send."""

from dissect import fragments6, ipv6, tcp, udp
from dual import DualWires, client, end, server, vip
from errors import FAR_CLIENT, TIME_EXCEEDED, TOO_BIG, Case, icmp, known, mtu, statistics
from packets import ACK, DF, FIN, RST, SYN, TCP, UDP, fragments, ipv4
from scenario import scenario
from sctp import ABORT, DATA, INIT, SCTP, segment
from wire import lines


def unknown(t, version, protocol, options, value=1):
    """Errors from either side about a conversation that nobody knows."""
    case = Case(version, protocol, options, opens=False)
    lab = case.lab
    lab.director.ipvs_sysctl("schedule_icmp", value)
    case.from_server(t, "first", case.from_server_side())
    t.block("connections", known(lab.director))
    case.from_client(t, "first", case.from_client_side())
    t.block("connections", known(lab.director))
    case.from_client(t, "again", case.from_client_side())
    case.from_server(t, "afterwards", case.from_server_side())
    t.block("a request of that client", lines(case.open()))
    kind, code = TOO_BIG[version]
    case.from_client(t, "too big", case.from_client_side(kind, code, rest=mtu(1300)))
    t.block("connections", known(lab.director))
    t.block("statistics", statistics(lab.director) if known(lab.director) else ["none"])


def register(function, *arguments, name):
    def one(t):
        function(t, *arguments)
    one.__name__, one.__module__ = name, __name__
    scenario(one)


for family in (4, 6):
    for kind_of in (UDP, TCP):
        for way, words in (("nat", "-m"), ("direct_routing", "-g"), ("tunnels", "-i")):
            register(unknown, family, kind_of, words,
                     name=f"icmp_errors_open_connections_of_ipv{family}_{'udp' if kind_of == UDP else 'tcp'}_with_{way}")
    register(unknown, family, UDP, "-m", 0, name=f"icmp_errors_open_no_connections_of_ipv{family}_by_default")


def details(t, version):
    """What an error must quote to open a connection."""
    case = Case(version, TCP, "-m", opens=False)
    lab = case.lab
    lab.director.ipvs_sysctl("schedule_icmp", 1)
    number = 3000

    def about(make, *arguments, cut=None, **options):
        nonlocal number
        number += 1
        return make(case.vip, 80, case.client, number, *arguments, **options)[:cut]
    header = 20 if version == 4 else 40

    def opened():
        """The connection of the last packet; the others may have ended: three seconds are soon over."""
        return [row for row in known(lab.director) if row.split()[2] == f"{number:04X}"] or ["none"]
    for title, *arguments in (("SYN", tcp, SYN), ("ACK", tcp, ACK), ("RST", tcp, RST), ("FIN", tcp, FIN | ACK),
                              ("SYN and ACK", tcp, SYN | ACK), ("a UDP datagram", udp, b"x")):
        case.from_client(t, title, case.from_client_side(about=about(*arguments)))
        t.block("connection", opened())
    for size in (0, 3, 4, 8, 12, 13, 19):
        case.from_client(t, f"{size} bytes", case.from_client_side(about=about(tcp, ACK, cut=header + size)))
        t.block("connection", opened())
        case.from_server(t, f"{size} bytes", case.from_server_side(about=case.request()[:header + size]))
    for fragment in (DF, 0x2000, 0x2005, 5) if version == 4 else ():
        quoted = about(tcp, ACK, fragment=fragment)
        case.from_client(t, f"flags {fragment:#x}", case.from_client_side(about=quoted))
    kind, code = TIME_EXCEEDED[version]
    case.from_client(t, "time exceeded", case.from_client_side(kind, code, about=about(tcp, ACK)))
    case.from_client(t, "of a router", case.from_client_side(source=FAR_CLIENT[version], about=about(tcp, ACK)))
    cut = fragments if version == 4 else fragments6
    case.from_client(t, "in fragments", *cut(case.from_client_side(about=about(tcp, ACK, bytes(2000))), 1200))
    lab.director.ipvs(f"-e {case.virtual} -r {case.real()} -m -w 0")
    case.from_client(t, "without a server", case.from_client_side(about=about(tcp, ACK)))
    lab.director.ipvs(f"-d {case.virtual} -r {case.real()}")
    case.from_client(t, "without any server", case.from_client_side(about=about(tcp, ACK)))
    t.block("connection", opened())


register(details, 4, name="what_icmp_errors_of_ipv4_must_quote_to_open_a_connection")
register(details, 6, name="what_icmp_errors_of_ipv6_must_quote_to_open_a_connection")


def persistent(t, version):
    case = Case(version, UDP, "-m", opens=False)
    lab = case.lab
    lab.director.ipvs_sysctl("schedule_icmp", 1)
    lab.director.ipvs(f"-E {case.virtual} -s rr -p 100")
    case.from_client(t, "an error", case.from_client_side())
    t.block("connections", known(lab.director))
    case.from_client(t, "another", case.from_client_side(about=udp(case.vip, 53, case.client, 2001, b"x")))
    t.block("a request of that client", lines(case.open()))
    t.block("connections", known(lab.director))
    lab.director.ipvs(f"-E {case.virtual} -s rr -o")
    case.from_client(t, "one packet", case.from_client_side(about=udp(case.vip, 53, case.client, 2002, b"x")))
    t.block("connections", known(lab.director))


register(persistent, 4, name="icmp_errors_open_persistent_connections_of_ipv4")
register(persistent, 6, name="icmp_errors_open_persistent_connections_of_ipv6")


def sctp_errors(t, version):
    lab = DualWires()
    virtual = end(vip(version), 80)
    lab.director.ipvs(f"-A --sctp-service {virtual} -s rr", f"-a --sctp-service {virtual} -r {end(server(version), 8080)} -m")
    lab.director.ipvs_sysctl("schedule_icmp", 1)
    make = ipv4 if version == 4 else ipv6
    for number, chunk in enumerate((INIT, DATA, ABORT)):
        about = make(vip(version), client(version), SCTP, segment(80, 2000 + number, chunk))
        for size in (len(about), len(about) - len(segment(80, 2000, chunk)) + 8):
            error = icmp(client(version), vip(version), *TIME_EXCEEDED[version], b"\0\0\0\0", about[:size])
            t.block(f"about chunk {chunk}, {size} bytes", lines(lab.client_sends(error)))
            t.note("connections:", sum(row.split()[2] == f"{2000 + number:04X}" for row in known(lab.director)))


register(sctp_errors, 4, name="icmp_errors_open_associations_of_ipv4")
register(sctp_errors, 6, name="icmp_errors_open_associations_of_ipv6")


def unasked(t, version, protocol, options="-m"):
    """Replies that belong to no connection."""
    case = Case(version, protocol, options)
    lab = case.lab
    ends = *((case.server, case.to_port) if case.nat else (case.vip, case.port)), case.client
    make = (lambda port, flags=ACK, **more: tcp(*ends, port, flags, **more)) if protocol == TCP else \
        (lambda port, flags=0, **more: udp(*ends, port, b"answer", **more))
    for value in (0, 1):
        lab.director.ipvs_sysctl("nat_icmp_send", value)
        t.note(f"nat_icmp_send {value}")
        t.block("to the client that asked", lines(lab.server_sends(make(2000))))
        t.block("to another port", lines(lab.server_sends(make(2001))))
        t.block("with ttl 1", lines(lab.server_sends(make(2001, ttl=1))))
        if protocol == TCP:
            for flags in (SYN, RST, RST | ACK, FIN | ACK):
                t.block(f"flags {flags:#x}", lines(lab.server_sends(make(2001, flags))))
        header = 20 if version == 4 else 40
        whole = make(2001)
        for size in (header + 4, header + 8, header + 12):
            cut = (ipv4 if version == 4 else ipv6)(case.server, case.client, whole[9 if version == 4 else 6], whole[header:size])
            t.block(f"cut at {size} bytes", lines(lab.server_sends(cut)))
        other = (case.server, case.to_port + 1, case.client, 2000)
        t.block("of another port", lines(lab.server_sends(tcp(*other, ACK) if protocol == TCP else udp(*other, b"x"))))
        large = udp(*ends, 2001, bytes(2000)) if protocol == UDP else tcp(*ends, 2001, ACK, bytes(2000))
        t.block("in fragments", lines(lab.server_sends(*(fragments if version == 4 else fragments6)(large, 1200))))
    lab.director.ipvs(f"-e {case.virtual} -r {case.real()} {options} -w 0")
    t.block("of a quiesced server", lines(lab.server_sends(make(2001))))
    lab.director.ipvs(f"-d {case.virtual} -r {case.real()}")
    t.block("of a deleted server", lines(lab.server_sends(make(2001))))
    t.block("connections", known(lab.director))


for family in (4, 6):
    for kind_of in (UDP, TCP):
        register(unasked, family, kind_of,
                 name=f"replies_that_nobody_waits_for_of_ipv{family}_{'udp' if kind_of == UDP else 'tcp'}")
    register(unasked, family, UDP, "-g", name=f"replies_that_nobody_waits_for_of_ipv{family}_with_direct_routing")
