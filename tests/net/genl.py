# SPDX-License-Identifier: GPL-2.0
"""A generic netlink client that says exactly the bytes it is told to say, right or wrong."""

import errno
import socket
import struct

NETLINK_GENERIC = 16
REQUEST, ACK, DUMP = 1, 4, 0x300
MULTI_DONE, ERROR = 3, 2
CONTROLLER, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
SO_SNDBUFFORCE = 32
SOL_NETLINK, ADD_MEMBERSHIP, CAP_ACK, EXT_ACK = 270, 1, 10, 11
CAPPED, ACK_TLVS = 0x100, 0x200
EXPLANATION, OFFSET = 1, 2
HEADER, GENL_HEADER, ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")

COMMANDS = {name: number for number, name in enumerate(
    "NEW_SERVICE SET_SERVICE DEL_SERVICE GET_SERVICE NEW_DEST SET_DEST DEL_DEST GET_DEST NEW_DAEMON DEL_DAEMON "
    "GET_DAEMON SET_CONFIG GET_CONFIG SET_INFO GET_INFO ZERO FLUSH".split(), 1)}
# Top level.
SERVICE, DEST, DAEMON, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP = range(1, 7)
# The statistics inside a service or a server.
STATS_NESTS = {10, 12}
SERVICE_NAMES = dict(enumerate("AF PROTOCOL ADDR PORT FWMARK SCHED_NAME FLAGS TIMEOUT NETMASK STATS PE_NAME STATS64"
                               .split(), 1))
DEST_NAMES = dict(enumerate("ADDR PORT FWD_METHOD WEIGHT U_THRESH L_THRESH ACTIVE_CONNS INACT_CONNS PERSIST_CONNS "
                            "STATS ADDR_FAMILY STATS64 TUN_TYPE TUN_PORT TUN_FLAGS".split(), 1))
DAEMON_NAMES = dict(enumerate("STATE MCAST_IFN SYNC_ID SYNC_MAXLEN MCAST_GROUP MCAST_GROUP6 MCAST_PORT MCAST_TTL"
                              .split(), 1))


