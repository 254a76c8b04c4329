# SPDX-License-Identifier: GPL-2.0
"""Random requests: both module sets answer every one of them alike, and end in the same state."""

import hashlib
import random
import struct
import time

import sockopt
from genl import (ACK, COMMANDS, DEST, DUMP, SERVICE, TIMEOUT_TCP, Client, address, attribute, attributes, be16, name, u16,
                  u32)
from lab import Topology, server_address
from scenario import scenario

COUNT = 2000
SEED = 7
# The whole state is compared after so many requests, and what /proc shows of it after each.
WHOLE = 100
# Changes of services and servers, so that there is something to find.
FREQUENT = ["NEW_SERVICE"] * 6 + ["NEW_DEST"] * 10 + ["SET_SERVICE", "SET_DEST", "SET_DEST"]
NEVER = {"NEW_DAEMON", "FLUSH"}
COMMAND_NUMBERS = [0, 18, 19] + [number for word, number in COMMANDS.items() if word not in NEVER]
COMMAND_NUMBERS += [COMMANDS[word] for word in FREQUENT]


# Socket options, the frequent ones several times. A daemon that was started would talk while the tables are compared.
SET_OPTIONS = (["ADD", "EDIT", "DEL", "ADDDEST", "EDITDEST", "DELDEST", "ZERO"] * 4 + ["ADD", "ADDDEST"] * 8
               + ["NONE", "INSERT", "FLUSH", "LIST", "TIMEOUT", "STOPDAEMON", "RESTORE", "SAVE", sockopt.BASE + 16])
GET_OPTIONS = ["VERSION", "INFO", "SERVICES", "SERVICE", "SERVICE", "DESTS", "DESTS", "DEST", "TIMEOUT", "DAEMON",
               sockopt.BASE + 8]
# More than there can be services or servers, so that an order which is random leaves none out.
ROOM = 48


class Requests:
    """Payloads that are right, nearly right, or noise."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def worn(self, values):
        """Attributes of which some are missing or out of order."""
        if self.random.random() < 0.3:
            self.random.shuffle(values)
        if self.random.random() < 0.2:
            values.pop(self.random.randrange(len(values)))
        return b"".join(attribute(kind, payload) for kind, payload in values)

    def meant(self):
        """A service nest and a server nest of few different values."""
        pick, below = self.random.choice, self.random.randrange
        service = [(1, u16(2)), (2, u16(pick([6, 17, 3]))), (3, address(f"10.0.1.{below(3)}")), (4, be16(below(3))),
                   (6, name(pick(["rr", "wlc", "none", "x"]))), (8, u32(below(1000))), (9, u32(0xFFFFFFFF)),
                   (7, u32(self.random.getrandbits(32)) + u32(self.random.getrandbits(32)))]
        if self.random.random() < 0.3:
            service.append((5, u32(below(3))))
        dest = [(1, address(pick([server_address(1), "172.16.1.1", "127.0.0.1", "10.0.0.2"]))), (2, be16(below(3))),
                (3, u32(below(9))), (4, u32(below(-1, 9))), (5, u32(below(9))), (6, u32(below(9))), (13, bytes([below(4)]))]
        timeout = attribute(TIMEOUT_TCP, u32(below(1000))) if self.random.random() < 0.1 else b""
        return attribute(SERVICE, self.worn(service)) + attribute(DEST, self.worn(dest)) + timeout

    def noise(self, depth=0):
        """Attributes of any kind and content, some with a wrong length."""
        out = b""
        for _ in range(self.random.randrange(8)):
            kind = self.random.choice([*range(17), 0x8001, 0x4003, 99])
            if depth < 2 and self.random.random() < 0.3:
                payload = self.noise(depth + 1)
            else:
                payload = self.random.choice([u16(2), u16(10), name("rr"), name("none"), address(server_address(1)),
                                              bytes(self.random.randrange(20)), u32(self.random.randrange(5)),
                                              self.random.randbytes(self.random.randrange(24))])
            one = attribute(kind, payload)
            out += u16(self.random.getrandbits(16)) + one[2:] if self.random.random() < 0.05 else one
        return out

    def next(self):
        """A command number, a payload and flags."""
        number = self.random.choice(COMMAND_NUMBERS)
        payload = self.meant() if self.random.random() < 0.8 else self.noise()
        return number, payload, DUMP if self.random.random() < 0.15 else ACK


class Options:
    """Values of socket options about the same services and servers, right, nearly right, or noise."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def key(self):
        """What a service is known by."""
        pick, below = self.random.choice, self.random.randrange
        return {"address": f"10.0.1.{below(3)}", "port": below(3), "protocol": pick([6, 6, 17, 132, 3, 0]),
                "mark": below(3) if self.random.random() < 0.3 else 0}

    def service(self):
        pick, below = self.random.choice, self.random.randrange
        return sockopt.service(**self.key(), scheduler=pick([b"rr", b"wlc", b"none", b"x", b"", b"y" * 16]),
                               flags=self.random.getrandbits(32), timeout=below(1000), netmask=-1)

    def dest(self):
        pick, below = self.random.choice, self.random.randrange
        return sockopt.dest(pick([server_address(1), "172.16.1.1", "127.0.0.1", "10.0.0.2", "224.0.0.1"]), below(3),
                            pick([below(9), self.random.getrandbits(32)]), below(-1, 9), below(9), below(9))

    def worn(self, value):
        """A value that perhaps is of a wrong length or has a wrong bit."""
        chance = self.random.random()
        if chance < 0.05:
            return value[:self.random.randrange(len(value) + 1)]
        if chance < 0.08:
            return value + self.random.randbytes(self.random.randrange(1, 9))
        if chance < 0.12 and value:
            wrong = bytearray(value)
            wrong[self.random.randrange(len(wrong))] ^= 1 << self.random.randrange(8)
            return bytes(wrong)
        return value

    def next_set(self):
        """An option and its value."""
        name, value = self.random.choice(SET_OPTIONS), b""
        if name in ("ADD", "EDIT", "DEL", "ZERO"):
            value = self.service()
        elif name in ("ADDDEST", "EDITDEST", "DELDEST"):
            value = self.service() + self.dest()
        elif name == "TIMEOUT":
            value = struct.pack("=iii", *(self.random.randrange(-1, 1000) for _ in range(3)))
        elif name == "STOPDAEMON":
            value = struct.pack("=i16si", self.random.randrange(4), b"c0", 0)
        return name, self.worn(value)

    def next_get(self):
        """An option, what is in the buffer, and the sizes of the header and the entries that will be."""
        name, key = self.random.choice(GET_OPTIONS), self.key()
        if name == "SERVICES":
            size = 8, sockopt.SERVICE_ENTRY_SIZE
            value = struct.pack("=II", ROOM, 0) + bytes(ROOM * size[1])
        elif name == "DESTS":
            size = 24, sockopt.DEST_ENTRY_SIZE
            value = sockopt.dests_header(**key, count=ROOM) + bytes(ROOM * size[1])
        else:
            size = 0, 0
            value = sockopt.service(**key) + bytes(60) if name == "SERVICE" else bytes(104)
        return name, self.worn(value), size


