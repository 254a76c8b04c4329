# SPDX-License-Identifier: GPL-2.0
"""Daemons that prove to each other who they are, and daemons that know each other by their addresses."""

import socket
import struct
import time

from additions import AUTHENTICATION, KEY, MASTER, PEER, SET_SYNC_KEYS, SET_SYNC_PEERS, Additions, Listener, nest, plain
from genl import attribute
from lab import VIP
from scenario import check, equal, scenario
from scenarios.x_daemons import V4, V6, Pair, origins, rows
from scenarios.x_extension import GROUP, PORT, are_equal, end_all, events, flows
from views import wait_until

# The length of a trailer, in which the number of the key is behind the mark and the flags.
TRAILER = 36
REFUSALS = ("stranger", "reflected", "unsigned", "unknown_key", "wrong_code", "replayed", "earlier_run", "other_thread", "many_senders")
SECRETS = {number: bytes([number]) * 32 for number in (1, 2, 3)}


def keys(director, mode, *numbers):
    equal(Additions(director).set_keys(mode, *((number, SECRETS[number]) for number in numbers)), "ok", f"keys {numbers}")


def peers(director, *addrs):
    equal(Additions(director).set_peers(*addrs), "ok", f"peers {addrs}")


def masters(director):
    """The masters that a backup hears: (address, whether it is complete, missing datagrams) each."""
    found = Additions(director).sync_state()["masters"]
    return [(one["addr"], one["complete"], one["missing"]) for one in found]


def refusals(director):
    return {name: count for name, count in events(director).items() if name in REFUSALS}


def received(one):
    """All that a socket has received so far."""
    one.setblocking(False)
    found = []
    try:
        while True:
            found.append(one.recv(65536))
    except BlockingIOError:
        return found


class Wire:
    """A socket in the group on the wire of the daemons, which hears what is sent there, and sends."""

    def __init__(self, director, local):
        self.socket = director.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((GROUP, PORT))
        request = socket.inet_aton(GROUP) + socket.inet_aton(local)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        self.sender = director.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(local))

    def heard(self):
        """All datagrams since the last call."""
        return received(self.socket)

    def send(self, *datagrams, port=PORT):
        for one in datagrams:
            self.sender.sendto(one, (GROUP, port))
            # The buffer of the daemon has room for some hundred.
            time.sleep(0.002)


def entries_of(datagrams):
    """Those that tell of connections."""
    return [one for one in datagrams if one[5] == 1 and one[4] > 0]


