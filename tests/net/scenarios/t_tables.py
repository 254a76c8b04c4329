# SPDX-License-Identifier: GPL-2.0
"""APPLY and edits seen by who reads or sends meanwhile: one state or the other, never some of both."""

import os
import signal
import traceback

from additions import Additions
from genl import SERVICE, attribute, attributes, u32
from lab import CLIENT, VIP, Topology, server_address, use_all_processors
from packets import udp
from scenario import check, equal, scenario
from sockopt import Client as SocketOptions
from sockopt import service as asked
from wire import Wires
from scenarios.t_apply import server, service

SERVERS = 500
SERVICES = 300
WEIGHT, UPPER, TIMEOUT = 4, 5, 8


def one_service(weight):
    """A service with many servers, all of the same weight and threshold."""
    return [service(80, scheduler="wlc"),
            *(server(1, number, weight=weight, upper=weight) for number in range(1, SERVERS + 1))]


def many_services(timeout):
    """Many services with the same time."""
    more = attribute(TIMEOUT, u32(timeout))
    return [service(number, flags=1, without=(8,), more=more) for number in range(1, SERVICES + 1)]


def numbers(page, kind):
    """The values of one attribute of all entries of a page."""
    for payload in page:
        (_, nest), = attributes(payload)
        yield int.from_bytes(dict(attributes(nest))[kind], "little")


def key():
    """What names the service."""
    (_, whole), = attributes(service(80))
    return attribute(SERVICE, b"".join(attribute(kind, value) for kind, value in attributes(whole) if kind <= 4))


def of_dump(client, command, kind, payload=b"", meanwhile=lambda: None):
    """The values of one attribute in a dump; something is done after each page."""
    values = []
    for page in client.pages(command, payload):
        values += numbers(page, kind)
        meanwhile()
    return values


def same(values, count, what):
    """All values are there, and are the same."""
    equal(len(values), count, f"{what}: entries")
    check(len(set(values)) == 1, f"{what}: {[values.count(value) for value in sorted(set(values))]} of {sorted(set(values))}")


@scenario(rust_only=True)
def a_listing_goes_on_with_the_table_that_it_began_with(t):
    director = Topology(servers=1).director
    reader, writer = Additions(director), Additions(director)
    turn = [0]

    def listed(entries, command, kind, payload, count):
        def change():
            turn[0] += 1
            equal(writer.apply(*entries(1 + turn[0] % 2), everything=True), "ok", "a change")
        change()
        for _ in range(4):
            same(of_dump(reader, command, kind, payload, change), count, command)
        change()
        same(of_dump(reader, command, kind, payload), count, f"{command} after it")

    listed(one_service, "GET_DEST", WEIGHT, key(), SERVERS)
    listed(many_services, "GET_SERVICE", TIMEOUT, b"", SERVICES)
    # Nobody reads on: the table that was kept is forgotten with the socket.
    pages = reader.pages("GET_SERVICE")
    next(pages)
    equal(writer.apply(everything=True), "ok", "nothing")
    reader.socket.close()
    equal(len(director.read("/proc/net/ip_vs").splitlines()), 3, "lines of an empty table")
    t.note("all listings were of one table")


def weights_of_proc(director):
    return [int(line.split()[3]) for line in director.read("/proc/net/ip_vs").splitlines()[4:]]


def child(run):
    """Runs something in a process of its own; returns its number."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            run()
            status = 0
        except BaseException:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
        finally:
            os._exit(status)  # pylint: disable=protected-access
    return number


@scenario(rust_only=True)
def readers_see_one_table_or_the_other(t):
    director = Topology(servers=1).director
    writer = Additions(director)
    equal(writer.apply(*one_service(1), everything=True), "ok", "the table")
    clients = [Additions(director) for _ in range(2)]
    readings = [lambda: of_dump(clients[0], "GET_DEST", WEIGHT, key()),
                lambda: of_dump(clients[1], "GET_DEST", UPPER, key()),
                lambda: weights_of_proc(director)]

    def read(reading):
        seen = set()
        for _ in range(4000):
            values = reading()
            same(values, SERVERS, "a reading")
            seen |= set(values)
            if len(seen) == 2:
                return
        raise SystemExit("the table never changed")

    def repeatedly(reading):
        for _ in range(10):
            read(reading)

    children = [child(lambda reading=reading: repeatedly(reading)) for reading in readings]
    turn, failed = 0, 0
    while children:
        turn += 1
        equal(writer.apply(*one_service(1 + turn % 2), everything=True), "ok", "a change")
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            children.remove(ended)
            failed += status != 0
    equal(failed, 0, "readers that saw a mixture")
    check(turn > 10, "few changes")
    t.note("all readings were of one table")


def server_address_hex(number):
    """A server's address as /proc shows it."""
    return "".join(f"{int(byte):02X}" for byte in server_address(number).split("."))