def attribute(kind, payload):
    """One attribute, padded."""
    return ATTRIBUTE.pack(4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def attributes(payload):
    """The (type, payload) pairs of an attribute stream."""
    while payload:
        length, kind = ATTRIBUTE.unpack_from(payload)
        yield kind, payload[4:length]
        payload = payload[(length + 3) & ~3:]


def u8(value):
    return struct.pack("=B", value)


def u16(value):
    return struct.pack("=H", value)


def be16(value):
    return struct.pack("!H", value)


def u32(value):
    return struct.pack("=I", value & 0xFFFFFFFF)


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def name(text):
    return text.encode() + b"\0"


def outcome(code):
    """The name of an error number."""
    names = {0: "ok", errno.EOPNOTSUPP: "EOPNOTSUPP"}
    return names.get(code) or errno.errorcode.get(code, str(code))


def message(family, body, flags=0, sequence=0):
    """The bytes of a request."""
    return HEADER.pack(HEADER.size + len(body), family, REQUEST | flags, sequence, 0) + body


def explanation(kind, message_flags, content):
    """What an error message says besides its number: (text, offset of the attribute), each perhaps None."""
    if not message_flags & ACK_TLVS:
        return None, None
    told = dict(attributes(content[4 + (HEADER.size if kind == ERROR else 0):]))
    text, offset = told.get(EXPLANATION), told.get(OFFSET)
    return text and text.rstrip(b"\0").decode(), offset and struct.unpack("=I", offset)[0]


class Client:
    """A socket of one host and the number of the IPVS family."""

    FAMILY = "IPVS"

    def __init__(self, host):
        self.socket = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.settimeout(30)
        self.socket.setsockopt(SOL_NETLINK, CAP_ACK, 1)
        self.socket.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sequence = 0
        # What the kernel said about the last error: the text, and the offset of the attribute.
        self.explanation = None
        self.family = CONTROLLER
        _, replies = self.ask(GET_FAMILY, attribute(FAMILY_NAME, name(self.FAMILY)))
        found = self.description = dict(attributes(replies[0][2])) if replies else {}
        self.family = struct.unpack("=H", found[FAMILY_ID])[0] if found else None

    def ask(self, command, payload=b"", flags=ACK, version=1, raw=None):
        """Sends one request; returns ("ok" or the error's name, [(message flags, command, attributes)])."""
        self.sequence += 1
        body = GENL_HEADER.pack(command, version, 0) + payload if raw is None else raw
        self.socket.send(message(self.family, body, flags, self.sequence))
        replies = []
        while True:
            data = self.socket.recv(1 << 17)
            while data:
                length, kind, message_flags, sequence, _ = HEADER.unpack_from(data)
                content, data = data[HEADER.size:length], data[(length + 3) & ~3:]
                if sequence != self.sequence:
                    continue
                if kind in (ERROR, MULTI_DONE):
                    self.explanation = explanation(kind, message_flags, content)
                    code = struct.unpack_from("=i", content)[0] if content else 0
                    return outcome(-code), replies
                replies.append((message_flags, content[0], content[GENL_HEADER.size:]))

    def do(self, command, payload=b"", **options):
        """The outcome of a command by name."""
        return self.ask(COMMANDS[command], payload, **options)

    def dump(self, command, payload=b""):
        """The messages of a dump by name."""
        return self.ask(COMMANDS[command], payload, flags=DUMP)[1]

    def pages(self, command, payload=b""):
        """The attributes of the entries of a dump by name, a list for each message buffer."""
        body = GENL_HEADER.pack(COMMANDS[command], 1, 0) + payload
        self.socket.send(message(self.family, body, DUMP, 1))
        done = False
        while not done:
            data, entries = self.socket.recv(1 << 17), []
            while data:
                length, kind, *_ = HEADER.unpack_from(data)
                content, data = data[HEADER.size + GENL_HEADER.size:length], data[(length + 3) & ~3:]
                done = done or kind < 16
                if kind >= 16:
                    entries.append(content)
            yield entries

    def state(self):
        """All services with their servers and the time-outs as sorted lines, without statistics."""
        lines = []
        for _, _, payload in self.dump("GET_SERVICE"):
            nest = next(content for kind, content in attributes(payload) if kind == SERVICE)
            words = show(nest, SERVICE_NAMES)
            lines.append("service " + words)
            key = service_key(nest)
            for _, _, below in self.dump("GET_DEST", attribute(SERVICE, key)):
                dest = next(content for kind, content in attributes(below) if kind == DEST)
                label = ".".join(content.hex()[:8] for _, content in attributes(key))
                lines.append(f"server of {label} {show(dest, DEST_NAMES)}")
        for _, _, payload in self.ask(COMMANDS["GET_CONFIG"], flags=ACK)[1]:
            lines.append("timeouts " + " ".join(f"{kind}={content.hex()}" for kind, content in attributes(payload)))
        return sorted(lines)


def service_key(nest):
    """The attributes that identify the service of a dumped nest."""
    return b"".join(attribute(kind, content) for kind, content in attributes(nest) if kind <= 5)


def show(nest, names):
    """A nest in words, without statistics."""
    return " ".join(f"{names.get(kind, kind)}={content.hex()}" for kind, content in attributes(nest)
                    if kind not in STATS_NESTS)


def structure(payload, nests, depth=0):
    """Every attribute of a reply: its type with the flag bits, its length and its bytes; `nests` says what to open."""
    lines = []
    for kind, content in attributes(payload):
        inner = nests.get(kind)
        shown = content.hex() if inner is None else ""
        lines.append(f"{'  ' * depth}{kind:#06x} length {len(content)} {shown}".rstrip())
        if inner is not None:
            lines += structure(content, inner, depth + 1)
    return lines
