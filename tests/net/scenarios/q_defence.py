# SPDX-License-Identifier: GPL-2.0
"""What a director does when memory is short, or when it is told that it is."""

import time

from lab import CLIENT, VIP, server_address
from packets import ACK, SYN, tcp, udp
from scenario import check, equal, scenario
from views import connection_states, connections, wait_until
from wire import Wires

SERVER = server_address(1)
WEB = f"-t {VIP}:80"
DNS = f"-u {VIP}:53"
MODES = ("drop_entry", "drop_packet", "secure_tcp")
PLENTY = 2**31 - 1


def web_lab():
    lab = Wires()
    lab.director.ipvs(f"-A {WEB} -s rr", f"-a {WEB} -r {SERVER}:80 -m", f"-A {DNS} -s rr",
                      f"-a {DNS} -r {SERVER}:53 -m")
    return lab


def syn(port, flags=SYN):
    return tcp(CLIENT, port, VIP, 80, flags)


def value(lab, name):
    return int(lab.director.read(f"/proc/sys/net/ipv4/vs/{name}"))


def passed(lab, ports):
    """Which of so many new connections were scheduled, as a word of ones and zeros."""
    return "".join(str(number) for number in lab.chosen(*(syn(port) for port in ports)))


@scenario
def modes_of_defence_are_numbers_from_0_to_3(t):
    lab = web_lab()
    for name in MODES:
        for number in (3, 4, -1, 0):
            try:
                lab.director.ipvs_sysctl(name, number)
                outcome = "ok"
            except OSError as error:
                outcome = error.strerror
            t.note(f"{name} {number}: {outcome}, {value(lab, name)}")
    for name in ("amemthresh", "am_droprate"):
        for number in (0, -1, PLENTY):
            lab.director.ipvs_sysctl(name, number)
            t.note(f"{name} {number}: {value(lab, name)}")


@scenario
def drop_packet_drops_one_new_connection_of_am_droprate(t):
    lab = web_lab()
    port = 2000
    for rate in (3, 1, 5, 0, -1):
        lab.director.ipvs_sysctl("drop_packet", 0)
        lab.director.ipvs_sysctl("am_droprate", rate)
        lab.director.ipvs_sysctl("drop_packet", 3)
        # The first one depends on what was counted before.
        word = passed(lab, range(port, port + 16))
        distances = {len(run) + 1 for run in word.strip("1").split("0")[1:-1]}
        t.note(f"rate {rate}: {word.count('0') > 0}, {sorted(distances)}, all {sorted(set(word))}")
        port += 16
    lab.director.ipvs_sysctl("drop_packet", 0)
    t.note("off:", passed(lab, range(port, port + 8)))


@scenario
def drop_packet_spares_connections_and_packets_of_nobody(t):
    lab = web_lab()
    lab.chosen(syn(2000))
    lab.director.ipvs_sysctl("am_droprate", 1)
    lab.director.ipvs_sysctl("drop_packet", 3)
    t.note("established:", lab.chosen(*(syn(2000, ACK) for _ in range(4))))
    t.note("new:", lab.chosen(syn(2001), udp(CLIENT, 2000, VIP, 53, b"x")))
    t.note("of no service:", len(lab.client_sends(tcp(CLIENT, 2000, VIP, 81, SYN))))


def becomes(lab, name, number):
    wait_until(lambda: value(lab, name) == number, 5, f"{name} {number}")


