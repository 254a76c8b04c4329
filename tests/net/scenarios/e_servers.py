# SPDX-License-Identifier: GPL-2.0
"""Real servers that come, go, fill up and are changed under traffic."""

from lab import CLIENT, VIP, server_address
from packets import ACK, SYN, tcp, udp
from scenario import check, equal, scenario
from views import connections, listing, table, wait_until
from wire import Wires, lines

WEB = f"-t {VIP}:80"
DNS = f"-u {VIP}:53"


def server(number, port=80):
    return f"{server_address(number)}:{port}"


def syn(port):
    return tcp(CLIENT, port, VIP, 80, SYN)


def request(port):
    return udp(CLIENT, port, VIP, 53, b"hello")


def tcp_lab(servers=2, scheduler="rr"):
    lab = Wires(servers=servers)
    lab.director.ipvs(f"-A {WEB} -s {scheduler}", *(f"-a {WEB} -r {server(number)} -m" for number in lab.numbers))
    return lab


def establish(lab, port, number):
    """Completes the handshake of a connection that a server has got."""
    lab.server_sends(tcp(server_address(number), 80, CLIENT, port, SYN | ACK), number=number)
    lab.client_sends(tcp(CLIENT, port, VIP, 80, ACK))
    lab.server_sends(tcp(server_address(number), 80, CLIENT, port, ACK), number=number)


@scenario
def rr_goes_round_whatever_the_weights(t):
    lab = tcp_lab(servers=3)
    lab.director.ipvs(f"-e {WEB} -r {server(2)} -m -w 7")
    order = lab.chosen(*(syn(port) for port in range(2000, 2009)))
    equal(sorted(order), [1, 1, 1, 2, 2, 2, 3, 3, 3], "connections per server")
    t.note("servers:", order)
    lab.director.ipvs(f"-d {WEB} -r {server(2)}")
    t.note("without the second:", lab.chosen(*(syn(port) for port in range(2100, 2104))))
    lab.director.ipvs(f"-a {WEB} -r {server(2)} -m")
    t.note("with it again:", lab.chosen(*(syn(port) for port in range(2200, 2206))))
    t.block("table", table(lab.director))


@scenario
def rr_keeps_its_place_when_its_server_is_deleted(t):
    lab = tcp_lab(servers=3)
    for victim in (1, 2, 3):
        for steps in range(3):
            base = 3000 + victim * 100 + steps * 10
            before = lab.chosen(*(syn(base + number) for number in range(steps)))
            lab.director.ipvs(f"-d {WEB} -r {server(victim)}")
            after = lab.chosen(*(syn(base + 5 + number) for number in range(3)))
            lab.director.ipvs(f"-a {WEB} -r {server(victim)} -m")
            t.note(f"{before}, without {victim}: {after}")


@scenario
def wlc_follows_weights_and_active_connections(t):
    lab = tcp_lab(servers=3, scheduler="wlc")
    lab.director.ipvs(f"-e {WEB} -r {server(2)} -m -w 3")
    order = []
    for port in range(2000, 2020):
        order += lab.chosen(syn(port))
        if port % 3:
            establish(lab, port, order[-1])
    t.note("servers:", order)
    check(order.count(2) > order.count(1) and order.count(2) > order.count(3), "the weight of 3 attracts nothing")
    t.block("table", table(lab.director))
    lab.director.ipvs(f"-e {WEB} -r {server(2)} -m -w 0", f"-e {WEB} -r {server(3)} -m -w 100")
    t.note("weights 1, 0 and 100:", lab.chosen(*(syn(port) for port in range(2100, 2106))))


@scenario
def wlc_with_udp_counts_inactive_connections(t):
    lab = Wires(servers=3)
    lab.director.ipvs(f"-A {DNS} -s wlc", *(f"-a {DNS} -r {server(number, 53)} -m -w {number}" for number in (1, 2, 3)))
    t.note("servers:", lab.chosen(*(request(port) for port in range(2000, 2018))))
    t.block("table", table(lab.director))


@scenario
def a_quiesced_server_keeps_its_connections_only(t):
    lab = tcp_lab()
    first = lab.chosen(syn(2000), syn(2001))
    lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -w 0")
    t.note("old connections go to", lab.chosen(syn(2000), syn(2001)), "as before", first)
    order = lab.chosen(*(syn(port) for port in range(2100, 2104)))
    equal(order, [2, 2, 2, 2], "servers of new connections")
    t.block("table", table(lab.director))
    lab.director.ipvs(f"-e {WEB} -r {server(2)} -m -w 0")
    t.block("all quiesced, a new connection", lines(lab.client_sends(syn(2200))))
    lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -w 2")
    t.note("one of them back:", lab.chosen(syn(2300)))


