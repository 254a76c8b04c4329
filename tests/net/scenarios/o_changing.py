# SPDX-License-Identifier: GPL-2.0
"""Listings that are read in pieces while the configuration changes: what was there all the time is listed exactly once.

The C module counts places in its tables, so it repeats and skips entries; these scenarios are for ours alone."""

import itertools
import os
import re

from genl import DEST, SERVICE, Client, address, attribute, attributes, be16, name, u16, u32
from lab import VIP, Topology
from scenario import check, equal, scenario

STABLE = range(1, 301)
CHANGING = range(1001, 1301)
SHOWN_PORT = 4


def service(port, whole=False):
    """The SERVICE nest of one port of the virtual address."""
    values = attribute(1, u16(2)) + attribute(2, u16(6)) + attribute(3, address(VIP)) + attribute(4, be16(port))
    if whole:
        values += attribute(6, name("rr")) + attribute(7, u32(0) * 2) + attribute(8, u32(0)) + attribute(9, u32(0))
    return attribute(SERVICE, values)


def server(port, whole=False):
    """The DEST nest of one port of a server that is always reachable."""
    values = attribute(1, address("127.0.0.1")) + attribute(2, be16(port))
    if whole:
        values += attribute(3, u32(0)) + attribute(4, u32(1)) + attribute(5, u32(0)) + attribute(6, u32(0))
    return attribute(DEST, values)


def pages(client, command, payload=b""):
    """The lists of ports in the messages of a dump, one list for each message buffer."""
    kind = 2 if command == "GET_DEST" else SHOWN_PORT
    for entries in client.pages(command, payload):
        ports = []
        for content in entries:
            (_, nest), = attributes(content)
            ports.append(int.from_bytes(dict(attributes(nest))[kind][:2], "big"))
        yield ports


def stir(writer):
    """Endless changes, one for each step: a service that is not there comes, one that is there goes."""
    there = set()
    for port in itertools.cycle(CHANGING):
        if port in there:
            writer.do("DEL_SERVICE", service(port))
        else:
            writer.do("NEW_SERVICE", service(port, True))
        there ^= {port}
        yield port


def exactly_once(seen, wanted, what):
    """Nothing twice, and nothing of what was there all the time missing."""
    equal(len(seen), len(set(seen)), f"{what}: entries listed, and different ones")
    check(set(wanted) <= set(seen), f"{what}: {len(set(wanted) - set(seen))} entries are missing")


@scenario(rust_only=True)
def services_are_dumped_once_while_others_come_and_go(t):
    director = Topology().director
    reader, writer = Client(director), Client(director)
    for port in STABLE:
        equal(writer.do("NEW_SERVICE", service(port, True))[0], "ok", "adding")
    changes = stir(writer)
    for _ in range(5):
        seen = []
        for ports in pages(reader, "GET_SERVICE"):
            seen += ports
            list(itertools.islice(changes, 70))
        exactly_once(seen, STABLE, "a dump")
    t.note("five dumps")


@scenario(rust_only=True)
def servers_are_dumped_once_while_others_come_and_go(t):
    director = Topology().director
    reader, writer = Client(director), Client(director)
    equal(writer.do("NEW_SERVICE", service(80, True))[0], "ok", "adding")
    for port in STABLE:
        equal(writer.do("NEW_DEST", service(80) + server(port, True))[0], "ok", "adding")
    for _ in range(5):
        seen, fickle = [], set()
        for ports in pages(reader, "GET_DEST", service(80)):
            seen += ports
            # Among them the one that the next page goes on from.
            for port in ports[-1:] + ports[:5]:
                fickle.add(port)
                equal(writer.do("DEL_DEST", service(80) + server(port))[0], "ok", "deleting")
                equal(writer.do("NEW_DEST", service(80) + server(port, True))[0], "ok", "adding again")
        exactly_once(seen, set(STABLE) - fickle, "a dump")
    t.note("five dumps")


@scenario(rust_only=True)
def the_text_listing_is_exact_while_services_come_and_go(t):
    director = Topology().director
    writer = Client(director)
    for port in STABLE:
        equal(writer.do("NEW_SERVICE", service(port, True))[0], "ok", "adding")
        writer.do("NEW_DEST", service(port) + server(port, True))
    changes = stir(writer)
    for piece in (1, 37, 500, 4096):
        with director:
            descriptor = os.open("/proc/net/ip_vs", os.O_RDONLY)
        text = b""
        for turn in itertools.count():
            read = os.read(descriptor, piece)
            text += read
            if not read:
                break
            if turn % max(1, 500 // piece) == 0:
                next(changes)
        os.close(descriptor)
        lines = text.decode().splitlines()[3:]
        exactly_once([int(line[14:18], 16) for line in lines if line.startswith("TCP")], STABLE, f"pieces of {piece}")
        exactly_once([int(found[1], 16) for found in map(re.compile(r"  -> 7F000001:(....) ").match, lines) if found],
                     STABLE, f"servers, pieces of {piece}")
    t.note("four listings")
