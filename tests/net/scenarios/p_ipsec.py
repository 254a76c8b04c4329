# SPDX-License-Identifier: GPL-2.0
"""AH and ESP, which go where the key exchange of their client went."""

from dissect import ipv6, udp
from dual import DualWires, client, end, server, vip
from errors import TOO_BIG, UNREACHABLE_HOST, icmp, known, mtu, statistics
from packets import fragments, ipv4
from scenario import scenario
from views import wait_until
from wire import lines

ESP, AH, ISAKMP = 50, 51, 500
BODIES = {ESP: bytes(range(1, 33)), AH: bytes([59, 4]) + bytes(range(2, 24))}


def packet(source, target, protocol, body=None, ttl=64, **options):
    body = BODIES[protocol] if body is None else body
    if ":" in source:
        return ipv6(source, target, protocol, body, hops=ttl)
    return ipv4(source, target, protocol, body, ttl=ttl, **options)


def riding(t, version, flag):
    lab = DualWires(servers=2)
    here, service = client(version), vip(version)
    lab.director.ipvs(f"-A -u {end(service, ISAKMP)} -s rr -p 100",
                      *(f"-a -u {end(service, ISAKMP)} -r {end(server(version, number), ISAKMP)} {flag}"
                        for number in (1, 2)))
    nat = flag == "-m"

    def ask(title, *some):
        t.block(title, lines(lab.client_sends(*some)))
    for protocol in (ESP, AH):
        ask(f"protocol {protocol} without keys", packet(here, service, protocol))
    ask("a key exchange", udp(here, ISAKMP, service, ISAKMP, b"keys"))
    t.block("connections", known(lab.director))
    number = lab.chosen(udp(here, ISAKMP, service, ISAKMP, b"more"))[0]
    t.note("server", number)
    far = server(version, number) if nat else service
    for protocol in (ESP, AH):
        ask(f"protocol {protocol}", packet(here, service, protocol))
        t.block(f"protocol {protocol} of the server", lines(lab.server_sends(packet(far, here, protocol), number=number)))
        t.block(f"protocol {protocol} of the other server",
                lines(lab.server_sends(packet(server(version, 3 - number), here, protocol), number=3 - number)))
        for ttl in (1, 2):
            ask(f"protocol {protocol}, ttl {ttl}", packet(here, service, protocol, ttl=ttl))
        ask(f"protocol {protocol} to the director", packet(here, {4: "10.0.0.1", 6: "2001:db8::1"}[version], protocol))
        ask(f"protocol {protocol} without a payload", packet(here, service, protocol, b""))
        ask(f"protocol {protocol} of another client", packet({4: "10.0.0.3", 6: "2001:db8::3"}[version], service, protocol))
        if version == 4:
            ask(f"protocol {protocol} in fragments", *fragments(packet(here, service, protocol, bytes(400)), 208))
            ask(f"protocol {protocol} with options", packet(here, service, protocol, options=b"\1" * 4, words=6))
        about = packet(service, here, protocol)
        for kind, code in (UNREACHABLE_HOST[version], TOO_BIG[version]):
            ask(f"error {kind} about protocol {protocol}", icmp(here, service, kind, code, mtu(1300), about))
            back = icmp(server(version, number), here, kind, code, mtu(1300),
                        packet(here, server(version, number) if nat else service, protocol))
            t.block(f"error {kind} of the server about protocol {protocol}", lines(lab.server_sends(back, number=number)))
            ask(f"error {kind} about the head of protocol {protocol}",
                icmp(here, service, kind, code, mtu(1300), about[:20 if version == 4 else 40]))
    if version == 4:
        later = packet(service, here, ESP, fragment=5)
        ask("error about a later fragment", icmp(here, service, 3, 1, b"\0\0\0\0", later))
    t.block("connections", known(lab.director))
    t.block("statistics", statistics(lab.director))
    lab.director.ipvs(f"-d -u {end(service, ISAKMP)} -r {end(server(version, number), ISAKMP)}")
    ask("without the server", packet(here, service, ESP))
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    ask("and without its connections", packet(here, service, ESP))


def cell(version, flag, name):
    def one(t):
        riding(t, version, flag)
    one.__name__, one.__module__ = f"ah_and_esp_of_ipv{version}_with_{name}", __name__
    scenario(one)


for family in (4, 6):
    for words, way in (("-m", "nat"), ("-g", "direct_routing"), ("-i", "tunnels")):
        cell(family, words, way)


@scenario
def esp_prolongs_a_key_exchange(t):
    lab = DualWires()
    lab.director.ipvs(f"-A -u {end(vip(4), ISAKMP)} -s rr", f"-a -u {end(vip(4), ISAKMP)} -r {end(server(4), ISAKMP)} -m")
    lab.client_sends(udp(client(4), ISAKMP, vip(4), ISAKMP, b"keys"))

    def remaining():
        return int(lab.director.read("/proc/net/ip_vs_conn").splitlines()[1].split()[8])
    first = remaining()
    for title, send in (("the client", lambda: lab.client_sends(packet(client(4), vip(4), ESP))),
                        ("the server", lambda: lab.server_sends(packet(server(4), client(4), ESP)))):
        wait_until(lambda: remaining() <= first - 2, what="a tick of the timer")
        send()
        t.note(f"after ESP of {title}:", "anew" if remaining() >= first - 1 else "as before")
