# SPDX-License-Identifier: GPL-2.0
"""APPLY: services with their servers replaced at one moment, or not at all."""

import socket
import threading

from additions import ALL, FLAGS, Additions, Listener, nest
from genl import DEST, SERVICE, address, attribute, be16, name, u8, u16, u32
from lab import CLIENT, VIP, Topology, server_address
from scenario import check, equal, scenario

NO_MASK = u32(0xFFFFFFFF)


def service(port=80, *, protocol=6, scheduler="rr", flags=0, more=b"", without=()):
    """A whole service of the usual address."""
    values = {1: u16(2), 2: u16(protocol), 3: address(VIP), 4: be16(port), 6: name(scheduler),
              7: u32(flags) + u32(0xFFFFFFFF), 8: u32(0), 9: NO_MASK}
    return nest(SERVICE, *(attribute(kind, value) for kind, value in values.items() if kind not in without), more)


def marked(mark):
    """A whole service of a mark."""
    return service(without=(2, 3, 4), more=attribute(5, u32(mark)))


def server(number=1, port=80, *, weight=1, method=0, upper=0, lower=0, more=b"", at=None):
    """A whole server."""
    return nest(DEST, attribute(1, address(at or server_address(number))), attribute(2, be16(port)),
                attribute(3, u32(method)), attribute(4, u32(weight)), attribute(5, u32(upper)),
                attribute(6, u32(lower)), more)


def table(host):
    """The services with their servers, sorted by service."""
    groups = []
    for line in host.ipvsadm("-S", "-n").splitlines():
        if line.startswith("-A"):
            groups.append([])
        groups[-1].append(line.strip())
    return [line for group in sorted(groups) for line in group]


@scenario(rust_only=True)
def a_list_replaces_what_it_names_or_everything(t):
    lab = Topology(servers=2)
    client, listener = Additions(lab.director), Listener(lab.director)

    def step(what, *entries, **options):
        outcome = client.apply(*entries, **options)
        t.block(f"{what}: {outcome} {client.explanation[0] or ''}".rstrip(), table(lab.director))
        heard = [f"{action}{f' {changed:#x}' if changed is not None else ''} "
                 f"{'server' if DEST in body else 'service'}" for action, _, changed, body in listener.hear()]
        t.note("    told:", ", ".join(heard))

    step("nothing")
    step("two services", service(80), server(1), server(2), service(53, protocol=17, scheduler="wlc"), server(1, 53))
    step("the same", service(80), server(1), server(2), service(53, protocol=17, scheduler="wlc"), server(1, 53))
    step("one of them with another weight", service(80), server(1), server(2, weight=7))
    step("a new server comes first", service(80), server(1, 8080), server(1), server(2, weight=7))
    step("servers go and come", service(80), server(2, 8080), server(2, weight=7), server(1, 81))
    step("another scheduler and flags", service(80, scheduler="sh", flags=0x8), server(2, weight=7))
    step("a mark, without servers", marked(9))
    step("everything else goes", service(81), server(1, 81), everything=True)
    step("back again", service(80), server(1), server(2), everything=True)
    step("an empty table", everything=True)


@scenario(rust_only=True)
def a_list_with_a_fault_changes_nothing_and_says_where_it_is(t):
    lab = Topology(servers=2)
    client, listener = Additions(lab.director), Listener(lab.director)
    equal(client.apply(service(80), server(1, weight=3), service(81), server(2)), "ok", "the table at first")
    listener.hear()
    home = table(lab.director)
    key = attribute(1, u16(2))
    faults = {
        "a server before any service": (server(1), service(80)),
        "a service twice": (service(80), server(1), service(82), service(80)),
        "a server twice": (service(82), server(1), server(2), server(1)),
        "an unknown scheduler": (service(80), server(1, weight=9), service(82, scheduler="nosuch")),
        "an unknown persistence engine": (service(80, more=attribute(11, name("nosuch"))),),
        "a scheduler's name without end": (service(80, without=(6,), more=attribute(6, b"rr")),),
        "no scheduler": (service(80), server(1, weight=9), service(82, without=(6,))),
        "a multicast server": (service(80), server(1, weight=9), server(2), server(at="224.0.0.1")),
        "a server that is nowhere": (service(82), server(at="0.0.0.0")),
        "a negative weight": (service(80), server(1, weight=-1)),
        "thresholds the wrong way round": (service(80), server(1, upper=1, lower=2)),
        "a threshold that is too large": (service(80), server(1, upper=0x80000000)),
        "a method of 5": (service(80), server(1, method=5)),
        "a tunnel of kind 3": (service(80), server(1, method=2, more=attribute(13, u8(3)))),
        "a GUE tunnel without port": (service(80), server(1, method=2, more=attribute(13, u8(1)))),
        "a server of another family": (service(80), server(1, more=attribute(11, u16(10)))),
        "a protocol of 3": (service(80, protocol=3),),
        "a mark of 0": (marked(0),),
        "a mark and an address": (service(80, more=attribute(5, u32(1))),),
        "an unknown flag": (service(80, flags=0x40),),
        "an address of 5 bytes": (service(80, without=(3,), more=attribute(3, bytes(5))),),
        "statistics": (service(80, more=nest(10)),),
        "a service by its key": (nest(SERVICE, key),),
        "a nest without its flag": (attribute(SERVICE, key),),
        "an unknown attribute": (service(80), attribute(99, b"")),
        "an unknown flag of the request": (service(80), attribute(FLAGS, u32(ALL + 1))),
        "a daemon": (attribute(3, b""),),
    }
    for what, entries in faults.items():
        outcome = client.apply(*entries)
        text, offset = client.explanation
        starts = [20 + sum(map(len, entries[:number])) for number in range(len(entries))]
        where = starts.index(offset) if offset in starts else f"byte {offset}"
        t.note(f"{what}: {outcome}, {text!r}, at {where}")
        check(outcome != "ok", f"{what} was taken")
        equal(table(lab.director), home, f"the table after {what}")
    equal(len(listener.hear()), 0, "events")
    equal(client.apply(service(80), server(1, weight=3), service(81), server(2)), "ok", "the same table again")


