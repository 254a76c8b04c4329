# SPDX-License-Identifier: GPL-2.0
"""The commands that the family has here and not in the C module: see include/uapi/ipvs_rs.h."""

import socket
import struct

from genl import (ACK, ADD_MEMBERSHIP, DEST, DUMP, GENL_HEADER, HEADER, SERVICE, SO_SNDBUFFORCE, SOL_NETLINK,
                  Client, attribute, attributes)

(EVENT, GET_CONN, NEW_CONN, DEL_CONN, APPLY, SAVE_CONN, RESTORE_CONN, SET_SYNC_KEYS, SET_SYNC_PEERS,
 GET_SYNC) = range(64, 74)
(CONN, FLAGS, COUNT, ACTION, CHANGED, PORTID, SETTING, VALUE, ENTRIES, OUTCOME, AUTHENTICATION, KEY, PEER, MASTER,
 EVENTS) = range(16, 31)
OUTCOME_NAME, OUTCOME_COUNT, OUTCOME_TOTAL = 1, 2, 3
MODES = ("off", "optional", "required")
ALL = 1
NESTED = 0x8000
ACTIONS = {1: "new", 2: "set", 3: "del", 4: "flush", 5: "zero"}
(FAMILY, PROTOCOL, CLIENT_ADDR, CLIENT_PORT, VIRTUAL_ADDR, VIRTUAL_PORT, SERVER_ADDR, SERVER_PORT, STATE, SERVER_FAMILY,
 CONN_FLAGS, EXPIRES, IN_PACKETS, PE_NAME, PE_DATA) = range(1, 16)
MULTICAST_GROUPS, GROUP_NAME, GROUP_ID = 7, 1, 2
KIND_MASK = 0x3FFF


def nest(kind, *inside):
    """A nest with its flag, of attributes that are bytes already."""
    return attribute(kind | NESTED, b"".join(inside))


def number(payload):
    return struct.unpack("=I", payload)[0]


def port(payload):
    return struct.unpack("!H", payload)[0]


def plain(payload):
    """{type without flags: payload}."""
    return {kind & KIND_MASK: content for kind, content in attributes(payload)}


def ip(payload):
    return socket.inet_ntop(socket.AF_INET if len(payload) == 4 else socket.AF_INET6, payload)


def master(payload):
    """A thread of a master that a backup hears."""
    value = plain(payload)
    return {"addr": ip(value[1]), "stream": struct.unpack("=H", value[2])[0], "epoch": number(value[3]),
            "complete": value[4] == b"\1", "missing": number(value[5]), "silence": number(value[6])}


class Conn:
    """A connection as GET_CONN tells of it."""

    def __init__(self, payload):
        top = plain(payload)
        self.service = plain(top[SERVICE])
        self.values = plain(top[CONN])

    def __str__(self):
        value = self.values
        where = [f"{socket.inet_ntop(socket.AF_INET if len(value[at]) == 4 else socket.AF_INET6, value[at])}:"
                 f"{port(value[at + 1])}" for at in (CLIENT_ADDR, VIRTUAL_ADDR, SERVER_ADDR)]
        protocol = struct.unpack("=H", value[PROTOCOL])[0]
        state = value[STATE].rstrip(b"\0").decode()
        return f"{protocol} {' '.join(where)} {state} flags {number(value[CONN_FLAGS]):#x}"


# The header of a datagram with saved connections, and what an entry begins with: type, protocol, length, flags.
DATAGRAM, ENTRY = struct.Struct("!BBHBBH"), struct.Struct("!BBHI")
TEMPLATE = 0x1000
# So many saved connections at once.
BATCH = 100


def datagram(entries, version=1):
    """A datagram with saved connections."""
    body = b""
    for one in entries:
        body += bytes(-len(body) % 4) + one
    return DATAGRAM.pack(0, 0, DATAGRAM.size + len(body), len(entries), version, 0) + body


def is_template(entry):
    """Whether a saved entry is about a template."""
    return bool(ENTRY.unpack_from(entry)[3] & TEMPLATE)


