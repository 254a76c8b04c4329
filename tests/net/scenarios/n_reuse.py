# SPDX-License-Identifier: GPL-2.0
"""Connections that give way: to a new one of the same client port, or because their server is gone."""

import time

from lab import CLIENT, VIP, remove_all, server_address
from packets import ACK, FIN, RST, SYN, tcp, udp
from scenario import check, equal, scenario
from views import connection_states, connections, table, wait_until
from wire import Wires, lines

WEB = f"-t {VIP}:80"
DNS = f"-u {VIP}:53"
IN, OUT = "in", "out"
OPEN = [(IN, SYN), (OUT, SYN | ACK), (IN, ACK), (OUT, ACK)]
# What leads to each state; through NAT the director sees both sides, with direct routing only the client's.
PATHS = {"-m": {"SYN_RECV": [(IN, SYN)], "ESTABLISHED": OPEN, "FIN_WAIT": OPEN + [(OUT, FIN | ACK)],
                "CLOSE_WAIT": OPEN + [(IN, FIN | ACK)], "TIME_WAIT": OPEN + [(IN, FIN | ACK), (OUT, FIN | ACK)],
                "CLOSE": OPEN + [(IN, RST)]},
         "-g": {"SYN_RECV": [(IN, SYN)], "ESTABLISHED": [(IN, SYN), (IN, ACK)],
                "FIN_WAIT": [(IN, SYN), (IN, ACK), (IN, FIN | ACK)], "TIME_WAIT": [(IN, SYN), (IN, FIN | ACK)],
                "CLOSE": [(IN, SYN), (IN, ACK), (IN, RST)]}}


def server(number, port=80):
    return f"{server_address(number)}:{port}"


def syn(port):
    return tcp(CLIENT, port, VIP, 80, SYN)


def ack(port):
    return tcp(CLIENT, port, VIP, 80, ACK)


def request(port):
    return udp(CLIENT, port, VIP, 53, b"hello")


def tcp_lab(method="-m", flags=""):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {WEB} -s rr {flags}", *(f"-a {WEB} -r {server(number)} {method}" for number in lab.numbers))
    return lab


def bring(lab, port, path):
    """Brings a new connection into a state; returns the number of its server."""
    number = lab.chosen(tcp(CLIENT, port, VIP, 80, path[0][1]))[0]
    for direction, flags in path[1:]:
        if direction == IN:
            lab.client_sends(tcp(CLIENT, port, VIP, 80, flags))
        else:
            lab.server_sends(tcp(server_address(number), 80, CLIENT, port, flags), number=number)
    return number


def only_state(lab, port):
    """The state of the connection of a port, once the one that gave way to it has left the table."""
    def look():
        rows = [row for row in connections(lab.director) if int(row.split()[2], 16) == port]
        return len(rows) == 1 and connection_states(lab.director)[port]
    return wait_until(look, what="one connection of the port")


@scenario
def a_used_port_opens_a_new_connection_as_conn_reuse_mode_says(t):
    for method, paths in PATHS.items():
        lab = tcp_lab(method)
        port = 2000
        for mode in (1, 0, 2, 3):
            lab.director.ipvs_sysctl("conn_reuse_mode", mode)
            for state, path in paths.items():
                port += 1
                first = bring(lab, port, path)
                equal(only_state(lab, port)[0], state, "the state that the path leads to")
                second = lab.chosen(syn(port))[0]
                t.note(f"{method} mode {mode} {state}: {'another' if first != second else 'the same'} server, "
                       f"then {only_state(lab, port)}")
        t.block("table", table(lab.director))
        remove_all()


@scenario
def only_a_syn_opens_a_new_connection_on_a_used_port(t):
    lab = tcp_lab()
    for number, (name, flags) in enumerate((("ACK", ACK), ("RST", RST), ("FIN", FIN), ("SYN+ACK", SYN | ACK),
                                            ("SYN+RST", SYN | RST), ("SYN+FIN", SYN | FIN))):
        for state in ("TIME_WAIT", "CLOSE"):
            port = 2000 + number * 2 + (state == "CLOSE")
            first = bring(lab, port, PATHS["-m"][state])
            second = lab.chosen(tcp(CLIENT, port, VIP, 80, flags))[0]
            t.note(f"{name} in {state}: {'another' if first != second else 'the same'} server of {first}, {second}")
    time.sleep(0.1)
    t.block("connections", connections(lab.director))


