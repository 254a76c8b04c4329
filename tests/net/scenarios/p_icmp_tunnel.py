# SPDX-License-Identifier: GPL-2.0
"""Errors from the way of a tunnel to its server: they are about packets of the director, and concern the client."""

import struct

from dissect import GRE, IPIP, IPV6, fragments6, ipv6, pseudo, tcp, udp
from dual import GUE_PORT, client, gateway
from errors import FAR_SERVER, TIME_EXCEEDED, TOO_BIG, UNREACHABLE_HOST, UNREACHABLE_PORT, Case, icmp, known, mtu, \
    spoiled, statistics
from packets import DF, SYN, TCP, UDP, checksum, fragments, ipv4
from scenario import check, equal, scenario
from wire import lines

TUNNELS = {"ipip": "-i", "gue": f"-i --tun-type gue --tun-port {GUE_PORT}",
           "gue_csum": f"-i --tun-type gue --tun-port {GUE_PORT} --tun-csum",
           "gue_remcsum": f"-i --tun-type gue --tun-port {GUE_PORT} --tun-remcsum",
           "gre": "-i --tun-type gre", "gre_csum": "-i --tun-type gre --tun-csum"}


def gue(source, target, inner, *, port=GUE_PORT, first=0, protocol=None, flags=0, options=b"", total=0):
    """UDP and GUE headers before a packet."""
    protocol = (IPIP if inner[0] >> 4 == 4 else IPV6) if protocol is None else protocol
    data = struct.pack("!BBH", first | len(options) // 4, protocol, flags) + options + inner
    header = struct.pack("!HHHH", 40000, port, 8 + len(data), 0)
    if total:
        total = checksum(pseudo(source, target, UDP, 8 + len(data)) + header + data)
    return header[:6] + struct.pack("!H", total) + data


def gre(inner, *, flags=0, kind=None, fields=b""):
    """A GRE header before a packet."""
    kind = (0x0800 if inner[0] >> 4 == 4 else 0x86DD) if kind is None else kind
    return struct.pack("!HH", flags, kind) + fields + inner


class Tunnel(Case):
    """A service whose server is behind a tunnel."""

    def __init__(self, method, *, inner=4, outer=4, protocol=UDP, **options):
        super().__init__(inner, protocol, TUNNELS[method], outer=outer, **options)
        self.method, self.outer = method, outer
        self.near = gateway(outer)

    def question(self, **options):
        """A packet of the client on its way to the server."""
        return self.between(self.client, 2000, self.vip, self.port, ttl=63, **options)

    def body(self, inner, **lies):
        if self.method.startswith("gue"):
            if self.method == "gue_remcsum" and not lies:
                # Private flags follow; one of them says that the checksum starts here and lies there.
                start = 20 if inner[0] >> 4 == 4 else 40
                lies = {"flags": 1, "options": struct.pack("!IHH", 1 << 31, start, start + 6)}
            return UDP, gue(self.near, self.server, inner, total=self.method == "gue_csum", **lies)
        if self.method.startswith("gre"):
            if self.method == "gre_csum" and not lies:
                lies = {"flags": 0x8000, "fields": b"\1\2\0\0"}
            return GRE, gre(inner, **lies)
        return (IPIP if inner[0] >> 4 == 4 else IPV6), inner

    def wrapped(self, inner=None, *, target=None, source=None, fragment=0, **lies):
        """The director's packet."""
        protocol, body = self.body(self.question() if inner is None else inner, **lies)
        source, target = source or self.near, target or self.server
        if self.outer == 4:
            return ipv4(source, target, protocol, body, ttl=60, fragment=fragment)
        return ipv6(source, target, protocol, body, hops=60)

    def error(self, kind, code, about=None, *, rest=b"\0\0\0\0", source=None, target=None, **options):
        """An error of a router about it."""
        return icmp(source or FAR_SERVER[self.outer], target or self.near, kind, code, rest,
                    self.wrapped() if about is None else about, **options)

    def too_big(self, size, about=None, **options):
        return self.error(*TOO_BIG[self.outer], about, rest=mtu(size), **options)

    def show(self, t, title, *some):
        t.block(title, lines(self.lab.server_sends(*some)))

    def narrowest(self):
        """What the director takes for the largest packet on the way to the server, if it is a special one."""
        words = self.lab.director.run("ip", *(["-6"] if self.outer == 6 else []), "route", "get", self.server).split()
        return int(words[words.index("mtu") + 1]) if "mtu" in words else None

    def path(self, t):
        t.note("path:", self.narrowest())


def errors(t, method, inner, outer, protocol=UDP):
    case = Tunnel(method, inner=inner, outer=outer, protocol=protocol)
    kinds = [UNREACHABLE_PORT, UNREACHABLE_HOST, TIME_EXCEEDED]
    for kind, code in [one[outer] for one in kinds] + ([(3, 0), (3, 13), (4, 0), (5, 1), (11, 1), (12, 0)] if outer == 4
                                                       else [(1, 0), (1, 1), (3, 1), (4, 1), (100, 0)]):
        case.show(t, f"{kind}/{code}", case.error(kind, code))
    fragment = {"fragment": DF} if inner == 4 else {}
    case.show(t, "too big for 1400", case.too_big(1400))
    case.path(t)
    # The C module looks for the new way with the next packet only.
    t.block("a request", lines(case.open()))
    case.show(t, "too big for 1300, DF inside", case.too_big(1300, case.wrapped(case.question(**fragment))))
    case.path(t)
    for size in (1300, 1281, 1272, 1260, 1240):
        packet = udp(case.client, 2000, case.vip, case.port, bytes(size - (28 if inner == 4 else 48)), **fragment)
        t.block(f"the client sends {size} bytes", lines(case.lab.client_sends(packet)))
    for size in (600, 100, 68, 20, 0, 65535):
        case.show(t, f"too big for {size}, DF inside", case.too_big(size, case.wrapped(case.question(**fragment))))
    t.block("connections", known(case.lab.director))
    t.block("statistics", statistics(case.lab.director))


def quoted(t, method, inner, outer):
    """How much of the packet must be there, and what must be true of it."""
    case = Tunnel(method, inner=inner, outer=outer)
    whole = case.wrapped()
    kind, code = UNREACHABLE_HOST[outer]
    before = len(whole) - len(case.question())
    header = 20 if inner == 4 else 40
    for size in (before - 1, before, before + 8, before + header - 1, before + header, before + header + 3,
                 before + header + 4, before + header + 8):
        case.show(t, f"{size - before} bytes of the client's packet", case.error(kind, code, whole[:size]))
    # A packet that is not the director's, or not of this connection.
    other = {4: "172.16.1.77", 6: "2001:db8:16:1::77"}[outer]
    for title, about in (("to somebody else", case.wrapped(target=other)), ("of somebody else", case.wrapped(source=other)),
                         ("of nobody's port", case.wrapped(udp(case.client, 2001, case.vip, 53))),
                         ("of another service", case.wrapped(udp(case.client, 2000, case.vip, 54))),
                         ("of another protocol", case.wrapped(tcp(case.client, 2000, case.vip, 53, SYN))),
                         ("of the server", case.wrapped(case.reply())),
                         ("with DF outside", case.wrapped(fragment=DF)), ("a first fragment", case.wrapped(fragment=0x2000)),
                         ("a later fragment", case.wrapped(fragment=5)),
                         ("an error inside", case.wrapped(icmp(case.client, case.vip, *UNREACHABLE_PORT[inner],
                                                               payload=case.reply())))):
        case.show(t, f"a packet {title}", case.error(kind, code, about))
    for at in (0, 9) if outer == 4 else (0, 6):
        case.show(t, f"a wrong byte {at}", case.error(kind, code, spoiled(whole, at)))
    for at in (0, 9) if inner == 4 else (0, 6):
        case.show(t, f"a wrong byte {at} inside", case.error(kind, code, spoiled(whole, before + at)))
    case.show(t, "a wrong checksum", case.error(kind, code)[:-1] + b"?")
    case.show(t, "of the server itself", case.error(kind, code, source=case.server))
    cut = fragments if outer == 4 else fragments6
    case.show(t, "in fragments", *cut(case.error(kind, code, case.wrapped(case.question() + bytes(1000))), 504))
    case.show(t, "to the virtual address", case.error(kind, code, target={4: "10.0.1.1", 6: "2001:db8:1::1"}[outer]))
    case.show(t, "to the client", case.error(kind, code, target=client(outer)))
    case.show(t, "with ttl 1", case.error(kind, code, **({"ttl": 1} if outer == 4 else {"hops": 1})))
    for name, lies in {"gue": (("another port", {"port": 1234}), ("version 1", {"first": 0x40}), ("control", {"first": 0x20}),
                               ("another protocol", {"protocol": 99}), ("flags", {"flags": 1}),
                               ("options", {"options": bytes(8)}), ("flags and options", {"flags": 1, "options": bytes(8)})),
                       "gre": (("a key", {"flags": 0x2000, "fields": bytes(4)}), ("a number", {"flags": 0x1000, "fields": bytes(4)}),
                               ("routing", {"flags": 0x4000}), ("version 1", {"flags": 1}), ("another protocol", {"kind": 0x6558}),
                               ("a checksum", {"flags": 0x8000, "fields": bytes(4)}))}.items():
        for title, lie in lies if method == name else ():
            case.show(t, title, case.error(kind, code, case.wrapped(**lie)))
    case.lab.director.ipvs(f"-e {case.virtual} -r {case.real()} -i" + (" --tun-type gre" if method == "ipip" else ""))
    case.show(t, "another tunnel by now", case.error(kind, code))
    case.lab.director.ipvs(f"-e {case.virtual} -r {case.real()} -g")
    case.show(t, "no tunnel by now", case.error(kind, code))
    case.lab.director.ipvs(f"-e {case.virtual} -r {case.real()} {TUNNELS[method]} -w 0")
    case.show(t, "quiesced by now", case.error(kind, code))
    case.lab.director.ipvs(f"-d {case.virtual} -r {case.real()}")
    case.show(t, "no server by now", case.error(kind, code))
    t.block("connections", known(case.lab.director))


def scheduled(t, method):
    """With schedule_icmp the error opens a connection that nobody knew."""
    case = Tunnel(method, opens=False)
    case.lab.director.ipvs_sysctl("schedule_icmp", 1)
    case.show(t, "an error", case.error(*UNREACHABLE_HOST[4]))
    t.block("connections", known(case.lab.director))


def without_pmtu_discovery(t, method):
    case = Tunnel(method)
    case.lab.director.ipvs_sysctl("pmtu_disc", 0)
    for fragment in (0, DF):
        case.show(t, f"flags {fragment:#x}", case.too_big(1300, case.wrapped(case.question(fragment=fragment))))
        t.block("a request", lines(case.open()))
    case.path(t)


@scenario
def the_first_error_about_a_tunnel_tells_the_new_size(t):
    case = Tunnel("ipip")
    case.show(t, "too big for 1400, DF inside", case.too_big(1400, case.wrapped(case.question(fragment=DF))))


def with_ipv6(t, method, inner, outer):
    """What the C module leaves to the director's own stack: one of the packets is of IPv6."""
    case = Tunnel(method, inner=inner, outer=outer)
    overhead = len(case.wrapped()) - len(case.question())
    protocol = "ICMP" if inner == 4 else "ICMPv6"
    least = 68 if inner == 4 else 1280
    fragment = {"fragment": DF} if inner == 4 else {}
    unreachable, too_big = ("type 3 code 1", "type 3 code 4") if inner == 4 else ("type 1 code 3", "type 2 code 0")

    def told(title, wanted, packet, size=0):
        """Checks that the client is told so, about its own packet and by the service, or nothing."""
        seen = case.lab.server_sends(packet)
        t.block(title, lines(seen))
        if wanted is None:
            equal(seen, [], title)
            return
        equal([name for name, _ in seen], ["client"], title)
        text = seen[0][1]
        for part in (f"{protocol} {case.vip} > {case.client} {wanted} csum-ok", "about [",
                     *([f" mtu {size} "] if size else [])):
            check(part in text, f"{title}: {text}")
    for name in (UNREACHABLE_PORT, UNREACHABLE_HOST, TIME_EXCEEDED):
        told(f"error {name[outer]}", unreachable, case.error(*name[outer]))
    told("a redirect, or an error that nobody knows", None, case.error(*((5, 1) if outer == 4 else (100, 0))))
    if inner == 4:
        told("too big for 1450, without DF inside", None, case.too_big(1450))
    for size in (1400, 1350):
        told(f"too big for {size}", too_big, case.too_big(size, case.wrapped(case.question(**fragment))),
             max(size - overhead, least))
        case.path(t)
        check(case.narrowest() == size, "the path of the director")
    packet = udp(case.client, 2000, case.vip, case.port, bytes(1300), **fragment)
    t.block("the client sends 1300 bytes and more", lines(case.lab.client_sends(packet)))
    told("a wrong checksum", None, case.error(*UNREACHABLE_HOST[outer])[:-1] + b"?")
    whole = case.wrapped()
    for size in range(0, len(whole) - len(case.question()) + (24 if inner == 4 else 44)):
        equal(case.lab.server_sends(case.error(*UNREACHABLE_HOST[outer], whole[:size])), [], f"{size} bytes quoted")
    told("just the ports", unreachable, case.error(*UNREACHABLE_HOST[outer], whole[:size + 1]))
    told("somebody else's port", None, case.error(*UNREACHABLE_HOST[outer],
                                                  case.wrapped(udp(case.client, 2001, case.vip, 53))))
    told("to somebody else", None, case.error(*UNREACHABLE_HOST[outer],
                                              case.wrapped(target={4: "172.16.1.77", 6: "2001:db8:16:1::77"}[outer])))
    cut = fragments if outer == 4 else fragments6
    large = case.error(*UNREACHABLE_HOST[outer], case.wrapped(case.question() + bytes(1000)))
    seen = case.lab.server_sends(*cut(large, 504))
    equal([name for name, _ in seen], ["client"], "an error in fragments")
    t.block("statistics", statistics(case.lab.director))


def cell(function, *arguments, name, **options):
    def one(t):
        function(t, *arguments)
    one.__name__, one.__module__ = name, __name__
    scenario(one, **options)


for way in TUNNELS:
    cell(errors, way, 4, 4, name=f"errors_about_{way}_of_ipv4_in_ipv4")
    cell(quoted, way, 4, 4, name=f"what_errors_about_{way}_of_ipv4_in_ipv4_quote")
for way in ("ipip", "gue", "gre"):
    cell(errors, way, 4, 4, TCP, name=f"errors_about_{way}_of_tcp")
    cell(scheduled, way, name=f"errors_about_{way}_open_connections")
    cell(without_pmtu_discovery, way, name=f"errors_about_{way}_without_pmtu_discovery")
for way in TUNNELS:
    for inside, outside in ((6, 4), (4, 6), (6, 6)):
        cell(with_ipv6, way, inside, outside, name=f"errors_about_{way}_of_ipv{inside}_in_ipv{outside}", rust_only=True)
