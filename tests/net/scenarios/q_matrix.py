# SPDX-License-Identifier: GPL-2.0
"""Every forwarding method with every version of IP inside and outside, TCP and UDP: what the director makes of requests,
replies and packets that are too large, packet by packet."""

import socket

from dissect import fragments6, tcp, udp
from dual import GUE_PORT, VERSIONS, DualWires, client, end, gateway, server, vip
from packets import ACK, DF, SYN, fragments
from scenario import check, scenario
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
    lab.director.ipvs(f"-A -u {virtual} -s rr", f"-a -u {virtual} -r {target} {options}",
                      f"-A -t {virtual} -s rr", f"-a -t {virtual} -r {target} {options}")


def requests(inner, title, **options):
    """A datagram, and a segment that opens a connection."""
    ends = client(inner), 2000, vip(inner), 53
    return [(f"UDP {title}", udp(*ends, b"question", **options)), (f"TCP {title}", tcp(*ends, SYN, **options))]


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
    reply_ends = (server(inner) if nat else vip(inner)), 53, client(inner), 2000
    for kind, packet in (("UDP", udp(*reply_ends, b"answer")), ("TCP", tcp(*reply_ends, SYN | ACK))):
        show(t, lab, [(f"{kind} reply", packet)], lab.server_sends)
    large(t, lab, inner)
    t.block("connections", sorted(" ".join(row.split()[:8])
                                  for row in lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]))


def large(t, lab, inner):
    """Around what fits, in small steps and beyond: the largest size that passes shows the overhead."""
    ends = client(inner), 2000, vip(inner), 53
    header = 28 if inner == 4 else 48
    for size in (1280, MTU - 76, MTU - 60, MTU - 48, MTU - 40, MTU - 20, MTU, MTU + 60):
        payload = bytes(index % 251 for index in range(size - header))
        variants = [("with DF", {"fragment": DF}), ("", {})] if inner == 4 else [("", {})]
        for name, options in variants:
            show(t, lab, [(f"UDP {size} bytes {name}".strip(), udp(*ends, payload, **options))], lab.client_sends)
    segment = bytes(MTU)
    options = {"fragment": DF} if inner == 4 else {}
    show(t, lab, [("TCP too large", tcp(*ends, ACK, segment, **options))], lab.client_sends)
    cut, whole = (fragments, fragments6)[inner == 6], udp(*ends, bytes(3000))
    for size in (1200, 504):
        show(t, lab, [(f"UDP in fragments of {size}", list(cut(whole, size)))], lab.client_sends)


def cell(inner, outer, method):
    def one(t):
        lab = DualWires()
        lab.director.ip(f"link set s1 mtu {MTU}")
        configure(lab, inner, outer, METHODS[method])
        pass_through(t, lab, inner, method == "nat")
    one.__name__ = f"{method}_of_ipv{inner}" + (f"_in_ipv{outer}" if method in TUNNELS else "")
    one.__module__ = __name__
    scenario(one)


for inside in VERSIONS:
    for way in METHODS:
        for outside in VERSIONS if way in TUNNELS else (inside,):
            cell(inside, outside, way)


def local_cell(inner, options):
    def one(t):
        lab = DualWires()
        configure(lab, inner, inner, options, to=gateway(inner))
        kind = socket.AF_INET if inner == 4 else socket.AF_INET6
        datagrams = lab.director.socket(kind, socket.SOCK_DGRAM)
        datagrams.bind((vip(inner), 53))
        listener = lab.director.socket(kind, socket.SOCK_STREAM)
        listener.bind((vip(inner), 53))
        listener.listen(1)
        show(t, lab, requests(inner, "request")[:1 if inner == 6 else 2], lab.client_sends)
        data, peer = datagrams.recvfrom(100)
        t.note("the director got", data, "from", peer[:2])
        datagrams.sendto(b"answer", peer)
        t.block("answer", lines(lab.collect()))
        show(t, lab, requests(inner, "ttl 1", ttl=1)[:1], lab.client_sends)
        t.note("the director got", datagrams.recvfrom(100)[0])
        listener.close()
        datagrams.close()
    one.__name__ = f"local_server_of_ipv{inner}_by_{'dr' if options == '-g' else 'tunnel'}"
    one.__module__ = __name__
    scenario(one)


for inside in VERSIONS:
    for words in ("-g", "-i"):
        local_cell(inside, words)
