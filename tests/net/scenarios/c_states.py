# SPDX-License-Identifier: GPL-2.0
"""The states of TCP connections through NAT, and the timers that go with them."""

import time

from lab import CLIENT, VIP, server_address
from packets import ACK, FIN, PSH, RST, SYN, tcp
from scenario import check, equal, scenario
from views import connection_states, connections, wait_until
from wire import Wires

SERVER = server_address(1)
IN, OUT = "in", "out"
HANDSHAKE = [(IN, SYN), (OUT, SYN | ACK), (IN, ACK)]
# How to get a connection into each state that packets can reach. LISTEN takes an application helper, NONE and LAST_ACK
# are left or never entered by any packet of a scheduled connection.
PATHS = {
    "SYN_RECV": [(IN, SYN)],
    "ESTABLISHED": HANDSHAKE + [(OUT, ACK)],
    "FIN_WAIT": HANDSHAKE + [(OUT, ACK), (OUT, FIN | ACK)],
    "CLOSE_WAIT": HANDSHAKE + [(OUT, ACK), (IN, FIN | ACK)],
    "TIME_WAIT": HANDSHAKE + [(OUT, ACK), (IN, FIN | ACK), (OUT, FIN | ACK)],
    "CLOSE": HANDSHAKE + [(OUT, ACK), (IN, RST)],
    "SYN_SENT": HANDSHAKE + [(OUT, ACK), (OUT, FIN | ACK), (OUT, SYN)],
}
SECURE_PATHS = {**PATHS, "SYNACK": [(IN, SYN), (OUT, SYN | ACK)]}
EVENTS = {"SYN": SYN, "FIN": FIN, "ACK": ACK, "RST": RST, "nothing": 0, "PSH": PSH, "SYN+ACK": SYN | ACK,
          "FIN+ACK": FIN | ACK, "RST+ACK": RST | ACK, "SYN+FIN": SYN | FIN, "SYN+RST": SYN | RST,
          "all": SYN | FIN | RST | PSH | ACK}


def service(lab):
    lab.director.ipvs(f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:8080 -m")


def put(lab, port, steps):
    """Sends the segments of one connection, each from its side."""
    for direction, flags in steps:
        if direction == IN:
            lab.from_client.send(tcp(CLIENT, port, VIP, 80, flags))
        else:
            lab.from_server[0].send(tcp(SERVER, 8080, CLIENT, port, flags))


def settled_states(lab):
    """{port: (state, timer)}, once connections that gave way to new ones of the same ports, or to none, have left: they
    are freed by their timers, a tick later."""
    time.sleep(0.2)

    def look():
        found = connection_states(lab.director)
        return len(found) == len(connections(lab.director)) and found
    return wait_until(look, what="one connection per port")


def walk(t, lab, paths):
    """Every event in every state, each on a connection of its own, and the state and timer that follow."""
    steps = {"stays": []}
    steps.update({f"{way} {event}": [(way, flags)] for way in (IN, OUT) for event, flags in EVENTS.items()})
    port = 2000
    for state, path in paths.items():
        cases = {}
        for name, more in steps.items():
            put(lab, port, path + more)
            cases[port] = name
            port += 1
        lab.collect()
        found = settled_states(lab)
        for number, name in cases.items():
            after, timer = found.get(number, ("gone", ""))
            t.note(f"{state} {name}: {after} {timer}")
            check(name != "stays" or after == state, f"the path to {state} leads to {after}")


@scenario
def every_tcp_event_in_every_state(t):
    lab = Wires()
    service(lab)
    walk(t, lab, PATHS)


@scenario
def every_tcp_event_in_every_state_with_secure_tcp(t):
    lab = Wires()
    service(lab)
    lab.director.ipvs_sysctl("secure_tcp", 3)
    walk(t, lab, SECURE_PATHS)


@scenario
def secure_tcp_switched_on_and_off_while_connections_live(t):
    lab = Wires()
    service(lab)
    for mode, port in ((0, 3000), (3, 3001), (0, 3002)):
        lab.director.ipvs_sysctl("secure_tcp", mode)
        put(lab, port, [(IN, SYN), (OUT, SYN | ACK)])
        put(lab, 3000, [(IN, ACK)])
        lab.collect()
        t.block(f"secure_tcp {mode}", connections(lab.director))


@scenario
def a_whole_tcp_connection_step_by_step(t):
    lab = Wires()
    service(lab)
    walked = []
    for step in [*HANDSHAKE, (OUT, ACK), (OUT, PSH | ACK), (IN, FIN | ACK), (OUT, ACK), (OUT, FIN | ACK), (IN, ACK)]:
        put(lab, 4000, [step])
        seen = lab.collect()
        check(len(seen) == 1, f"{step} led to {seen}")
        state, timer = connection_states(lab.director)[4000]
        line = lab.director.read("/proc/net/ip_vs").splitlines()[-1].split()
        t.note(f"{seen[0][1]}: {state} {timer}, active {line[4]} inactive {line[5]}")
        walked.append(state)
    equal(walked, ["SYN_RECV", "SYN_RECV", "ESTABLISHED", "ESTABLISHED", "ESTABLISHED", "CLOSE_WAIT", "CLOSE_WAIT",
                   "TIME_WAIT", "TIME_WAIT"], "the states of a connection")


@scenario
def segments_that_open_no_connection(t):
    lab = Wires()
    service(lab)
    for name, flags in EVENTS.items():
        seen = lab.client_sends(tcp(CLIENT, 5000 + flags, VIP, 80, flags))
        t.note(f"{name}: {seen[0] if seen else 'nothing'}")
    t.block("connections", connections(lab.director))


@scenario
def sloppy_tcp_schedules_all_but_resets(t):
    lab = Wires()
    service(lab)
    lab.director.ipvs_sysctl("sloppy_tcp", 1)
    for name, flags in EVENTS.items():
        seen = lab.client_sends(tcp(CLIENT, 5000 + flags, VIP, 80, flags))
        t.note(f"{name}: {seen[0] if seen else 'nothing'}")
    t.block("connections", connections(lab.director))
