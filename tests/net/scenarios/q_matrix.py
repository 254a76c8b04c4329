# SPDX-License-Identifier: GPL-2.0
"""The matrix: every forwarding method with every version of IP inside and outside, TCP, UDP and SCTP: what the director
makes of requests, replies, ICMP errors, fragments and packets that are too large, packet by packet. Servers on the director
itself are in q_matrix_local.py."""

import sctp as chunks
from dissect import fragments6, sctp, tcp, udp, unreachable
from dual import GUE_PORT, VERSIONS, DualWires, client, end, server, vip
from packets import ACK, DF, SYN, fragments
from scenario import SCENARIOS, check, scenario
from wire import lines

TUNNELS = {"ipip": "-i", "gue": f"-i --tun-type gue --tun-port {GUE_PORT}",
           "gue_csum": f"-i --tun-type gue --tun-port {GUE_PORT} --tun-csum",
           "gue_remcsum": f"-i --tun-type gue --tun-port {GUE_PORT} --tun-remcsum",
           "gre": "-i --tun-type gre", "gre_csum": "-i --tun-type gre --tun-csum"}
METHODS = {"nat": "-m", "dr": "-g", **TUNNELS}
# What tells differently made packets apart: services differentiated, congestion notified.
SERVICES = (0, 0xB8, 0xB9, 0xBB)
MTU = 1400


def configure(lab, inner, outer, options, port=53, to=None):
    target = end(to or server(outer), port)
    virtual = end(vip(inner), port)
    for flag in ("-u", "-t", "--sctp-service"):
        lab.director.ipvs(f"-A {flag} {virtual} -s rr", f"-a {flag} {virtual} -r {target} {options}")


def requests(inner, title, **options):
    """A datagram, a segment that opens a connection, and a chunk that does."""
    return each(title, (client(inner), 2000, vip(inner), 53), b"question", SYN, chunks.INIT, **options)


def each(title, ends, data, flags, chunk, **options):
    """A packet of each protocol."""
    return [(f"UDP {title}", udp(*ends, data, **options)), (f"TCP {title}", tcp(*ends, flags, **options)),
            (f"SCTP {title}", sctp(*ends, chunk, **options))]


def show(t, lab, packets_with_titles, send):
    for title, packet in packets_with_titles:
        seen = send(*packet) if isinstance(packet, list) else send(packet)
        t.block(title, lines(seen))
        check(not any("BAD" in words or "LENGTH" in words for _, words in seen), f"{title}: {seen}")


def pass_through(t, lab, inner, nat):
    """All that a cell of the matrix is about."""
    ask = lab.client_sends
    plain = requests(inner, "request")
    show(t, lab, plain, ask)
    show(t, lab, requests(inner, "again"), ask)
    for tos in SERVICES[1:]:
        show(t, lab, requests(inner, f"tos {tos:#x}", tos=tos)[:1], ask)
    for ttl in (2, 1):
        show(t, lab, requests(inner, f"ttl {ttl}", ttl=ttl), ask)
    if inner == 4:
        show(t, lab, requests(inner, "DF", fragment=DF), ask)
    there = server(inner) if nat else vip(inner)
    show(t, lab, each("reply", (there, 53, client(inner), 2000), b"answer", SYN | ACK, chunks.INIT_ACK), lab.server_sends)
    errors(t, lab, inner, there)
    large(t, lab, inner)
    t.block("connections", sorted(" ".join(row.split()[:8])
                                  for row in lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]))


def errors(t, lab, inner, there):
    """ICMP errors of the client about replies, and of the server about requests that reached it at `there`."""
    replies = each("error to the server", (vip(inner), 53, client(inner), 2000), b"answer", ACK, chunks.DATA)
    show(t, lab, [(title, unreachable(client(inner), vip(inner), packet)) for title, packet in replies], lab.client_sends)
    asked = each("error to the client", (client(inner), 2000, there, 53), b"question", ACK, chunks.DATA)
    show(t, lab, [(title, unreachable(server(inner), client(inner), packet)) for title, packet in asked], lab.server_sends)


def large(t, lab, inner):
    """Around what fits, in small steps and beyond: the largest size that passes shows the overhead."""
    ends = client(inner), 2000, vip(inner), 53
    header = 28 if inner == 4 else 48
    for size in (1280, MTU - 76, MTU - 60, MTU - 48, MTU - 40, MTU - 20, MTU, MTU + 60):
        payload = bytes(index % 251 for index in range(size - header))
        variants = [("with DF", {"fragment": DF}), ("", {})] if inner == 4 else [("", {})]
        for name, options in variants:
            show(t, lab, [(f"UDP {size} bytes {name}".strip(), udp(*ends, payload, **options))], lab.client_sends)
    options = {"fragment": DF} if inner == 4 else {}
    show(t, lab, [("TCP too large", tcp(*ends, ACK, bytes(MTU), **options)),
                  ("SCTP too large", sctp(*ends, chunks.chunk(chunks.DATA, bytes(MTU)), **options))], lab.client_sends)
    cut, whole = (fragments, fragments6)[inner == 6], udp(*ends, bytes(3000))
    for size in (1200, 504):
        show(t, lab, [(f"UDP in fragments of {size}", list(cut(whole, size)))], lab.client_sends)


def cell(inner, outer, method):
    def one(t):
        lab = DualWires()
        lab.director.ip(f"link set s1 mtu {MTU}")
        configure(lab, inner, outer, METHODS[method])
        pass_through(t, lab, inner, method == "nat")
        if method in TUNNELS:
            errors = f"errors_about_{one.__name__}"
            elsewhere = any(errors == other.__name__ for other in SCENARIOS)
            t.note("ICMP errors of routers between director and server:", errors if elsewhere else "not run")
    one.__name__ = f"{method}_of_ipv{inner}" + (f"_in_ipv{outer}" if method in TUNNELS else "")
    one.__module__ = __name__
    scenario(one)


for inside in VERSIONS:
    for way in METHODS:
        for outside in VERSIONS if way in TUNNELS else (inside,):
            cell(inside, outside, way)
