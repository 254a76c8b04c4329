# SPDX-License-Identifier: GPL-2.0
"""Messages about messages: a backup asks for the datagrams that it misses, and for all connections of a master."""

import contextlib
import os
import socket
import time

import ftp
import kernel
from additions import ALL, CLIENT_PORT, CONN, FLAGS, Additions, is_template, nest
from genl import attribute, be16, u32
from lab import VIP, remove, run, server_address
from scenario import check, equal, scenario
from scenarios.x_daemons import V4, Pair, rows
from views import wait_until

# The connections of a large table.
MANY = int(os.environ.get("MANY", "10000"))
# The length of an entry of IPv4 without options, and the option about a template.
ENTRY_LENGTH, CONTROLLER = 36, 0x4A
GROUP, PORT = "224.0.0.81", 8848
DROPS = """table netdev lossy {{
  chain here {{ type filter hook ingress device d0 priority 0;
{rules}
  }}
}}"""
# A table of some hundred connections is a few dozen datagrams, and chance may drop none of them. So what tells of connections, by
# its byte 5, is dropped by count, and only messages about messages by chance.
ONE_IN_TWENTY = ["udp dport 8848 numgen inc mod 20 == 1 counter drop"]
TWO_IN_FIVE = ["udp dport 8848 @th,104,8 1 numgen inc mod 5 < 2 counter drop",
               "udp dport 8848 @th,104,8 0x81 numgen random mod 100 < 40 counter drop"]


def lose(director, which):
    """Drops some of what comes to a director by the wire of the daemons."""
    director.run("nft", "-f", "-", text=DROPS.format(rules="\n".join(which)))


def events(director):
    """The counters of the daemons that are not 0."""
    lines = (line.split() for line in director.read("/proc/net/ip_vs_sync").splitlines())
    return {words[0]: int(words[1]) for words in lines if words[1] != "0"}


def end_all(director):
    """Ends all connections of a director, as `ipvsadm conn flush --all` does."""
    Additions(director).end(attribute(FLAGS, u32(ALL)))


def flows(pair, count):
    """Conversations of a client, each from a port of its own. The sockets keep the ports."""
    sockets = [pair.lab.client.udp() for _ in range(count)]
    for one in sockets:
        one.sendto(b"x", (VIP, 53))
    return sockets


def are_equal(pair, seconds, what):
    began = time.monotonic()
    wait_until(lambda: rows(pair.backup) == rows(pair.master), seconds, what)
    return time.monotonic() - began


@scenario(rust_only=True)
def a_late_backup_gets_all_connections(t):
    pair = Pair()
    pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
    kept = flows(pair, 300)
    time.sleep(0.5)
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    took = are_equal(pair, 5, "all connections on a backup that starts late")
    check(len(rows(pair.backup)) > 300, "there are connections")
    equal(events(pair.backup)["asked_bulks"], 1, "requests")
    t.note("connections and a template", len(rows(pair.backup)))
    print(f"# a late backup has {len(rows(pair.backup))} entries after {took:.2f} s")
    time.sleep(1.5)
    equal(events(pair.master)["sent_bulk_entries"], len(rows(pair.master)), "entries of the only bulk")
    pair.stop()
    del kept


def controllers(director):
    """{client's port of a connection: whether it has a template that controls it}."""
    found = {}
    for entry in Additions(director).save():
        if not is_template(entry):
            # Options are behind the addresses.
            kinds, at = [], ENTRY_LENGTH
            while at + 2 <= int.from_bytes(entry[2:4], "big") & 0xFFF:
                kinds.append(entry[at])
                at += 2 + entry[at + 1]
            found[int.from_bytes(entry[10:12], "big")] = CONTROLLER in kinds
    return found