@scenario(rust_only=True)
def connections_and_counters_of_servers_that_stay_are_untouched(t):
    lab = Topology(servers=2)
    client = Additions(lab.director)
    everything = (service(80), server(1), server(2), service(53, protocol=17), server(1, 53))
    equal(client.apply(*everything), "ok", "the table")
    listeners = [host.listen(server_address(number), 80) for number, host in zip(lab.numbers, lab.servers)]
    sessions = []
    for source in range(40000, 40004):
        one = lab.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.bind((CLIENT, source))
        one.connect((VIP, 80))
        sessions.append(one)
    accepted = [one.accept()[0] for one in listeners for _ in range(2)]

    def arrives(one, patience):
        one.settimeout(patience)
        try:
            return len(one.recv(16)) > 0
        except TimeoutError:
            return False

    def look(what, patience=2):
        for one in sessions:
            one.send(b"x")
        got = sum(arrives(other, patience) for other in accepted)
        lines = [line.split() for line in lab.director.ipvsadm("-L", "-n", "-t", f"{VIP}:80").splitlines()]
        counts = sorted(tuple(line[1:]) for line in lines if line and line[0] == "->" and ":80" in line[1])
        t.block(f"{what}: {got} sessions go on", (" ".join(line) for line in counts))

    look("at first")
    equal(client.apply(*everything, everything=True), "ok", "the same")
    look("the same again")
    equal(client.apply(service(80, scheduler="wlc"), server(2, weight=5), server(1), everything=True), "ok", "others")
    look("another scheduler, another weight")
    equal(client.apply(service(80), server(2), everything=True), "ok", "without the first")
    look("without the first")
    equal(client.apply(service(80), server(1), server(2), everything=True), "ok", "with it again")
    look("with it again", 200)
    stats = lab.director.ipvsadm("-L", "-n", "--stats", "-t", f"{VIP}:80").splitlines()[2].split()
    t.note("connections that the service has counted:", stats[2])
    for one in sessions + accepted + listeners:
        one.close()


@scenario(rust_only=True)
def under_traffic_each_packet_sees_one_table(t):
    lab = Topology(servers=2)
    client = Additions(lab.director)
    # Each table lets both services go to one server; a mixture of the two would not.
    tables = [(service(53, protocol=17), server(number, 53), service(54, protocol=17), server(number, 54))
              for number in lab.numbers]
    equal(client.apply(*tables[0], everything=True), "ok", "the first table")
    sinks = {(number, port): host.udp(server_address(number), port)
             for number, host in zip(lab.numbers, lab.servers) for port in (53, 54)}
    stop, sent, got = threading.Event(), [0], [0]

    def drain(sink):
        sink.setblocking(False)
        count = 0
        try:
            while sink.recv(16):
                count += 1
        except BlockingIOError:
            pass
        return count

    def send():
        source = 20000
        while not stop.is_set():
            one = lab.client.udp(CLIENT, source)
            for port in (53, 54):
                one.sendto(b"x", (VIP, port))
            one.close()
            sent[0] += 2
            source = source + 1 if source < 60000 else 20000
            got[0] += sum(drain(sink) for sink in sinks.values())

    sender = threading.Thread(target=send)
    sender.start()
    turn = 0
    while turn < 40 or sent[0] < 200:
        equal(client.apply(*tables[turn % 2], everything=True), "ok", "a change")
        turn += 1
    stop.set()
    sender.join()
    got[0] += sum(drain(sink) for sink in sinks.values())
    equal(got[0], sent[0], "packets that arrived, of those sent")
    t.note("all arrived")


@scenario(rust_only=True)
def a_thousand_services_at_once(t):
    lab = Topology(servers=1)
    client = Additions(lab.director)
    entries = []
    for port in range(1000, 2000):
        entries += [service(port), *(server(1, number) for number in range(1, 5))]
    for turn in range(2):
        equal(client.apply(*entries, everything=True), "ok", f"turn {turn}")
        lines = lab.director.read("/proc/net/ip_vs").splitlines()[3:]
        t.note("services and servers:", sum("->" not in line for line in lines), sum("->" in line for line in lines))
    entries[5 * 999 + 4] = server(at="224.0.0.1")
    t.note(client.apply(*entries, everything=True), client.explanation[0])
    one = [service(80), *(server(1, number) for number in range(1, 1001))]
    equal(client.apply(*one, everything=True), "ok", "one with a thousand servers")
    ports = [int(line.split()[1][-4:], 16) for line in lab.director.read("/proc/net/ip_vs").splitlines()[4:]]
    equal(ports, list(range(1000, 0, -1)), "its servers, the last one first")
    equal(client.apply(everything=True), "ok", "nothing")
    equal(len(lab.director.read("/proc/net/ip_vs").splitlines()), 3, "lines of an empty table")