def got(data, header, size):
    """A digest of an answer, whose entries may come in any order."""
    entries = sorted(data[at:at + size] for at in range(header, len(data), size)) if size else [data[header:]]
    return hashlib.sha1(data[:header] + b"".join(entries)).hexdigest()[:12]


def once_more(host):
    """/proc/net/ip_vs a little later."""
    time.sleep(0.02)
    return host.read("/proc/net/ip_vs")


def listing(host):
    """A digest of /proc/net/ip_vs in which services may come in any order, their servers not."""
    text = host.read("/proc/net/ip_vs")
    # While its table changes size, C may leave some out or list them twice.
    while (again := once_more(host)) != text:
        text = again
    groups = []
    for line in text.splitlines()[3:]:
        if "->" not in line:
            groups.append([])
        groups[-1].append(line)
    return hashlib.sha1("\n".join(line for group in sorted(groups) for line in group).encode()).hexdigest()[:12]


def ask_netlink(t, turn, client, request):
    number, payload, flags = request
    outcome, replies = client.ask(number, payload, flags=flags)
    t.note(f"{turn}: command {number}{' dump' if flags == DUMP else ''}: {outcome}")
    # In the order of the kernel's table there is nothing to compare.
    for line in sorted(" ".join(f"{kind}={content.hex()}" for kind, content in attributes(reply))
                       for _, _, reply in replies):
        t.note("    " + line)


def ask_set(t, turn, client, request):
    option, value = request
    t.note(f"{turn}: set {option} with {len(value)} bytes: {client.set(option, value)}")


def ask_get(t, turn, client, request):
    option, value, sizes = request
    outcome, told, data = client.get(option, value)
    t.note(f"{turn}: get {option} with {len(value)} bytes: {outcome}, length {told}, {got(data, *sizes)}")


@scenario
def random_requests_are_answered_alike(t):
    lab = Topology()
    netlink, requests = Client(lab.director), Requests(SEED)
    older, options = sockopt.Client(lab.director), Options(SEED)
    kinds = random.Random(SEED)
    print(f"# seed {SEED}, {COUNT} requests", flush=True)
    t.note("seed", SEED)
    for turn in range(COUNT):
        kind = kinds.choices(("netlink", "set", "get"), (6, 3, 1))[0]
        if kind == "netlink":
            ask_netlink(t, turn, netlink, requests.next())
        elif kind == "set":
            ask_set(t, turn, older, options.next_set())
        else:
            ask_get(t, turn, older, options.next_get())
        t.note("    listing", listing(lab.director))
        if turn % WHOLE == 0:
            t.block("    all", netlink.state())
    t.block("in the end", netlink.state())
