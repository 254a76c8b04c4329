# SPDX-License-Identifier: GPL-2.0
"""Random requests: both module sets answer every one of them alike, and end in the same state."""

import random

from genl import (ACK, COMMANDS, DEST, DUMP, SERVICE, TIMEOUT_TCP, Client, address, attribute, attributes, be16, name, u16,
                  u32)
from lab import Topology, server_address
from scenario import scenario

COUNT = 1500
# Changes of services and servers, so that there is something to find.
FREQUENT = ["NEW_SERVICE"] * 6 + ["NEW_DEST"] * 10 + ["SET_SERVICE", "SET_DEST", "SET_DEST"]
NEVER = {"NEW_DAEMON", "FLUSH"}
COMMAND_NUMBERS = [0, 18, 19] + [number for word, number in COMMANDS.items() if word not in NEVER]
COMMAND_NUMBERS += [COMMANDS[word] for word in FREQUENT]


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


@scenario
def random_netlink_requests_are_answered_alike(t):
    lab = Topology()
    client, requests = Client(lab.director), Requests(7)
    for turn in range(COUNT):
        number, payload, flags = requests.next()
        outcome, replies = client.ask(number, payload, flags=flags)
        t.note(f"{turn}: command {number}{' dump' if flags == DUMP else ''}: {outcome}")
        # In the order of the kernel's table there is nothing to compare.
        for line in sorted(" ".join(f"{kind}={content.hex()}" for kind, content in attributes(reply))
                           for _, _, reply in replies):
            t.note("    " + line)
    t.block("in the end", client.state())
