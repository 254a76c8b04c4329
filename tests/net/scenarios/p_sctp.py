# SPDX-License-Identifier: GPL-2.0
"""SCTP associations: their states, their checksums, and what opens them."""

import time

from lab import CLIENT, VIP, server_address
from packets import DF, ICMP, fragments, icmp, ipv4
from scenario import check, equal, scenario
from sctp import (ABORT, COOKIE_ACK, COOKIE_ECHO, CWR, DATA, ECNE, ERROR, HEARTBEAT, HEARTBEAT_ACK, INIT, INIT_ACK, NAMES,
                  SACK, SCTP, SHUTDOWN, SHUTDOWN_ACK, SHUTDOWN_COMPLETE, chunk, sctp, segment)
from views import connections, table
from wire import Wires, lines

SERVER = server_address(1)
IN, OUT = "in", "out"
SETUP = [(IN, INIT), (OUT, INIT_ACK), (IN, COOKIE_ECHO), (OUT, COOKIE_ACK)]
# How to get an association into each state, if the director sees both directions, and if it sees one only.
PATHS = {
    "INIT1": [(IN, INIT)],
    "INIT": [(IN, INIT), (IN, INIT)],
    "C-SENT": SETUP[:2],
    "C-REPLIED": SETUP[:3],
    "C-WAIT": [(IN, INIT), (IN, INIT_ACK)],
    "COOKIE": [(IN, INIT), (IN, INIT_ACK), (IN, INIT_ACK)],
    "C-ECHOED": [(IN, INIT), (OUT, COOKIE_ECHO)],
    "ESTABLISHED": SETUP,
    "S-SENT": [(IN, INIT), (OUT, SHUTDOWN)],
    "S-RECEIVED": [*SETUP, (IN, SHUTDOWN)],
    "S-ACK-SENT": [*SETUP, (IN, SHUTDOWN), (OUT, SHUTDOWN_ACK)],
    "REJECTED": [(IN, INIT), (OUT, ABORT)],
    "CLOSED": [*SETUP, (IN, ABORT)],
}
ONE_WAY_PATHS = {
    "INIT1": [(IN, INIT)],
    "INIT": [(IN, INIT), (IN, INIT)],
    "C-ECHOED": [(IN, INIT), (IN, INIT_ACK)],
    "ESTABLISHED": [(IN, INIT), (IN, COOKIE_ECHO)],
    "S-RECEIVED": [(IN, INIT), (IN, COOKIE_ECHO), (IN, SHUTDOWN)],
    "CLOSED": [(IN, INIT), (IN, ABORT)],
}
EVENTS = {name: (kind,) for kind, name in NAMES.items()}
EVENTS |= {"unknown": (200,), "AUTH": (15,), "COOKIE-ECHO and ABORT": (COOKIE_ECHO, ABORT),
           "COOKIE-ACK and ABORT": (COOKIE_ACK, ABORT), "DATA and ABORT": (DATA, ABORT),
           "COOKIE-ECHO and DATA": (COOKIE_ECHO, DATA)}
TIMEOUTS = (2, 4, 61, 900)


def wires(flag="-m", server_port=5000):
    lab = Wires()
    lab.director.ipvs(f"-A --sctp-service {VIP}:4000 -s rr",
                      f"-a --sctp-service {VIP}:4000 -r {SERVER}:{server_port} {flag}")
    return lab


def request(port, *chunks, **ip):
    return sctp(CLIENT, port, VIP, 4000, *chunks, **ip)


def answer(port, *chunks, **ip):
    return sctp(SERVER, 5000, CLIENT, port, *chunks, **ip)


def put(lab, port, steps):
    """Sends the packets of one association, each from its side."""
    for direction, *chunks in steps:
        if direction == IN:
            lab.from_client.send(request(port, *chunks))
        else:
            lab.from_server[0].send(answer(port, *chunks))


def states(lab):
    """{client port: state and timer} of all associations."""
    rows = [line.split() for line in lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]]
    return {int(row[2], 16): f"{row[7]} {next(limit for limit in TIMEOUTS if int(row[8]) <= limit)}" for row in rows}


def walk(t, lab, paths, ways):
    """Every event in every state, each on an association of its own, and the state and timer that follow."""
    steps = {"stays": []}
    steps.update({f"{way} {event}": [(way, *chunks)] for way in ways for event, chunks in EVENTS.items()})
    port = 2000
    for state, path in paths.items():
        cases = {}
        for name, more in steps.items():
            put(lab, port, path + more)
            cases[port] = name
            port += 1
        lab.collect()
        time.sleep(0.1)
        found = states(lab)
        for number, name in cases.items():
            t.note(f"{state} {name}: {found.get(number, 'gone')}")
            check(name != "stays" or found[number].split()[0] == state, f"the path to {state} leads to {found[number]}")


@scenario
def every_sctp_event_in_every_state(t):
    walk(t, wires(), PATHS, (IN, OUT))


@scenario
def every_sctp_event_in_every_state_with_one_direction(t):
    walk(t, wires("-g", 4000), ONE_WAY_PATHS, (IN,))


@scenario
def a_whole_association_step_by_step(t):
    lab = wires()
    for step in [*SETUP, (IN, DATA), (OUT, SACK), (OUT, DATA, SACK), (IN, HEARTBEAT), (OUT, HEARTBEAT_ACK), (IN, ECNE), (OUT, CWR),
                 (IN, SHUTDOWN), (OUT, SHUTDOWN_ACK), (IN, SHUTDOWN_COMPLETE), (IN, INIT), (OUT, ERROR)]:
        put(lab, 3000, [step])
        t.block(f"{step[0]} {'+'.join(NAMES[kind] for kind in step[1:])}", lines(lab.collect()))
        # A connection that gives way to another ends with the next tick.
        time.sleep(0.1)
        t.block("then", [str(states(lab)), *table(lab.director)[-1:]])
    t.block("connections", [" ".join(line.split()[:8]) for line in connections(lab.director)])


