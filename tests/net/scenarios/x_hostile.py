# SPDX-License-Identifier: GPL-2.0
"""Somebody on the network between directors who sends back what they have sent, and messages that are nearly right."""

import random
import struct
import time

from additions import Additions
from lab import VIP
from scenario import check, equal, scenario
from scenarios.x_daemons import SERVICES, V4, Pair, datagram, entry, mutated, rows
from scenarios.x_extension import are_equal, end_all, events, flows
from scenarios.x_links import BOTH
from scenarios.x_trust import Wire, entries_of, keys, masters, refusals
from views import wait_until

# Kinds of messages about messages: from a master, and from a backup.
HELLO, BULK, LOST, REPEAT = 1, 2, 5, 6
STRANGER = 0x0A090909


def trailer(sequence, stream=0, epoch=1000):
    return b"RIPV" + struct.pack("!BBHIII", 0, 0, stream, STRANGER, epoch, sequence) + bytes(16)


def control(kind, first, last, number, epoch=1000):
    """A message about messages of a director that is not there."""
    return struct.pack("!BBHBBHHHIIII", 0, 7, 64, kind, 0x81, 0, 0, 0, epoch, first, last, 0) + trailer(number, 0x8000, epoch)


def numbered(sequence, *entries):
    """A datagram with a trailer."""
    message = datagram(7, *entries) + trailer(sequence)
    return message[:2] + struct.pack("!H", len(message)) + message[4:]


def messages(epoch=1000):
    """Messages of each kind."""
    return [control(HELLO, 0, 8, 1, epoch), control(BULK, 0, 0, 2, epoch), control(LOST, 3, 4, 3, epoch),
            control(REPEAT, 1, 70, 4, epoch), numbered(9, entry(4000), entry(4001, flags=0x100, state=4)),
            numbered(30, entry(4002, options=b"\x48\x04\0\0\0\x09\x4b\x01\0")),
            numbered(31, entry(4003, options=b"\x4a\x0e\x06\0\0\0\0\x50" + bytes(8)), entry(4004, options=b"\x0c\x10" + bytes(16)))]


@scenario(rust_only=True)
def what_a_director_has_sent_has_no_effect_when_it_comes_back(t):
    pair = Pair()
    wire, spy = Wire(pair.backup, V4[1]), Wire(pair.backup, V4[1])
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
        director.ipvs(*BOTH)
    kept = flows(pair, 40)
    are_equal(pair, 5, "the connections on the other director")
    own = entries_of(spy.heard())
    check(own, "the director has sent datagrams")
    pair.backup.ipvs("--stop-daemon master", "--stop-daemon backup")
    end_all(pair.master)
    equal(rows(pair.master), [], "connections that have ended")
    # Each has the right code, and the director's backup has never seen one of them.
    wire.send(*own)
    wait_until(lambda: refusals(pair.master).get("reflected", 0) >= len(own), 5, "what comes back is refused")
    equal(rows(pair.master), [], "connections that come back")
    # The same after the next start.
    pair.master.ipvs("--stop-daemon backup", BOTH[0], "--stop-daemon master")
    before = refusals(pair.master)["reflected"]
    wire.send(*own)
    wait_until(lambda: refusals(pair.master)["reflected"] >= before + len(own), 5, "what comes back is refused")
    equal(rows(pair.master), [], "connections that come back")
    t.note("connections", len(kept))
    pair.master.ipvs("--stop-daemon backup")


@scenario(rust_only=True)
def nearly_right_messages_have_no_effect_without_the_key(t):
    pair, chance, count = Pair(((), SERVICES)), random.Random(15), 1500
    wire = Wire(pair.master, V4[0])
    keys(pair.backup, "required", 1)
    pair.backup.ipvs(*BOTH)
    time.sleep(0.5)
    sent = events(pair.backup).get("sent_datagrams", 0)
    for _ in range(count):
        wire.send(mutated(chance, chance.choice(messages())))
    time.sleep(0.5)
    found = events(pair.backup)
    print("#", ", ".join(f"{name} {number}" for name, number in found.items()))
    equal(rows(pair.backup), [], "connections")
    equal(masters(pair.backup), [], "masters that are heard")
    equal(found.get("sent_datagrams", 0), sent, "datagrams that somebody has asked for")
    taken = {"new", "new_without_server", "updated", "ended", "sent_bulk_entries", "repeated_datagrams", "asked_bulks", "asked_repeats"}
    equal(taken & found.keys(), set(), "effects")
    check(sum(refusals(pair.backup).values()) > count // 2, "messages were refused")
    t.note(count, "messages without the key have no effect")
    pair.backup.ipvs("--stop-daemon master", "--stop-daemon backup")


@scenario(rust_only=True)
def nearly_right_messages_about_messages_break_nothing(t):
    pair, chance, count = Pair(), random.Random(16), 1500
    wire = Wire(pair.backup, V4[1])
    for director in (pair.master, pair.backup):
        director.ipvs_sysctl("conn_max", 500)
        director.ipvs(*BOTH)
    kept = flows(pair, 20)
    are_equal(pair, 5, "the connections on the other director")
    epoch = Additions(pair.backup).sync_state()["masters"][0]["epoch"]
    for number in range(count):
        wire.send(mutated(chance, chance.choice(messages(chance.choice((epoch, 1000, number))))))
    found = events(pair.master)
    print("#", ", ".join(f"{name} {number}" for name, number in found.items()))
    for name in ("asked_bulks", "sent_bulk_entries", "lost_datagrams", "received_controls", "new"):
        check(found.get(name, 0), f"nothing was counted as {name}")
    check(len(rows(pair.master)) <= 500, "there are more connections than conn_max")
    for director in (pair.master, pair.backup):
        director.ipvs("--stop-daemon backup", "--stop-daemon master")
        end_all(director)
        director.ipvs(*BOTH)
    kept += flows(pair, 20)
    are_equal(pair, 5, "the connections on the other director afterwards")
    check(len(rows(pair.master)) > 20, "there are connections")
    pair.lab.client.udp().sendto(b"x", (VIP, 53))
    t.note(count, "messages about messages, and the daemons go on")
    for director in (pair.master, pair.backup):
        director.ipvs("--stop-daemon backup", "--stop-daemon master")
