# SPDX-License-Identifier: GPL-2.0
"""The netlink commands of the layer-7 switch: see include/uapi/ktcpvs.h."""

import socket

from genl import (ADD_MEMBERSHIP, DUMP, GENL_HEADER, HEADER, SOL_NETLINK, Client, address, attribute, attributes, be16, name, u16,
                  u32)

COMMANDS = {what: number for number, what in enumerate(
    "NEW_SERVICE SET_SERVICE DEL_SERVICE GET_SERVICE NEW_SERVER SET_SERVER DEL_SERVER GET_SERVER NEW_RULE DEL_RULE GET_RULE "
    "FLUSH START STOP INFO APPLY GET_RELAY DEL_RELAY".split(), 1)}
EVENT = 64
SERVICE, SERVER, RULE, RELAY, VERSION, FLAGS, ACTION, PORTID, COUNT = range(1, 10)
SERVERS, RULES = 18, 19
# What changes without a command: the counters of a service; relays, idle connections, ticks and counters of a server.
VARYING = {SERVICE: {20}, SERVER: {5, 6, 7, 8}, RULE: set()}
MULTICAST_GROUPS, GROUP_NAME, GROUP_ID = 7, 1, 2
NESTED, KIND_MASK = 0x8000, 0x3FFF


def nest(kind, *inside):
    """A nest with its flag, of attributes that are bytes already."""
    return attribute(kind | NESTED, b"".join(inside))


def plain(payload):
    """{type without flags: payload}."""
    return {kind & KIND_MASK: content for kind, content in attributes(payload)}


def place(family, addr, port, at):
    """An address and a port, as the attributes of these numbers."""
    kind = socket.AF_INET6 if ":" in addr else socket.AF_INET
    return attribute(family, u16(kind)) + attribute(family + 1, address(addr)) + attribute(at, be16(port))


def key(who):
    """What identifies a service."""
    return nest(SERVICE, attribute(1, name(who)))


def service(who, addr, port, scheduler="http", servers=None, rules=None):
    """A service; with servers and rules, which are lists of what goes inside their nests, as APPLY takes it."""
    parts = [attribute(1, name(who)), place(2, addr, port, 4), attribute(5, name(scheduler))]
    for kind, members in ((SERVERS, servers), (RULES, rules)):
        if members is not None:
            parts.append(nest(kind, *(nest(number, member) for number, member in enumerate(members, 1))))
    return nest(SERVICE, *parts)


def server(addr, port, weight=1):
    """What is inside the nest of a server."""
    return place(1, addr, port, 3) + attribute(4, u32(weight))


def rule(pattern, addr, port):
    """What is inside the nest of a rule."""
    return attribute(1, name(pattern)) + place(3, addr, port, 5)


class Switch(Client):
    """A client of the commands."""

    FAMILY = "KTCPVS"

    def do(self, command, payload=b"", **options):
        return self.ask(COMMANDS[command], payload, **options)

    def dump(self, command, payload=b""):
        return self.ask(COMMANDS[command], payload, flags=DUMP)[1]

    def state(self):
        """All services with their servers and rules, without counters, in the order of the kernel."""
        found = []
        for _, _, payload in self.dump("GET_SERVICE"):
            inside = plain(plain(payload)[SERVICE])
            found.append(fixed(SERVICE, inside))
            for command, kind in (("GET_SERVER", SERVER), ("GET_RULE", RULE)):
                members = self.dump(command, nest(SERVICE, attribute(1, inside[1])))
                found += [fixed(kind, plain(plain(payload)[kind])) for _, _, payload in members]
        return found


def fixed(kind, inside):
    return sorted((number, content) for number, content in inside.items() if number not in VARYING[kind])


class Listener(Switch):
    """A socket that is told of changes."""

    def __init__(self, host):
        super().__init__(host)
        groups = plain(self.description[MULTICAST_GROUPS])
        group = next(plain(one) for one in groups.values() if plain(one)[GROUP_NAME] == name("monitor"))
        self.socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, int.from_bytes(group[GROUP_ID], "little"))
        self.socket.setblocking(False)

    def hear(self):
        """The attributes of each event that has come."""
        events = []
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return events
            while data:
                length, kind, *_ = HEADER.unpack_from(data)
                content, data = data[HEADER.size:length], data[(length + 3) & ~3:]
                if kind == self.family and content[0] == EVENT:
                    events.append(plain(content[GENL_HEADER.size:]))