class Additions(Client):
    """A client of the new commands."""

    def save(self):
        """SAVE_CONN: the entries, those of templates first."""
        outcome, replies = self.ask(SAVE_CONN, flags=DUMP)
        if outcome != "ok":
            raise OSError(outcome)
        entries = [plain(payload)[ENTRIES][DATAGRAM.size:] for _, _, payload in replies]
        return sorted(entries, key=lambda entry: (not is_template(entry), entry))

    def restore(self, entries):
        """RESTORE_CONN: {what became of entries: how many}, or the error's name."""
        sums = {}
        for first in range(0, len(entries), BATCH):
            outcome, replies = self.ask(RESTORE_CONN, attribute(ENTRIES, datagram(entries[first:first + BATCH])))
            if outcome != "ok":
                return outcome
            for kind, content in attributes(replies[0][2]):
                if kind & KIND_MASK == OUTCOME:
                    told = plain(content)
                    name = told[OUTCOME_NAME].rstrip(b"\0").decode()
                    sums[name] = sums.get(name, 0) + number(told[OUTCOME_COUNT])
        return sums

    def set_keys(self, mode, *secrets):
        """SET_SYNC_KEYS: the outcome. A secret has a number."""
        keys = [nest(KEY, attribute(1, bytes([number])), attribute(2, secret)) for number, secret in secrets]
        return self.ask(SET_SYNC_KEYS, attribute(AUTHENTICATION, bytes([MODES.index(mode)])) + b"".join(keys))[0]

    def set_peers(self, *addrs):
        """SET_SYNC_PEERS: the outcome."""
        families = [socket.AF_INET6 if ":" in addr else socket.AF_INET for addr in addrs]
        return self.ask(SET_SYNC_PEERS, b"".join(
            attribute(PEER, socket.inet_pton(family, addr)) for family, addr in zip(families, addrs)))[0]

    def sync_state(self):
        """GET_SYNC: mode, numbers of keys, peers, masters as dictionaries, {event: count}."""
        outcome, replies = self.ask(GET_SYNC, flags=DUMP)
        if outcome != "ok":
            raise OSError(outcome)
        state = {"mode": None, "keys": [], "peers": [], "masters": [], "events": {}}
        for _, _, payload in replies:
            for kind, content in attributes(payload):
                kind &= KIND_MASK
                if kind == AUTHENTICATION:
                    state["mode"] = MODES[content[0]]
                elif kind == KEY:
                    state["keys"].append(dict(attributes(content)))
                elif kind == PEER:
                    state["peers"].append(ip(content))
                elif kind == MASTER:
                    state["masters"].append(master(content))
                elif kind == EVENTS:
                    told = plain(content)
                    state["events"][told[OUTCOME_NAME].rstrip(b"\0").decode()] = struct.unpack("=Q", told[OUTCOME_TOTAL])[0]
        return state

    def conns(self, *filters):
        """The connections that GET_CONN tells of, and the outcome."""
        outcome, replies = self.ask(GET_CONN, b"".join(filters), flags=DUMP)
        return [Conn(payload) for _, _, payload in replies], outcome

    def end(self, *filters):
        """DEL_CONN: how many were ended, or the error's name."""
        outcome, replies = self.ask(DEL_CONN, b"".join(filters), flags=ACK)
        return number(plain(replies[0][2])[COUNT]) if replies else outcome

    def apply(self, *entries, everything=False):
        """APPLY: the outcome."""
        body = b"".join(entries) + (attribute(FLAGS, struct.pack("=I", ALL)) if everything else b"")
        self.socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 2 * len(body) + 65536)
        return self.ask(APPLY, body)[0]

    @property
    def port(self):
        """The netlink port of this socket."""
        return self.socket.getsockname()[0]


class Listener:
    """A member of the group that hears of changes in a host."""

    def __init__(self, host):
        client = Client(host)
        groups = [dict(attributes(group)) for _, group in attributes(client.description[MULTICAST_GROUPS])]
        self.group = next(number(group[GROUP_ID]) for group in groups if group[GROUP_NAME] == b"monitor\0")
        self.socket = client.socket
        self.socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, self.group)

    def hear(self):
        """All that was said so far: (action, port, changed, {type: payload}) each."""
        heard = []
        self.socket.setblocking(False)
        try:
            while True:
                data = self.socket.recv(1 << 17)
                length, _, _, _, _ = HEADER.unpack_from(data)
                body = plain(data[HEADER.size + GENL_HEADER.size:length])
                action, asker = (number(body.pop(kind)) for kind in (ACTION, PORTID))
                changed = number(body.pop(CHANGED)) if CHANGED in body else None
                heard.append((ACTIONS[action], asker, changed, body))
        except BlockingIOError:
            return heard


def words(body):
    """The attributes of an event, nests opened."""
    said = []
    for kind, content in body.items():
        if kind in (SERVICE, DEST):
            content = "{" + " ".join(f"{inner}={value.hex()}" for inner, value in plain(content).items()) + "}"
        else:
            content = content.hex()
        said.append(f"{kind}={content}")
    return " ".join(said)