@scenario
def no_destination_is_answered_by_port_unreachable(t):
    lab = Wires()
    lab.director.ipvs(f"-A {WEB} -s rr", f"-A {DNS} -s wlc")
    t.block("segment", lines(lab.client_sends(syn(2000))))
    t.block("datagram", lines(lab.client_sends(request(2000))))
    equal(connections(lab.director), [], "connections")
    t.block("table", table(lab.director))


@scenario
def thresholds_overload_a_server_and_release_it(t):
    lab = Wires(servers=2)
    ports = []

    def chosen(count):
        new = range(2000 + len(ports), 2000 + len(ports) + count)
        ports.extend(new)
        return lab.chosen(*(request(port) for port in new))

    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1, 53)} -m -x 4 -y 2", f"-a {DNS} -r {server(2, 53)} -m")
    t.note("servers with a limit of 4 on the first:", chosen(12))
    t.block("table", table(lab.director))
    t.block("thresholds", listing(lab.director, "--thresholds"))
    lab.director.ipvs(f"-e {DNS} -r {server(1, 53)} -m -x 6")
    t.note("with a limit of 6:", chosen(8))
    lab.director.ipvs(f"-e {DNS} -r {server(1, 53)} -m -x 0")
    t.note("without a limit:", chosen(4))
    lab.director.ipvs(f"-e {DNS} -r {server(1, 53)} -m -x 2 -y 1")
    t.note("with a limit below what it has:", chosen(4))
    lab.director.ipvs("--set 0 0 1")
    lab.client_sends(*(request(port) for port in ports))
    wait_until(lambda: not connections(lab.director), 12, "the end of all connections")
    lab.director.ipvs("--set 0 0 300")
    t.note("after all have expired:", chosen(6))
    lab.director.ipvs(f"-e {DNS} -r {server(2, 53)} -m -x 1")
    t.block("all overloaded", lines(lab.client_sends(request(2500), request(2501))))


@scenario
def a_deleted_server_drops_and_a_revived_one_goes_on(t):
    lab = tcp_lab(servers=1)
    lab.chosen(syn(2000))
    establish(lab, 2000, 1)
    t.block("before", table(lab.director) + connections(lab.director))
    lab.director.ipvs(f"-d {WEB} -r {server(1)}")
    t.block("segment to the deleted server", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))))
    t.block("answer of the deleted server", lines(lab.server_sends(tcp(server_address(1), 80, CLIENT, 2000, ACK))))
    t.block("meanwhile", table(lab.director) + connections(lab.director))
    lab.director.ipvs(f"-a {WEB} -r {server(1)} -m -w 5")
    t.block("segment to the revived server", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))))
    t.block("after", table(lab.director) + connections(lab.director))


@scenario
def expire_nodest_conn_forgets_connections_of_deleted_servers(t):
    lab = tcp_lab()
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    order = lab.chosen(syn(2000), syn(2001))
    lab.director.ipvs(f"-d {WEB} -r {server(1)}")
    wait_until(lambda: len(connections(lab.director)) == 1, what="the end of the connections of a deleted server")
    t.note(order, "then", lab.chosen(syn(2000), syn(2001)))
    t.block("connections", connections(lab.director))


@scenario
def a_deleted_service_leaves_its_connections_behind(t):
    lab = tcp_lab()
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1, 53)} -m")
    lab.chosen(syn(2000), syn(2001))
    lab.director.ipvs(f"-D {WEB}")
    t.block("segment of an old connection", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))))
    t.block("new connection", lines(lab.client_sends(syn(2100))))
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-A {WEB} -s wlc", *(f"-a {WEB} -r {server(number)} -m" for number in lab.numbers))
    t.block("segment after the service is back", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))))
    t.block("table", table(lab.director))


@scenario
def a_service_changes_its_scheduler_under_traffic(t):
    lab = tcp_lab(servers=3)
    t.note("rr:", lab.chosen(*(syn(port) for port in range(2000, 2004))))
    lab.director.ipvs(f"-E {WEB} -s wlc")
    t.note("wlc:", lab.chosen(*(syn(port) for port in range(2100, 2108))))
    lab.director.ipvs(f"-E {WEB} -s rr")
    t.note("rr:", lab.chosen(*(syn(port) for port in range(2200, 2204))))
    t.note("old connection:", lab.chosen(syn(2000)))
    t.block("table", table(lab.director))


@scenario
def the_same_server_with_other_ports_is_another_server(t):
    lab = Wires()
    lab.director.ipvs(f"-A {WEB} -s rr", *(f"-a {WEB} -r {server(1, port)} -m" for port in (81, 82, 83)))
    for port in range(2000, 2004):
        t.block(f"connection {port}", lines(lab.client_sends(syn(port))))
    t.block("table", table(lab.director))
    t.block("connections", connections(lab.director))