@scenario
def automatic_modes_follow_the_memory(t):
    lab = web_lab()
    lab.director.ipvs_sysctl("amemthresh", 0)
    for name in MODES:
        lab.director.ipvs_sysctl(name, 1)
    time.sleep(1.2)
    t.note("memory enough:", {name: value(lab, name) for name in MODES})
    t.note("nothing dropped:", passed(lab, range(2000, 2008)))
    lab.director.ipvs_sysctl("amemthresh", PLENTY)
    for name in MODES:
        becomes(lab, name, 2)
    t.note("memory short: all dropped", passed(lab, range(2100, 2108)))
    lab.director.ipvs_sysctl("amemthresh", 0)
    for name in MODES:
        becomes(lab, name, 1)
    t.note("memory enough again:", passed(lab, range(2200, 2208)))
    lab.director.ipvs_sysctl("amemthresh", PLENTY)
    lab.director.ipvs_sysctl("secure_tcp", 0)
    becomes(lab, "drop_packet", 2)
    time.sleep(1.2)
    t.note("what is off stays off:", {name: value(lab, name) for name in MODES})


@scenario
def a_mode_takes_effect_when_it_is_written(t):
    lab = web_lab()
    lab.director.ipvs_sysctl("amemthresh", PLENTY)
    for name in MODES:
        lab.director.ipvs_sysctl(name, 1)
        t.note(name, value(lab, name))
    t.note("dropped:", passed(lab, range(2000, 2004)))
    for name in MODES:
        lab.director.ipvs_sysctl(name, 2)
        t.note(name, value(lab, name))


def handshake(lab, port):
    lab.client_sends(syn(port))
    lab.server_sends(tcp(SERVER, 80, CLIENT, port, SYN | ACK))


@scenario
def secure_tcp_in_automatic_mode_uses_its_table_while_memory_is_short(t):
    lab = web_lab()
    lab.director.ipvs_sysctl("amemthresh", PLENTY)
    lab.director.ipvs_sysctl("secure_tcp", 1)
    becomes(lab, "secure_tcp", 2)
    handshake(lab, 2000)
    t.note("short:", connection_states(lab.director))
    lab.director.ipvs_sysctl("amemthresh", 0)
    becomes(lab, "secure_tcp", 1)
    handshake(lab, 2001)
    t.note("enough:", sorted(connection_states(lab.director).items()))


@scenario
def drop_entry_drops_half_open_connections_only(t):
    lab = web_lab()
    half_open, open_ones = range(2000, 2400), range(3000, 3040)
    lab.client_sends(*(syn(port) for port in half_open), *(syn(port) for port in open_ones))
    lab.server_sends(*(tcp(SERVER, 80, CLIENT, port, SYN | ACK) for port in open_ones))
    lab.client_sends(*(syn(port, ACK) for port in open_ones),
                     *(udp(CLIENT, port, VIP, 53, b"x") for port in open_ones))
    before = len(connections(lab.director))
    equal(before, 480, "connections")
    lab.director.ipvs_sysctl("drop_entry", 3)
    wait_until(lambda: len(connections(lab.director)) < before - 20, 20, "the end of half-open connections")
    states = [line.split()[7] for line in connections(lab.director)]
    lab.director.ipvs_sysctl("drop_entry", 0)
    t.note("established:", states.count("ESTABLISHED"), "datagrams:", states.count("UDP"))
    check(states.count("SYN_RECV") <= 380, "half-open connections stay")


@scenario
def drop_entry_drops_templates_that_are_not_assured(t):
    lab = Wires()
    lab.director.ipvs(f"-A {WEB} -s rr -p 100", f"-a {WEB} -r {SERVER}:80 -m")
    clients = [f"10.0.0.{number}" for number in range(20, 220)]
    for who in clients:
        lab.from_client.send(tcp(who, 2000, VIP, 80, SYN))
    lab.collect()
    equal(len(connections(lab.director)), 400, "connections and templates")
    lab.director.ipvs_sysctl("drop_entry", 3)
    wait_until(lambda: len(connections(lab.director)) < 350, 20, "the end of templates")
    lab.director.ipvs_sysctl("drop_entry", 0)
    time.sleep(0.3)
    rows = [line.split() for line in connections(lab.director)]
    alone = {row[1] for row in rows if row[7] == "NONE"} ^ {row[1] for row in rows if row[7] == "SYN_RECV"}
    t.note("clients with a template or a connection only:", len(alone))