@scenario
def what_opens_an_association(t):
    for sloppy in (0, 1):
        lab = wires()
        lab.director.ipvs_sysctl("sloppy_sctp", sloppy)
        for number, (name, chunks) in enumerate(EVENTS.items()):
            t.block(f"sloppy {sloppy}: {name}", lines(lab.client_sends(request(5000 + number, *chunks))))
        t.block("associations", [f"{port} {state}" for port, state in sorted(states(lab).items())])
        if not sloppy:
            finish()


def finish():
    """Removes the hosts before the scenario makes others."""
    from lab import remove_all  # pylint: disable=import-outside-toplevel
    remove_all()


@scenario
def sctp_checksums(t):
    lab = wires()
    for size in (0, 1, 3, 4, 100, 1400):
        payload = chunk(DATA, bytes(12) + bytes(index * 7 & 255 for index in range(size)))
        t.block(f"{size} bytes", lines(lab.client_sends(request(2000, INIT) if size == 0 else request(2000, payload))
                                       + lab.server_sends(answer(2000, payload))))
    broken = request(2000, DATA)
    broken = broken[:-1] + bytes([broken[-1] ^ 1])
    t.block("a wrong checksum, other port at the server", lines(lab.client_sends(broken)))
    large = chunk(DATA, bytes(3000))
    t.block("a request in fragments", lines(lab.client_sends(*fragments(request(2000, large), 1480))))
    t.block("an answer in fragments", lines(lab.server_sends(*fragments(answer(2000, large), 1480))))
    t.block("ttl 1", lines(lab.client_sends(request(2000, DATA, ttl=1))))
    lab.director.ip("link set s1 mtu 1300")
    t.block("above the MTU with DF", lines(lab.client_sends(request(2000, chunk(DATA, bytes(1400)), fragment=DF))))


@scenario
def sctp_checksums_without_a_change_of_ports(t):
    lab = wires(server_port=4000)
    packet = request(2000, INIT)
    t.block("right", lines(lab.client_sends(packet)))
    t.block("right, back", lines(lab.server_sends(sctp(SERVER, 4000, CLIENT, 2000, INIT_ACK))))
    t.block("wrong", lines(lab.client_sends(packet[:-1] + bytes([packet[-1] ^ 1]))))


@scenario
def sctp_packets_cut_short(t):
    lab = wires()
    whole = segment(2000, 4000, COOKIE_ECHO, ABORT)
    lab.client_sends(request(2000, INIT))
    for size in (0, 3, 4, 8, 11, 12, 15, 16, 20, 24, 27, 28):
        t.block(f"{size} bytes of an association", lines(lab.client_sends(ipv4(CLIENT, VIP, SCTP, whole[:size]))))
        new = segment(2100 + size, 4000, INIT)
        t.block(f"{size} bytes of a new one", lines(lab.client_sends(ipv4(CLIENT, VIP, SCTP, new[:size]))))
        back = segment(5000, 2000, INIT_ACK)
        t.block(f"{size} bytes of an answer", lines(lab.server_sends(ipv4(SERVER, CLIENT, SCTP, back[:size]))))
    for port, (title, body) in enumerate((
            ("length 0", chunk(INIT, b"", 0)), ("length 3", chunk(COOKIE_ECHO, b"", 3) + chunk(ABORT)),
            ("length 65535", chunk(COOKIE_ECHO, b"", 65535) + chunk(ABORT)),
            ("length 5", chunk(COOKIE_ECHO, b"x") + chunk(ABORT))), 2001):
        t.block(f"a chunk of {title}", lines(lab.client_sends(request(port, INIT), request(port, body))))
        t.note(states(lab).get(port))


@scenario
def icmp_errors_about_sctp(t):
    for flag, server_port in (("-m", 5000), ("-g", 4000)):
        lab = wires(flag, server_port)
        lab.client_sends(request(2000, INIT))
        target = (SERVER, 5000) if flag == "-m" else (VIP, 4000)
        for kind, code in ((3, 3), (3, 4), (11, 0)):
            for size in (24, 28, 200):
                reply = sctp(VIP, 4000, CLIENT, 2000, INIT_ACK)[:size]
                t.block(f"{flag} {kind}/{code} about {size} bytes, from the client",
                        lines(lab.client_sends(icmp(CLIENT, VIP, kind, code, payload=reply))))
                sent = sctp(CLIENT, 2000, *target, INIT)[:size]
                t.block(f"{flag} {kind}/{code} about {size} bytes, from the server",
                        lines(lab.server_sends(icmp(SERVER, CLIENT, kind, code, payload=sent))))
        equal(lab.director.read("/proc/net/ip_vs_conn").count("INIT1"), 1, "associations in their state")
        finish()
    t.note("protocol", ICMP)


@scenario
def closed_associations_give_way(t):
    lab = wires()
    for mode in (0, 1):
        lab.director.ipvs_sysctl("conn_reuse_mode", mode)
        put(lab, 2000, [*SETUP, (IN, ABORT)])
        lab.collect()
        t.note(f"mode {mode}:", states(lab)[2000])
        t.block("INIT again", lines(lab.client_sends(request(2000, INIT))))
        time.sleep(0.1)
        t.note("then", states(lab)[2000])
