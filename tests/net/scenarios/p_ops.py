# SPDX-License-Identifier: GPL-2.0
"""One-packet scheduling: each datagram goes to a server of its own choice, and nothing is remembered."""

from lab import CLIENT, VIP, Topology, server_address
from packets import SYN, UNREACHABLE, fragments, icmp, tcp, udp
from scenario import check, equal, scenario
from traffic import reached
from views import connections, listing, table
from wire import Wires, lines

DNS = f"{VIP}:53"
SERVERS = [server_address(1), server_address(2)]


def wires(flag="-m", scheduler="rr", options="-o", port=5353):
    lab = Wires(servers=2)
    port = port if flag == "-m" else 53
    lab.director.ipvs(f"-A -u {DNS} -s {scheduler} {options}",
                      *(f"-a -u {DNS} -r {server}:{port} {flag}" for server in SERVERS))
    return lab


def request(sport=2000, payload=b"question", **options):
    return udp(CLIENT, sport, VIP, 53, payload, **options)


def each_packet(t, flag):
    lab = wires(flag)
    t.note("servers of one client port:", lab.chosen(*(request() for _ in range(5))))
    t.block("a request", lines(lab.client_sends(request())))
    t.block("without a checksum", lines(lab.client_sends(request(zero_checksum=True))))
    t.block("with ttl 1", lines(lab.client_sends(request(ttl=1))))
    t.block("in fragments", lines(lab.client_sends(*fragments(request(payload=bytes(3000)), 1480))))
    equal(connections(lab.director), [], "connections")
    t.block("table", table(lab.director))
    t.block("listing", listing(lab.director))
    for number, server in enumerate(SERVERS, 1):
        source, port = (server, 5353) if flag == "-m" else (server, 53)
        t.block(f"an answer of server {number}",
                lines(lab.server_sends(udp(source, port, CLIENT, 2000, b"answer"), number=number)))
    t.block("an error about an answer", lines(lab.client_sends(
        icmp(CLIENT, VIP, UNREACHABLE, 3, payload=udp(VIP, 53, CLIENT, 2000, b"answer")))))


@scenario
def one_packet_scheduling_through_nat(t):
    each_packet(t, "-m")


@scenario
def one_packet_scheduling_with_direct_routing(t):
    each_packet(t, "-g")


@scenario
def one_packet_scheduling_with_wlc(t):
    lab = wires(scheduler="wlc")
    t.note("servers of one client port:", lab.chosen(*(request() for _ in range(5))))


@scenario
def one_packet_scheduling_is_switched_on_and_off(t):
    lab = wires(options="")
    t.note("off:", lab.chosen(request(), request()))
    lab.director.ipvs(f"-E -u {DNS} -s rr -o")
    t.note("on, an old connection:", lab.chosen(request(), request()))
    t.note("on, new clients:", lab.chosen(request(2001), request(2001), request(2001)))
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-E -u {DNS} -s rr")
    t.note("off again:", lab.chosen(request(2002), request(2002)))
    t.block("connections", connections(lab.director))


@scenario
def one_packet_scheduling_and_limits(t):
    lab = wires()
    lab.director.ipvs_sysctl("conn_max", 1)
    t.note("one connection at a time:", lab.chosen(request(), request()))
    lab.director.ipvs_sysctl("conn_max", 0)
    t.note("none:", lab.chosen(request(), request()))
    lab.director.ipvs_sysctl("conn_max", 100)
    for server in SERVERS:
        lab.director.ipvs(f"-e -u {DNS} -r {server}:5353 -m -x 1 -y 0")
    t.note("an upper threshold of one:", lab.chosen(*(request() for _ in range(4))))
    for server in SERVERS:
        lab.director.ipvs(f"-e -u {DNS} -r {server}:5353 -m -w 0")
    t.block("no server", lines(lab.client_sends(request())))


@scenario
def one_packet_scheduling_is_for_datagrams_only(t):
    lab = Wires()
    lab.director.run("nft", "add table ip marks; add chain ip marks every { type filter hook prerouting priority raw; }; "
                     "add rule ip marks every meta mark set 7")
    lab.director.ipvs("-A -f 7 -s rr -o", f"-a -f 7 -r {SERVERS[0]} -m")
    t.block("a segment", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN))))
    t.block("a datagram", lines(lab.client_sends(udp(CLIENT, 2000, VIP, 80, b"question"))))
    t.block("connections", connections(lab.director))
    t.block("table", table(lab.director))


@scenario
def one_packet_scheduling_of_a_persistent_service(t):
    lab = wires(options="-o -p 300")
    t.note("servers of a client:", lab.chosen(*(request(port) for port in (2000, 2000, 2001))))
    t.block("connections", connections(lab.director))
    t.block("table", table(lab.director))


@scenario
def one_packet_scheduling_between_real_stacks(t):
    lab = Topology(servers=2)
    lab.director.ipvs(f"-A -u {DNS} -s rr -o", *(f"-a -u {DNS} -r {server}:5353 -m" for server in SERVERS))
    servers = [server.udp("", 5353) for server in lab.servers]
    for host in (lab.client, lab.director):
        one = host.udp("", 2000)
        order = []
        for _ in range(4):
            one.sendto(b"question", (VIP, 53))
            order.append(reached(servers) + 1)
            servers[order[-1] - 1].recvfrom(100)
        t.note(f"{host.name}: servers in turn", order)
        check(sorted(order) == [1, 1, 2, 2], f"{order} is not in turn")
        one.close()
    t.block("table", table(lab.director))