@scenario(rust_only=True)
def a_backup_knows_which_template_controls_a_connection(t):
    pair = Pair()
    pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
    kept = flows(pair, 50)
    time.sleep(0.3)
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    are_equal(pair, 5, "connections from before, on the backup")
    kept += flows(pair, 50)
    are_equal(pair, 5, "connections since, on the backup")
    expected = {one.getsockname()[1]: True for one in kept}
    equal(controllers(pair.master), expected, "controlled connections of the master")
    equal(controllers(pair.backup), expected, "controlled connections of the backup")
    t.note("controlled connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_master_that_starts_late_tells_of_all_connections(t):
    pair = Pair()
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    kept = flows(pair, 100)
    for turn in range(2):
        pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
        are_equal(pair, 5, "all connections of a master that starts late")
        pair.master.ipvs("--stop-daemon master")
        pair.backup.ipvs("--stop-daemon backup")
        end_all(pair.backup)
        equal(rows(pair.backup), [], f"connections of the backup after turn {turn}")
        pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    t.note("connections", len(kept))
    pair.backup.ipvs("--stop-daemon backup")


def with_loss(t, which, count, seconds):
    pair = Pair()
    pair.start()
    time.sleep(1.5)
    for director in (pair.master, pair.backup):
        lose(director, which)
    kept = []
    for _ in range(10):
        kept += flows(pair, count // 10)
        time.sleep(0.1)
    took = are_equal(pair, seconds, "all connections on a backup that misses datagrams")
    dropped = pair.backup.run("nft", "list", "ruleset").split("packets ")[1].split()[0]
    print(f"# equal {took:.3f} s after the last packet; {dropped} dropped at the backup; "
          f"backup {events(pair.backup)}; master {events(pair.master)}")
    check(int(dropped) > 0, "datagrams were dropped")
    if which is TWO_IN_FIVE:
        check(events(pair.backup).get("asked_repeats", 0) > 0, "missing datagrams were asked for")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_backup_that_misses_datagrams_gets_them(t):
    with_loss(t, ONE_IN_TWENTY, 800, 3)


@scenario(rust_only=True)
def a_backup_that_misses_many_datagrams_gets_them(t):
    with_loss(t, TWO_IN_FIVE, 500, 20)


@scenario(rust_only=True)
def connections_that_a_user_ends_end_on_the_backup(t):
    pair = Pair()
    pair.start()
    time.sleep(1.5)
    kept = flows(pair, 50)
    are_equal(pair, 5, "the connections on the backup")
    end_all(pair.master)
    equal(rows(pair.master), [], "connections of the master")
    wait_until(lambda: not rows(pair.backup), 4, "the connections of the backup end")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def connections_that_a_user_ends_end_on_a_backup_that_misses_datagrams(t):
    pair = Pair()
    pair.start()
    time.sleep(1.5)
    kept = flows(pair, 300)
    are_equal(pair, 5, "the connections on the backup")
    lose(pair.backup, TWO_IN_FIVE)
    for _ in range(6):
        # A datagram for each part of them.
        for one in kept[:50]:
            Additions(pair.master).end(nest(CONN, attribute(CLIENT_PORT, be16(one.getsockname()[1]))))
        del kept[:50]
        time.sleep(0.2)
    end_all(pair.master)
    equal(rows(pair.master), [], "connections of the master")
    wait_until(lambda: not rows(pair.backup), 10, "the connections of the backup end")
    check(events(pair.backup).get("asked_repeats", 0) > 0, "datagrams were missing")
    t.note("none is left")
    pair.stop()


@scenario(rust_only=True)
def the_rule_of_the_c_module_sends_plain_datagrams(t):
    pair = Pair()
    pair.master.ipvs_sysctl("sync_eager", 0)
    pair.start()
    kept = flows(pair, 5)
    time.sleep(2.5)
    equal({name for name in events(pair.master) if name.startswith(("sent_c", "sent_b", "rep"))}, set(), "messages about messages")
    equal(events(pair.backup).get("received_controls", 0), 0, "messages that the backup hears")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def a_late_backup_gets_a_large_table(t):
    pair = Pair()
    sockets = flows(pair, 1)
    master = Additions(pair.master)
    entry = next(entry for entry in master.save() if not is_template(entry))
    del sockets

    def of_client(number):
        """The entry, of a client with this number. Port and address begin at the bytes 10 and 24."""
        port, addr = (number & 0x7FFF) + 1024, 0x0A400000 + (number >> 15)
        return entry[:10] + port.to_bytes(2, "big") + entry[12:24] + addr.to_bytes(4, "big") + entry[28:]

    outcomes = master.restore([of_client(number) for number in range(MANY)])
    equal(outcomes, {"new": MANY}, "restored connections of the master")
    pair.start()
    began = time.monotonic()

    def count(director):
        return sum(1 for _ in director.read("/proc/net/ip_vs_conn").splitlines())

    wait_until(lambda: events(pair.backup).get("new", 0) >= MANY, 30 + MANY // 2000, "all connections on the backup", every=0.2)
    took = time.monotonic() - began
    equal(count(pair.backup), count(pair.master), "connections")
    print(f"# {MANY} connections are on the backup {took:.1f} s after the daemons have started; {events(pair.backup)}")
    t.note("connections", MANY)
    pair.stop()


@scenario(rust_only=True)
def a_transfer_of_ftp_costs_few_entries(t):
    """With the C module each packet of a data connection is two entries, as its controller is told of with it."""
    run("modprobe", "ip_vs_ftp")
    service = [f"-A -t {VIP}:21 -s rr -p 600", f"-a -t {VIP}:21 -r {server_address(1)}:21 -m"]
    pair = Pair((service, service))
    told = heard_entries(pair.backup)
    pair.start()
    servant = ftp.vsftpd(pair.lab.servers[0], server_address(1))
    talk = ftp.Client(pair.lab.client, VIP, patience=30)
    time.sleep(0.5)

    def packets():
        return int(pair.master.read("/proc/net/ip_vs_stats").splitlines()[2].split()[1], 16)

    before = packets()
    for mode in ("PASV", "PORT", "EPSV", "EPRT"):
        talk.fetches(mode, "large")
    # A datagram of the C module that is not full waits that long.
    time.sleep(0.5 if kernel.is_ours() else 3.5)
    passed, entries = packets() - before, told()
    print(f"# four downloads by FTP: {passed} packets from the client, {entries} entries")
    check(entries > 0, "nothing was told")
    if kernel.is_ours():
        check(passed > 40, f"packets: {passed}")
        check(entries < 35, f"entries: {entries}")
        are_equal(pair, 5, "the connections on the backup")
    talk.close()
    servant.stop()
    pair.stop()
    remove(pair.master, pair.backup)
    wait_until(lambda: kernel.unload("ip_vs_ftp") == "ok", 5, "the helper is removed")
    t.note("the downloads are whole")


def heard_entries(director):
    """A function that tells, once, how many entries of version 1 have come to the group by the director's wire."""
    wire = director.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    wire.bind((GROUP, PORT))
    wire.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(V4[1]))
    wire.setblocking(False)

    def told():
        total = 0
        with wire, contextlib.suppress(BlockingIOError):
            while True:
                head = wire.recv(8)
                total += head[4] if head[5] == 1 else 0
        return total

    return told
