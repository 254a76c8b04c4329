# SPDX-License-Identifier: GPL-2.0
"""APPLY seen by who reads meanwhile: one table or the other, never some of both."""

import os
import traceback

from additions import Additions
from genl import SERVICE, attribute, attributes, u32
from lab import Topology
from scenario import check, equal, scenario
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