@scenario
def udp_connections_never_give_way_to_a_packet(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s rr", *(f"-a {DNS} -r {server(number, 53)} -m" for number in lab.numbers))
    lab.director.ipvs_sysctl("conn_reuse_mode", 3)
    t.note(lab.chosen(request(2000), request(2000), request(2001), request(2000)))


@scenario
def expire_nodest_conn_opens_a_new_connection_when_the_server_is_quiesced(t):
    lab = tcp_lab()
    for mode in (0, 1):
        lab.director.ipvs_sysctl("expire_nodest_conn", mode)
        base = 2000 + 100 * mode
        lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -w 1")
        first = [bring(lab, base + step, OPEN) for step in range(2)]
        lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -w 0")
        t.note(f"mode {mode}, from servers {first}: ACK goes to", lab.chosen(ack(base), ack(base + 1)),
               "and SYN to", lab.chosen(syn(base), syn(base + 1)))
    time.sleep(0.1)
    t.block("connections", connections(lab.director))
    t.block("table", table(lab.director))


@scenario
def packets_to_a_deleted_server_end_its_connections_if_expire_nodest_conn_says_so(t):
    lab = tcp_lab()
    lab.director.ipvs(f"-A {DNS} -s rr", *(f"-a {DNS} -r {server(number, 53)} -m" for number in lab.numbers))
    victims = [port for port in range(2000, 2004) if bring(lab, port, OPEN) == 1]
    victims_udp = [port for port in range(2000, 2004) if lab.chosen(request(port)) == [1]]
    lab.director.ipvs(f"-d {WEB} -r {server(1)}", f"-d {DNS} -r {server(1, 53)}")
    t.note("0: SYN", lab.chosen(syn(victims[0])), "ACK", lab.chosen(ack(victims[1])),
           "datagram", lab.chosen(request(victims_udp[0])))
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    t.block("1: SYN", lines(lab.client_sends(syn(victims[0]))))
    t.block("ACK", lines(lab.client_sends(ack(victims[1]))))
    t.block("datagram", lines(lab.client_sends(request(victims_udp[0]))))
    time.sleep(0.1)
    t.block("connections", connections(lab.director))
    t.block("table", table(lab.director))


@scenario
def expire_nodest_conn_forgets_connections_of_every_deleted_server_at_once(t):
    lab = tcp_lab()
    lab.director.ipvs(f"-A {DNS} -s rr", *(f"-a {DNS} -r {server(number, 53)} -m" for number in lab.numbers))
    order = lab.chosen(*(syn(port) for port in range(2000, 2006)), *(request(port) for port in range(2000, 2004)))
    lab.director.ipvs(f"-d {WEB} -r {server(1)}")
    time.sleep(0.5)
    t.note("before it is set:", order, "and after a server is deleted", len(connections(lab.director)))
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs(f"-d {DNS} -r {server(2, 53)}")
    wait_until(lambda: len(connections(lab.director)) == 5, what="the end of the connections of both deleted servers")
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-D {DNS}")
    time.sleep(0.5)
    t.block("after a service is deleted", connections(lab.director))
    lab.director.ipvs("-C")
    time.sleep(0.5)
    t.block("after all are deleted", connections(lab.director))


@scenario
def a_connection_that_gives_way_is_counted_once(t):
    lab = tcp_lab()
    lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -x 1", f"-e {WEB} -r {server(2)} -m -w 0")
    lab.chosen(syn(2000))
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, RST))
    number = bring(lab, 2001, [(IN, SYN)]) if lab.chosen(syn(2001)) != [0] else 0
    t.note("a second connection while the first one fills the server:", number)
    check(number == 0, "the threshold of 1 was not kept")
    t.block("table", table(lab.director))
