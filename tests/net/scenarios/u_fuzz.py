# SPDX-License-Identifier: GPL-2.0
"""Mutated requests of every command, old and new: nothing breaks, and what is refused changes nothing.

FUZZ_REQUESTS and FUZZ_SEED in the environment of tests/net/run ask for more, or for the same again."""

import os
import random

from additions import (ALL, APPLY, CLIENT_PORT, CONN, DEL_CONN, ENTRIES, FLAGS, GET_CONN, PROTOCOL, RESTORE_CONN, STATE, Additions,
                       datagram, nest)
from genl import (ACK, COMMANDS, DEST, DUMP, GENL_HEADER, SERVICE, TIMEOUT_TCP, Client, address, attribute, be16, name,
                  u8, u16, u32)
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "4000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


def corpus():
    """Requests that are right: (command, payload)."""
    key = {1: u16(2), 2: u16(6), 3: address(VIP), 4: be16(80)}
    whole = {**key, 6: name("rr"), 7: u32(0) + u32(0xFFFFFFFF), 8: u32(0), 9: u32(0xFFFFFFFF)}
    server = {1: address(server_address(1)), 2: be16(80), 3: u32(0), 4: u32(1), 5: u32(0), 6: u32(0), 13: u8(0),
              14: be16(0), 15: u16(0), 11: u16(2)}

    def inside(kind, values, flag=0):
        return attribute(kind | flag, b"".join(attribute(*one) for one in values.items()))

    by_key, service, dest = inside(SERVICE, key), inside(SERVICE, whole), inside(DEST, server)
    strict_key, strict, strict_dest = (inside(kind, values, 0x8000) for kind, values in
                                       ((SERVICE, key), (SERVICE, whole), (DEST, server)))
    daemon = attribute(3, attribute(1, u32(1)) + attribute(2, name("lo")) + attribute(3, u32(0)))
    old = {"NEW_SERVICE": service, "SET_SERVICE": service, "DEL_SERVICE": by_key, "GET_SERVICE": by_key,
           "NEW_DEST": by_key + dest, "SET_DEST": by_key + dest, "DEL_DEST": by_key + dest, "GET_DEST": by_key,
           "NEW_DAEMON": daemon, "DEL_DAEMON": daemon, "GET_DAEMON": b"", "SET_CONFIG": attribute(TIMEOUT_TCP, u32(9)),
           "GET_CONFIG": b"", "SET_INFO": b"", "GET_INFO": b"", "ZERO": by_key, "FLUSH": b""}
    # A connection of TCP with a time of 9 s.
    entry = bytes.fromhex("0006002400000100" "0001" "07d0" "0050" "0050" "00000000" "00000009" "0a000002" "0a000101" "ac100102")
    conditions = nest(CONN, attribute(PROTOCOL, u16(6)), attribute(CLIENT_PORT, be16(1)), attribute(STATE, name("NONE")))
    new = [(GET_CONN, strict_key + conditions), (DEL_CONN, strict_key + conditions), (DEL_CONN, attribute(FLAGS, u32(ALL))),
           (RESTORE_CONN, attribute(ENTRIES, datagram([entry] * 2))), (APPLY, strict + strict_dest), (APPLY, strict + strict_dest + attribute(FLAGS, u32(ALL)))]
    return [(COMMANDS[word], payload) for word, payload in old.items()] + new * 3


class Mutations:
    """Requests that were right."""

    def __init__(self, seed):
        self.random, self.corpus = random.Random(seed), corpus()

    def one(self, data):
        """A payload with one fault."""
        pick = self.random
        place = pick.randrange(len(data) + 1)
        kind = pick.randrange(8)
        if kind == 0:
            return data[:place]
        if kind == 1:
            return data[:place] + pick.randbytes(pick.randrange(1, 9)) + data[place:]
        if kind == 2:
            return data[:place & ~3] + pick.choice(self.corpus)[1] + data[place & ~3:]
        if kind == 3:
            return data + data[place & ~3:]
        if kind == 4 and len(data) >= 4:
            # A length or a type.
            at = pick.randrange(0, len(data) - 3, 4) + pick.choice((0, 2))
            return data[:at] + pick.choice((u16(0), u16(3), u16(4), u16(0xFFFF), u16(pick.randrange(40) | 0x8000))) + data[at + 2:]
        if kind == 5:
            at = place & ~3
            return data[:at] + pick.choice((u32(0), u32(1), u32(0xFFFFFFFF), u32(0x7FFFFFFF), u32(0x80000000))) + data[at + 4:]
        flipped = bytearray(data)
        for _ in range(pick.randrange(1, 4)):
            if flipped:
                flipped[pick.randrange(len(flipped))] ^= 1 << pick.randrange(8)
        return bytes(flipped)

    def next(self):
        """A command number, the bytes behind the netlink header, and flags."""
        pick = self.random
        command, payload = pick.choice(self.corpus)
        for _ in range(pick.choice((0, 1, 1, 1, 2, 3))):
            payload = self.one(payload)
        if pick.random() < 0.05:
            command = pick.randrange(256)
        header = GENL_HEADER.pack(command, pick.choice((1, 1, 1, 0, 7)), 0 if pick.random() < 0.98 else 5)
        return command, header + payload, DUMP if pick.random() < 0.2 else ACK


@scenario(rust_only=True)
def mutated_requests_break_nothing(t):
    here, there = Topology(), Topology(tag="2")
    home = Client(there.director)
    there.director.ipvs(f"-A -t {VIP}:80 -s wrr", f"-a -t {VIP}:80 -r {server_address(1)}:80 -m -w 3 -x 9 -y 4",
                        "-A -f 7 -s sh -p 60")
    before = home.state()
    client, requests = Additions(here.director), Mutations(SEED)
    print(f"# seed {SEED}, {REQUESTS} requests", flush=True)
    done, listing, refused = {}, here.director.read("/proc/net/ip_vs"), 0
    for turn in range(REQUESTS):
        command, raw, flags = requests.next()
        outcome, _ = client.ask(command, raw=raw, flags=flags)
        done[outcome] = done.get(outcome, 0) + 1
        now = here.director.read("/proc/net/ip_vs")
        if outcome != "ok":
            refused += 1
            check(now.splitlines()[1:] == listing.splitlines()[1:],
                  f"seed {SEED}, request {turn}: command {command} {raw.hex()} was refused ({outcome}), and changed something")
        listing = now
    equal(home.state(), before, "the configuration of another namespace")
    print("# " + ", ".join(f"{outcome} {count}" for outcome, count in sorted(done.items())), flush=True)
    check(refused > REQUESTS // 4 and done.get("ok", 0) > REQUESTS // 20, f"the mutations are one-sided: {done}")
    equal(client.apply(everything=True), "ok", "an empty table in the end")
    t.note("nothing broke")