@scenario(rust_only=True)
def directors_with_a_key_work_as_without(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
    pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
    kept = flows(pair, 200)
    time.sleep(0.3)
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    are_equal(pair, 5, "all connections on a backup that starts late")
    kept += flows(pair, 100)
    are_equal(pair, 5, "new connections on the backup")
    equal([refusals(director) for director in (pair.master, pair.backup)], [{}, {}], "refused datagrams")
    state = Additions(pair.backup).sync_state()
    equal((state["mode"], state["keys"]), ("required", [{1: b"\1"}]), "what the kernel tells of keys")
    equal(masters(pair.backup), [(V4[0], True, 0)], "masters")
    check(abs(state["masters"][0]["epoch"] - time.time()) < 60 and state["masters"][0]["silence"] < 2000, "times of the master")
    equal({name: count for name, count in state["events"].items() if count}.keys(), events(pair.backup).keys(), "events")
    t.note("connections", len(kept))
    pair.stop()
    equal(masters(pair.backup), [], "masters of a backup that was stopped")


@scenario(rust_only=True)
def a_backup_that_asks_for_codes_takes_nothing_else(t):
    pair = Pair()
    wire = Wire(pair.master, V4[0])
    spy = Wire(pair.backup, V4[1])
    keys(pair.backup, "required", 1)
    pair.start()
    kept = flows(pair, 20)
    wait_until(lambda: refusals(pair.backup).get("unsigned", 0) > 2, 5, "datagrams without a code are refused")
    equal(rows(pair.backup), [], "connections of a master without a key")
    plain_ones = entries_of(spy.heard())
    check(plain_ones, "the master has sent datagrams")
    keys(pair.master, "off", 2)
    kept += flows(pair, 20)
    wait_until(lambda: "unknown_key" in refusals(pair.backup), 5, "an unknown key is refused")
    equal(rows(pair.backup), [], "connections of a master with an unknown key")
    unknown = entries_of(spy.heard())
    check(unknown, "the master has sent datagrams with an unknown key")
    # The number of a known key, with the code of another one.
    at = len(unknown[0]) - TRAILER
    wire.send(unknown[0][:at + 5] + b"\1" + unknown[0][at + 6:])
    wait_until(lambda: refusals(pair.backup).get("wrong_code") == 1, 5, "a wrong code is refused")
    spy.heard()
    keys(pair.master, "off", 1)
    kept += flows(pair, 20)
    are_equal(pair, 8, "the connections of a master with the key")
    right = [one for one in entries_of(spy.heard()) if one[len(one) - TRAILER + 5] == 1]
    check(right, "the master has sent datagrams with the key")
    # Neither what was taken, nor any of its bits changed, nor what it says without a code has an effect.
    pair.master.ipvs("--stop-daemon master")
    end_all(pair.backup)
    before = refusals(pair.backup)
    changed = [bytes(byte ^ (1 << bit) if at == place else byte for place, byte in enumerate(right[0]))
               for at in range(8, len(right[0]), 7) for bit in (0, 7)]
    wire.send(*right)
    wire.send(*changed)
    stripped = right[0][:-TRAILER]
    wire.send(stripped[:2] + struct.pack("!H", len(stripped)) + stripped[4:], *plain_ones)
    expected = len(right) + len(changed) + 1 + len(plain_ones)

    def refused():
        return sum(refusals(pair.backup).values()) - sum(before.values())

    wait_until(lambda: refused() >= expected, 5, "all forged datagrams are refused")
    equal(refused(), expected, "refused datagrams")
    equal(rows(pair.backup), [], "connections that forged datagrams have made")
    counted = refusals(pair.backup)
    equal(counted["replayed"] - before.get("replayed", 0), len(right), "replays")
    t.note("refused", sorted(counted), len(kept))
    pair.backup.ipvs("--stop-daemon backup")


@scenario(rust_only=True)
def a_master_that_asks_for_codes_answers_nobody_else(t):
    pair = Pair()
    wire, spy = Wire(pair.backup, V4[1]), Wire(pair.master, V4[0])
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
    pair.start()
    kept = flows(pair, 20)
    are_equal(pair, 5, "the connections on the backup")
    wait_until(lambda: masters(pair.backup) == [(V4[0], True, 0)], 5, "the bulk")
    requests = [one for one in spy.heard() if one[5] == 0x81 and one[4] == 2]
    equal(len(requests), 1, "requests of the backup for all connections")
    sent = events(pair.master)["sent_bulk_entries"]
    # A replay, one with another number, and one without a code.
    other = requests[0][:47] + bytes([requests[0][47] ^ 1]) + requests[0][48:]
    bare = requests[0][:2] + struct.pack("!H", 28) + requests[0][4:28]
    wire.send(requests[0], other, bare)
    wait_until(lambda: sum(refusals(pair.master).values()) == 3, 5, "forged requests are refused")
    time.sleep(0.3)
    equal(refusals(pair.master), {"replayed": 1, "wrong_code": 1, "unsigned": 1}, "refusals")
    equal(events(pair.master)["sent_bulk_entries"], sent, "entries of bulks")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_change_of_keys_has_no_gap(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
    pair.start()
    time.sleep(1.2)
    kept = []
    for numbers in ((1, 2), (2, 1), (2,)):
        for director in (pair.backup, pair.master):
            keys(director, "required", *numbers)
            kept += flows(pair, 20)
            time.sleep(0.1)
    are_equal(pair, 3, "the connections on the backup")
    equal([refusals(director) for director in (pair.master, pair.backup)], [{}, {}], "refused datagrams")
    equal(events(pair.backup).get("asked_repeats", 0), 0, "missed datagrams")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_master_that_starts_again_is_believed_and_its_former_run_is_not(t):
    pair = Pair()
    wire, spy = Wire(pair.master, V4[0]), Wire(pair.backup, V4[1])
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
    pair.start()
    kept = flows(pair, 20)
    are_equal(pair, 5, "the connections on the backup")
    former = entries_of(spy.heard())
    # At once, in the same second or the next one.
    for _ in range(3):
        pair.master.ipvs("--stop-daemon master", "--start-daemon master --mcast-interface d0 --syncid 7")
        kept += flows(pair, 5)
        are_equal(pair, 5, "the connections of a master that was started again")
    equal(refusals(pair.backup), {}, "refused datagrams")
    wire.send(*former)
    wait_until(lambda: sum(refusals(pair.backup).values()) == len(former), 5, "datagrams of the former run are refused")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_replay_to_another_thread_or_to_a_backup_that_starts_again_has_no_effect(t):
    pair = Pair()
    wire, spy = Wire(pair.master, V4[0]), Wire(pair.backup, V4[1])
    for director in (pair.master, pair.backup):
        keys(director, "required", 1)
        director.ipvs_sysctl("sync_ports", 2)
    pair.start()
    kept = flows(pair, 40)
    are_equal(pair, 5, "the connections on the backup")
    recorded = entries_of(spy.heard())
    check(recorded, "datagrams of the thread of the first port")
    for one in recorded:
        wire.send(one, port=PORT + 1)
    wait_until(lambda: refusals(pair.backup) == {"other_thread": len(recorded)}, 5, "the other thread refuses them")
    # The master lives, and has nothing to tell.
    pair.backup.ipvs("--stop-daemon backup")
    end_all(pair.master)
    end_all(pair.backup)
    before = sum(refusals(pair.backup).values())
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    wait_until(lambda: len(masters(pair.backup)) == 2, 5, "both threads of the master are heard")
    wire.send(*recorded)
    wait_until(lambda: sum(refusals(pair.backup).values()) >= before + len(recorded), 5, "the replay is refused")
    equal(rows(pair.backup), [], "connections of a replay")
    t.note("connections", len(kept))
    pair.stop()


def of_peers(t, addrs):
    """A pair of directors that know each other by their addresses, both of them master and backup."""
    pair = Pair()
    everything = pair.backup.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
    everything.bind(("d0", 0x0003))
    both = (pair.master, pair.backup)
    for director, other in zip(both, reversed(addrs)):
        peers(director, other)
        keys(director, "required", 3)
    for director in both:
        director.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7", "--start-daemon master --mcast-interface d0 --syncid 7")
    kept = flows(pair, 50)
    theirs = [pair.other.client.udp() for _ in range(30)]
    for one in theirs:
        one.sendto(b"x", (VIP, 53))
    are_equal(pair, 5, "each director has all connections")
    check(len(rows(pair.master)) > 80, f"connections of both: {len(rows(pair.master))}")
    equal([origins(director) for director in both], [{"LOCAL", "SYNC"}] * 2, "the origins")
    pair.backup.ipvs("--stop-daemon backup")
    end_all(pair.backup)
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    are_equal(pair, 5, "all connections on a backup that starts late")
    equal([refusals(director) for director in both], [{}, {}], "refused datagrams")
    port = struct.pack("!H", PORT)
    seen = [one for one in received(everything) if port in one[:48]]
    check(seen, "datagrams to the peers are on the wire")
    groups = (socket.inet_aton(GROUP), socket.inet_pton(socket.AF_INET6, "ff02::")[:2])
    equal([one for one in seen if one[16:20] == groups[0] or one[24:26] == groups[1]], [], "datagrams to a group")
    t.note("connections", len(kept) + len(theirs))
    for director in both:
        director.ipvs("--stop-daemon master", "--stop-daemon backup")


@scenario(rust_only=True)
def directors_that_know_each_other_by_address_are_master_and_backup_at_once(t):
    of_peers(t, V4)


@scenario(rust_only=True)
def directors_that_know_each_other_by_ipv6_address_are_master_and_backup_at_once(t):
    of_peers(t, V6)


@scenario(rust_only=True)
def a_stranger_is_no_peer(t):
    pair = Pair()
    pair.master.ip("addr add 172.31.0.9/24 dev d0")
    for director, other in zip((pair.master, pair.backup), reversed(V4)):
        peers(director, other)
    pair.start()
    kept = flows(pair, 5)
    are_equal(pair, 5, "the connections on the backup")
    stranger = pair.master.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("172.31.0.9", 0))
    # A hello of nobody, and a datagram without entries.
    for one in (struct.pack("!BBHBBHHHIIII", 0, 7, 28, 1, 0x81, 0, 0, 0, 1, 0, 99, 0), struct.pack("!BBHBBH", 0, 7, 8, 0, 1, 0)):
        stranger.sendto(one, (V4[1], PORT))
    wait_until(lambda: refusals(pair.backup) == {"stranger": 2}, 5, "datagrams of a stranger are refused")
    t.note("connections", len(kept))
    pair.stop()
    for director in (pair.master, pair.backup):
        peers(director)
    pair.start()
    kept += flows(pair, 5)
    are_equal(pair, 5, "the connections by the group, when there are no peers any more")
    pair.stop()


@scenario(rust_only=True)
def listeners_hear_of_masters(t):
    pair = Pair()
    ears = Listener(pair.backup)
    pair.start()
    kept = flows(pair, 5)
    heard = []

    def hear(count):
        heard.extend(ears.hear())
        return len([one for one in heard if MASTER in one[3]]) >= count

    def said():
        return [(action, changed, plain(body[MASTER])[1], plain(body[MASTER])[4]) for action, _, changed, body in heard if MASTER in body]

    wait_until(lambda: hear(2), 5, "events about a master that is heard, and complete")
    master = socket.inet_aton(V4[0])
    expected = [("new", None, master, b"\0"), ("set", 1 << 4, master, b"\1")]
    equal(said(), expected, "events")
    pair.master.ipvs("--stop-daemon master")
    wait_until(lambda: hear(3), 9, "an event about a master that is silent")
    equal(said(), expected + [("del", None, master, b"\1")], "events")
    equal(masters(pair.backup), [], "masters, when the only one is silent")
    pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
    wait_until(lambda: hear(5), 5, "events about a master that is heard again")
    equal(said()[3:], expected, "events")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def wrong_keys_and_peers_change_nothing(t):
    pair = Pair()
    client, director = Additions(pair.backup), pair.backup

    def key(number, secret=bytes(16), more=b""):
        return nest(KEY, attribute(1, bytes([number])), attribute(2, secret), more)

    def mode(number):
        return attribute(AUTHENTICATION, bytes([number]))

    keys(director, "required", 1, 2)
    peers(director, "10.9.9.9")
    before = client.sync_state()
    for body in (b"", key(1), mode(3) + key(1), mode(1), mode(2), mode(2) + key(1) + key(1), mode(0) + key(1) + key(2) + key(3),
                 mode(2) + key(1, bytes(15)), mode(2) + key(1, bytes(129)), mode(2) + nest(KEY, attribute(1, b"\1")),
                 mode(2) + nest(KEY, attribute(2, bytes(16))), mode(2) + attribute(KEY, attribute(1, b"\1")),
                 mode(2) + key(1, more=attribute(3, b"x")), mode(2) + key(1) + attribute(PEER, bytes(4))):
        outcome = client.ask(SET_SYNC_KEYS, body)[0]
        check(outcome in ("EINVAL", "ERANGE"), f"the outcome of {body.hex()}: {outcome}")
    for body in (attribute(PEER, bytes(4)), attribute(PEER, b"\xe0\0\0\1"), attribute(PEER, bytes([10, 0, 0])), attribute(PEER, bytes(17)),
                 attribute(PEER, b"\xff" * 4), attribute(PEER, bytes([10] * 4)) * 9,
                 attribute(PEER, bytes([10] * 4)) + attribute(PEER, bytes([0xfd] * 16)), mode(0)):
        outcome = client.ask(SET_SYNC_PEERS, body)[0]
        check(outcome in ("EINVAL", "ERANGE"), f"the outcome of {body.hex()}: {outcome}")
    equal(client.sync_state(), before, "the state")
    equal((before["mode"], before["keys"], before["peers"]), ("required", [{1: b"\1"}, {1: b"\2"}], ["10.9.9.9"]), "the state")
    keys(director, "off")
    peers(director)
    after = client.sync_state()
    equal((after["mode"], after["keys"], after["peers"]), ("off", [], []), "the state without keys")
    t.note("nothing changed")
