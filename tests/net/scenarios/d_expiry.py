# SPDX-License-Identifier: GPL-2.0
"""Time-outs that can be set, and connections that really end."""

import time

from lab import CLIENT, VIP, server_address
from packets import ACK, FIN, SYN, tcp, udp
from scenario import check, equal, scenario
from views import connection_states, connections, listing, table, wait_until
from wire import Wires

SERVER = server_address(1)


def lab_with_services():
    lab = Wires()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:53 -m",
                      f"-A -t {VIP}:80 -s wlc", f"-a -t {VIP}:80 -r {SERVER}:80 -m")
    return lab


def request(port):
    return udp(CLIENT, port, VIP, 53, b"hello")


def seconds_until_gone(lab, limit):
    """How long it takes until the table of connections is empty."""
    start = time.monotonic()
    wait_until(lambda: not connections(lab.director), limit, "the end of all connections")
    return time.monotonic() - start


@scenario
def timeouts_are_shown_set_and_kept(t):
    lab = lab_with_services()
    t.block("at first", listing(lab.director, "--timeout"))
    for values in (("7", "8", "9"), ("0", "0", "10"), ("0", "11", "0"), ("2147483", "1", "1")):
        t.block(f"--set {' '.join(values)}", [lab.director.ipvsadm("--set", *values)])
        t.block("then", lab.director.ipvsadm("-L", "--timeout").splitlines())
    t.note("too large:", lab.director.ipvsadm("--set", "1", "2", "2147483647").strip())
    t.block("after an error", lab.director.ipvsadm("-L", "--timeout").splitlines())


@scenario
def udp_connections_expire_and_counters_return(t):
    lab = lab_with_services()
    lab.director.ipvsadm("--set", "0", "0", "2")
    lab.client_sends(request(2000), request(2001))
    t.block("with two connections", table(lab.director))
    took = seconds_until_gone(lab, 8)
    check(took > 1, f"connections of 2 s ended after {took:.1f} s")
    t.block("without connections", table(lab.director))
    t.note("a new connection after that:", lab.client_sends(request(2000)))


@scenario
def packets_in_both_directions_keep_a_connection(t):
    lab = lab_with_services()
    lab.director.ipvsadm("--set", "0", "0", "3")
    lab.client_sends(request(2000))
    for _ in range(4):
        time.sleep(1)
        lab.server_sends(udp(SERVER, 53, CLIENT, 2000, b"answer"))
    equal(len(connections(lab.director)), 1, "connections kept by answers")
    for _ in range(4):
        time.sleep(1)
        lab.client_sends(request(2000))
    equal(len(connections(lab.director)), 1, "connections kept by requests")
    seconds_until_gone(lab, 8)
    t.note("kept by packets of either side, gone without")


@scenario
def tcp_timeouts_apply_to_the_next_packet(t):
    lab = lab_with_services()
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN))
    lab.server_sends(tcp(SERVER, 80, CLIENT, 2000, SYN | ACK))
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))
    t.note("established:", connection_states(lab.director)[2000])
    lab.director.ipvsadm("--set", "250", "110", "0")
    t.note("after --set:", connection_states(lab.director)[2000])
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))
    t.note("after a packet:", connection_states(lab.director)[2000])
    lab.server_sends(tcp(SERVER, 80, CLIENT, 2000, FIN | ACK))
    t.note("after a FIN:", connection_states(lab.director)[2000])


@scenario
def a_half_open_tcp_connection_expires(t):
    lab = lab_with_services()
    lab.director.ipvsadm("--set", "2", "2", "2")
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN))
    t.note("SYN_RECV is not settable:", connection_states(lab.director)[2000])
    lab.server_sends(tcp(SERVER, 80, CLIENT, 2000, SYN | ACK))
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, ACK))
    t.block("active", table(lab.director))
    seconds_until_gone(lab, 8)
    t.block("expired", table(lab.director))


@scenario
def a_reset_connection_lasts_ten_seconds(t):
    lab = lab_with_services()
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN), tcp(CLIENT, 2001, VIP, 80, SYN))
    lab.server_sends(tcp(SERVER, 80, CLIENT, 2000, 4), tcp(SERVER, 80, CLIENT, 2001, 20))
    t.note("after a reset:", sorted(connection_states(lab.director).items()))
    took = seconds_until_gone(lab, 16)
    check(took > 8, f"connections of 10 s ended after {took:.1f} s")
    t.block("expired", table(lab.director))
