# SPDX-License-Identifier: GPL-2.0
"""Every netlink command, right and wrong in every way, and what the kernel says to it."""

import struct

from genl import (COMMANDS, DAEMON, DAEMON_NAMES, DEST, DEST_NAMES, DUMP, SERVICE, SERVICE_NAMES, TIMEOUT_TCP,
                  TIMEOUT_TCP_FIN, TIMEOUT_UDP, Client, address, attribute, be16, name, structure, u8, u16, u32)
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario
from views import table

NESTED = 0x8000
SERVICE_ATTRIBUTES = {1: u16(2), 2: u16(6), 3: address(VIP), 4: be16(80), 6: name("rr"), 7: u32(0) + u32(0xFFFFFFFF),
                      8: u32(0), 9: u32(0xFFFFFFFF)}
SERVICE_KEY = (1, 2, 3, 4)
DEST_ATTRIBUTES = {1: address(server_address(1)), 2: be16(80), 3: u32(0), 4: u32(1), 5: u32(0), 6: u32(0)}
DEST_KEY = (1, 2)
TUNNEL_ATTRIBUTES = {11: u16(2), 13: u8(0), 14: be16(0), 15: u16(0)}
STATS = {10: {}, 12: {}}


def nest(kind, values, flags=0):
    """A nest made of a {type: payload} dictionary."""
    return attribute(kind | flags, b"".join(attribute(inner, payload) for inner, payload in values.items()))


def service(keys=None, port=80, **changes):
    """The SERVICE nest of the usual service, whole or only some keys, with changes as a<type>=payload."""
    values = {kind: SERVICE_ATTRIBUTES[kind] for kind in keys or SERVICE_ATTRIBUTES}
    values[4] = be16(port)
    return nest(SERVICE, changed(values, changes))


def dest(keys=None, port=80, **changes):
    """The DEST nest of the usual server."""
    values = {kind: DEST_ATTRIBUTES[kind] for kind in keys or DEST_ATTRIBUTES}
    values[2] = be16(port)
    return nest(DEST, changed(values, changes))


def changed(values, changes):
    """Replaces, adds or (with None) removes attributes."""
    for label, payload in changes.items():
        values[int(label[1:])] = payload
    return {kind: payload for kind, payload in values.items() if payload is not None}


class Prober:
    """Sends requests to a director in a known state, notes errors, and any change of the state."""

    def __init__(self, t, lab):
        self.t = t
        self.client = Client(lab.director)
        self.home = None
        self.reset()
        self.home = self.client.state()

    def reset(self):
        """One service with one server, and the default time-outs."""
        self.client.do("FLUSH")
        self.client.do("SET_CONFIG", attribute(TIMEOUT_TCP, u32(900)) + attribute(TIMEOUT_TCP_FIN, u32(120))
                       + attribute(TIMEOUT_UDP, u32(300)))
        for command, payload in (("NEW_SERVICE", service()), ("NEW_DEST", service(SERVICE_KEY) + dest())):
            equal(self.client.do(command, payload)[0], "ok", command)
        check(self.home in (None, self.client.state()), "the usual state cannot be restored")

    def probe(self, title, command, payload=b"", **options):
        """One case."""
        outcome, replies = self.client.do(command, payload, **options)
        self.t.note(f"{command} {title}: {outcome}" + (f", {len(replies)} replies" if replies else ""))
        after = self.client.state()
        if after != self.home:
            for line in sorted(set(self.home) ^ set(after)):
                self.t.note(f"    {'+' if line in after else '-'} {line}")
            self.reset()