DNS = f"-u {VIP}:53"
ONE_PACKET, PERSISTENT = 4, 1
# What a service is edited to in turn. Of two servers dh, which heeds no weights, and fo choose different ones here.
EDITS = [service(53, protocol=17, scheduler="dh", flags=ONE_PACKET, without=(8,),
                 more=attribute(TIMEOUT, u32(111))),
         service(53, protocol=17, scheduler="fo", flags=PERSISTENT, without=(8, 9),
                 more=attribute(TIMEOUT, u32(222)) + attribute(9, bytes.fromhex("ffffff00")))]


def edited(client, number):
    equal(client.do("SET_SERVICE", EDITS[number])[0], "ok", "an edit")


def views_of_a_service(director):
    """What tells a service's scheduler and settings, by each interface."""
    netlink, sockopt = Additions(director), SocketOptions(director)

    def dumped():
        (_, nest), = attributes(netlink.dump("GET_SERVICE")[0][2])
        return [dict(attributes(nest))[kind] for kind in (6, 7, 8, 9)]

    return [dumped, lambda: sockopt.get("SERVICE", asked(VIP, 53, 17) + bytes(68))[2][:44],
            lambda: director.read("/proc/net/ip_vs").splitlines()[3]]


@scenario(rust_only=True)
def an_edited_service_is_as_before_or_as_after(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s dh -o", *(f"-a {DNS} -r {server_address(number)}:53 -m" for number in (1, 2)))
    writer, ports = Additions(lab.director), iter(range(2000, 60000))

    def send():
        port = next(ports)
        number, = lab.chosen(udp(CLIENT, port, VIP, 53, b"question"))
        return number, port

    single = send()[0]
    other = 3 - single
    lab.director.ipvs(f"-e {DNS} -r {server_address(other)}:53 -m -w 2")
    readings, known = views_of_a_service(lab.director), []
    for number, server_number in enumerate((single, other)):
        edited(writer, number)
        known.append([reading() for reading in readings])
        equal([send()[0] for _ in range(3)], [server_number] * 3, "servers by themselves")

    def edit():
        use_all_processors()
        client = Additions(lab.director)
        while True:
            for number in (0, 1):
                edited(client, number)

    def read(which):
        use_all_processors()
        seen = [0, 0]
        while min(seen) < 300:
            value = readings[which]()
            states = [state[which] for state in known]
            check(value in states, f"a mixture: {value!r}, neither of {states!r}")
            seen[states.index(value)] += 1

    editor = child(edit)
    children = {child(lambda which=which: read(which)) for which in range(len(readings))}
    sent, failed = [], 0
    while children or min([number for number, _ in sent].count(one) for one in (1, 2)) < 100:
        sent.append(send())
        ended, status = os.waitpid(-1, os.WNOHANG)
        check(ended != editor, "the editor failed")
        children.discard(ended)
        failed += ended and status != 0
    os.kill(editor, signal.SIGTERM)
    os.waitpid(editor, 0)
    equal(failed, 0, "readers that saw a mixture")
    rows = [line.split() for line in lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]]
    equal({row[5] for row in rows}, {server_address_hex(other)}, "servers of connections and templates")
    remembered = {int(row[2], 16) for row in rows}
    for number, port in sent:
        equal(port in remembered, number == other, f"a connection of the packet to server {number}")
    t.note("all readings and packets were of one state or the other")