def spoiled(payload):
    """Ways to spoil one attribute: {what was done: payloads to send instead}."""
    return {
        "absent": [], "empty": [b""], "short": [payload[:-1]], "half": [payload[:len(payload) // 2]],
        "overlong": [payload + b"\xa5\xa5\xa5\xa5"], "twice": [payload, bytes(len(payload))],
        "twice, right one last": [bytes(len(payload)), payload], "zero": [bytes(len(payload))],
        "all ones": [b"\xff" * len(payload)],
    }


def spoiled_nests(kind, values, names):
    """(title, nest) for every attribute spoiled in every way."""
    for target, right in values.items():
        for title, payloads in spoiled(right).items():
            body = b""
            for inner, payload in values.items():
                for one in payloads if inner == target else [payload]:
                    body += attribute(inner, one)
            yield f"{names[target]} {title}", attribute(kind, body)


@scenario
def netlink_service_attributes_spoiled_one_by_one(t):
    prober = Prober(t, Topology())
    for command, port in (("NEW_SERVICE", 81), ("SET_SERVICE", 80), ("DEL_SERVICE", 80), ("GET_SERVICE", 80),
                          ("ZERO", 80)):
        whole = {**SERVICE_ATTRIBUTES, 4: be16(port)}
        values = whole if command in ("NEW_SERVICE", "SET_SERVICE") else {kind: whole[kind] for kind in SERVICE_KEY}
        prober.probe("as it should be", command, nest(SERVICE, values))
        for title, payload in spoiled_nests(SERVICE, values, SERVICE_NAMES):
            prober.probe(title, command, payload)


@scenario
def netlink_server_attributes_spoiled_one_by_one(t):
    prober = Prober(t, Topology())
    for command, port in (("NEW_DEST", 81), ("SET_DEST", 80), ("DEL_DEST", 80)):
        whole = {**DEST_ATTRIBUTES, 2: be16(port)}
        values = {kind: whole[kind] for kind in DEST_KEY} if command == "DEL_DEST" else {**whole, **TUNNEL_ATTRIBUTES}
        key = service(SERVICE_KEY)
        prober.probe("as it should be", command, key + nest(DEST, values))
        for title, payload in spoiled_nests(DEST, values, DEST_NAMES):
            prober.probe(title, command, key + payload)
        for title, payload in spoiled_nests(SERVICE, {kind: SERVICE_ATTRIBUTES[kind] for kind in SERVICE_KEY},
                                            SERVICE_NAMES):
            prober.probe(f"service {title}", command, payload + nest(DEST, values))


@scenario
def netlink_values_out_of_range(t):
    prober = Prober(t, Topology())
    for title, changes in {
            "protocol 200": {"a2": u16(200)}, "protocol 17": {"a2": u16(17)}, "family 10": {"a1": u16(10)},
            "family 3": {"a1": u16(3)}, "address of 3 bytes": {"a3": b"\x0a\0\1"}, "port 0": {"a4": be16(0)},
            "address of 16 bytes": {"a3": address(VIP) + bytes(12)}, "address of 17 bytes": {"a3": bytes(17)},
            "unknown scheduler": {"a6": name("nonesuch")}, "empty scheduler": {"a6": b"\0"},
            "scheduler none": {"a6": name("none")}, "unterminated scheduler": {"a6": b"rr"},
            "scheduler of 15": {"a6": name("a" * 15)}, "scheduler of 16": {"a6": name("a" * 16)},
            "scheduler with text after its end": {"a6": b"rr\0wlc\0"}, "scheduler RR": {"a6": name("RR")},
            "all flags": {"a7": u32(0xFFFFFFFF) * 2}, "flags of 4 bytes": {"a7": u32(4)},
            "flags masked": {"a7": u32(5) + u32(1)},
            "timeout 10": {"a8": u32(10)}, "timeout max": {"a8": u32(0xFFFFFFFF)}, "netmask 0": {"a9": u32(0)},
            "fwmark 5": {"a5": u32(5)}, "fwmark 0": {"a5": u32(0)}, "fwmark without the rest": {
                "a2": None, "a3": None, "a4": None, "a5": u32(6)},
            "unknown engine": {"a11": name("nonesuch")}, "empty engine": {"a11": b"\0"},
            "engine of 16": {"a11": name("b" * 16)}, "engine of 17": {"a11": name("b" * 17)},
            "statistics sent along": {"a10": attribute(1, u32(7)), "a12": b""}, "an unknown attribute": {"a77": u32(7)},
    }.items():
        prober.probe(title, "NEW_SERVICE", service(port=81, **{"a4": be16(81), **changes}))
        prober.probe(title, "SET_SERVICE", service(**changes))
    for title, changes in {
            "weight -1": {"a4": u32(-1)}, "weight max": {"a4": u32(0x7FFFFFFF)}, "weight 0": {"a4": u32(0)},
            "upper max": {"a5": u32(0x7FFFFFFF)}, "upper above": {"a5": u32(0x80000000)}, "lower 1": {"a6": u32(1)},
            "lower = upper": {"a5": u32(9), "a6": u32(9)}, "lower > upper": {"a5": u32(9), "a6": u32(10)},
            "method 1": {"a3": u32(1)}, "method 4": {"a3": u32(4)}, "method 5": {"a3": u32(5)},
            "method 8": {"a3": u32(8)},
            "method max": {"a3": u32(0xFFFFFFFF)}, "family 10": {"a11": u16(10)}, "family 0": {"a11": u16(0)},
            "family 3": {"a11": u16(3)}, "multicast": {"a1": address("224.0.0.1")}, "broadcast": {
                "a1": address("255.255.255.255")}, "address 0": {"a1": address("0.0.0.0")},
            "local address": {"a1": address("172.16.1.1")}, "network address": {"a1": address("172.16.1.0")},
            "unroutable address": {"a1": address("203.0.113.1")}, "port 0": {"a2": be16(0)},
            "gue without port": {"a3": u32(2), "a13": u8(1)}, "gue": {"a3": u32(2), "a13": u8(1), "a14": be16(6080)},
            "gre": {"a3": u32(2), "a13": u8(2), "a15": u16(1)}, "tunnel type 3": {"a3": u32(2), "a13": u8(3)},
            "output only attributes": {"a7": u32(7), "a8": u32(8), "a9": u32(9), "a10": b"", "a12": b""},
            "an unknown attribute": {"a77": u32(7)},
    }.items():
        prober.probe(title, "NEW_DEST", service(SERVICE_KEY) + dest(port=81, **{"a2": be16(81), **changes}))
        prober.probe(title, "SET_DEST", service(SERVICE_KEY) + dest(**changes))


@scenario
def netlink_messages_of_the_wrong_shape(t):
    prober = Prober(t, Topology())
    key = service(SERVICE_KEY)
    for command in COMMANDS:
        if command in ("NEW_DAEMON", "DEL_DAEMON", "GET_DAEMON"):
            continue
        prober.probe("without attributes", command)
        prober.probe("as a dump without attributes", command, flags=DUMP)
        prober.probe("as a dump with a key", command, key, flags=DUMP)
        prober.probe("with both nests empty", command, attribute(SERVICE, b"") + attribute(DEST, b""))
        prober.probe("with the service as four bytes", command, attribute(SERVICE, u32(1)) + dest())
        prober.probe("with marked nests", command, nest(SERVICE, SERVICE_ATTRIBUTES, NESTED)
                     + nest(DEST, DEST_ATTRIBUTES, NESTED))
        prober.probe("with the service nested twice", command, attribute(SERVICE, service()) + dest())
        prober.probe("with the server inside the service", command, attribute(SERVICE, service()[4:] + dest()))
        prober.probe("with a lying inner length", command,
                     attribute(SERVICE, struct.pack("=HH", 200, 1) + u16(2)) + dest())
        prober.probe("with a lying outer length", command, struct.pack("=HH", 400, SERVICE) + service()[4:])
        prober.probe("with trailing bytes", command, service() + dest() + b"\1\2\3")
        prober.probe("with an unknown top attribute", command, service() + dest() + attribute(99, u32(1)))
        prober.probe("with two services", command, service(port=82) + service() + dest())
        prober.probe("without a command header", command, raw=b"")
        prober.probe("of version 0", command, service() + dest(port=83), version=0)
        prober.probe("of version 99", command, service() + dest(port=83), version=99)
    for number in (0, 18, 255):
        outcome, _ = prober.client.ask(number, service() + dest())
        t.note(f"command {number}: {outcome}")


@scenario
def netlink_things_that_exist_or_do_not(t):
    prober = Prober(t, Topology())
    there, absent = service(SERVICE_KEY), service(SERVICE_KEY, port=99)
    other_protocol = nest(SERVICE, {1: u16(2), 2: u16(17), 3: address(VIP), 4: be16(80)})
    marked = nest(SERVICE, {1: u16(2), 5: u32(80)})
    for title, key in (("there", there), ("absent", absent), ("of another protocol", other_protocol),
                       ("by mark", marked)):
        for command in ("DEL_SERVICE", "GET_SERVICE", "ZERO"):
            prober.probe(f"service {title}", command, key)
        for server, port in (("there", 80), ("absent", 99)):
            for command in ("NEW_DEST", "SET_DEST", "DEL_DEST"):
                prober.probe(f"service {title}, server {server}", command, key + dest(port=port))
        prober.probe(f"service {title}", "GET_DEST", key, flags=DUMP)
    prober.probe("that is there", "NEW_SERVICE", service())
    prober.probe("that is absent", "SET_SERVICE", service(port=99))
    for title, payload in {
            "nothing": b"", "zeroes": attribute(TIMEOUT_TCP, u32(0)) + attribute(TIMEOUT_UDP, u32(0)),
            "tcp 10": attribute(TIMEOUT_TCP, u32(10)), "fin 11": attribute(TIMEOUT_TCP_FIN, u32(11)),
            "udp 12": attribute(TIMEOUT_UDP, u32(12)), "negative": attribute(TIMEOUT_TCP, u32(-1)),
            "good and bad": attribute(TIMEOUT_TCP, u32(10)) + attribute(TIMEOUT_UDP, u32(0x7FFFFFFF)),
            "largest": attribute(TIMEOUT_UDP, u32(0x7FFFFFFF // 250)), "too large": attribute(
                TIMEOUT_UDP, u32(0x7FFFFFFF // 250 + 1)), "short": attribute(TIMEOUT_UDP, u16(5)),
            "overlong": attribute(TIMEOUT_UDP, u32(5) + u32(6))}.items():
        prober.probe(title, "SET_CONFIG", payload)
    prober.probe("", "FLUSH")
    prober.probe("with a payload", "FLUSH", service(port=99))


@scenario
def netlink_sync_daemon_commands_that_are_refused(t):
    client = Client(Topology().director)
    right = {1: u32(1), 2: name("c0"), 3: u32(7)}
    cases = [(title, payload) for title, payload in spoiled_nests(DAEMON, right, DAEMON_NAMES)
             if title.split()[-1] in ("absent", "empty", "short", "half")]
    cases += [("no nest", b""), ("state 3", nest(DAEMON, {**right, 1: u32(3)})),
              ("unknown interface", nest(DAEMON, {**right, 2: name("nonesuch")})),
              ("unicast group", nest(DAEMON, {**right, 5: address("10.0.0.9")}))]
    for title, payload in cases:
        t.note(f"NEW_DAEMON {title}:", client.do("NEW_DAEMON", payload)[0])
        t.note(f"DEL_DAEMON {title}:", client.do("DEL_DAEMON", payload)[0])
    t.note("GET_DAEMON:", client.dump("GET_DAEMON"))
    t.note("GET_DAEMON as a do:", client.do("GET_DAEMON")[0])


@scenario
def netlink_replies_byte_by_byte(t):
    lab = Topology(servers=2)
    client = Client(lab.director)
    inner = {SERVICE: STATS, DEST: STATS}

    def show(title, replies, nests):
        for number, (flags, command, payload) in enumerate(replies):
            t.block(f"{title}, message {number}, flags {flags:#x}, command {command}", structure(payload, nests))
        t.note(f"{title}: {len(replies)} messages")

    show("info without a service", client.do("GET_INFO")[1], {})
    show("no services", client.dump("GET_SERVICE"), inner)
    lab.director.ipvs(f"-A -t {VIP}:80 -s wlc -p 300 -M 255.255.255.0",
                      f"-a -t {VIP}:80 -r {server_address(1)}:8080 -m -w 7",
                      f"-a -t {VIP}:80 -r {server_address(2)}:0 -m -w 0 -x 9 -y 3")
    key = service(SERVICE_KEY)
    show("service", client.do("GET_SERVICE", key)[1], inner)
    show("all services", client.dump("GET_SERVICE"), inner)
    show("servers", client.dump("GET_DEST", key), inner)
    show("config", client.do("GET_CONFIG")[1], {})
    show("info", client.do("GET_INFO")[1], {})
    t.block("table", table(lab.director))
