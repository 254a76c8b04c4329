# SPDX-License-Identifier: GPL-2.0
"""The network between directors: several masters on it, and what is lost while it or a master is not there."""

import time

import kernel
from lab import VIP
from scenario import check, equal, scenario
from scenarios.x_daemons import Pair, origins, rows
from scenarios.x_extension import are_equal, end_all, events, flows
from views import wait_until

BOTH = ["--start-daemon backup --mcast-interface d0 --syncid 7", "--start-daemon master --mcast-interface d0 --syncid 7"]
FAILED = "ip_vs_send_async error"


def seconds(director):
    """{the first words of a line: the seconds until the connection ends}."""
    lines = (line.split() for line in director.read("/proc/net/ip_vs_conn_sync").splitlines()[1:])
    return {" ".join(words[:6]): int(words[9]) for words in lines}


@scenario(rust_only=True)
def a_network_that_is_down_is_told_of_once(t):
    log = kernel.Log()
    pair = Pair()
    pair.start()
    kept = flows(pair, 5)
    are_equal(pair, 5, "the connections on the backup")
    log.new_lines()

    def failing():
        """The lines of some time in which messages fail: each second one at least. The kernel may hold a line back for 5 s."""
        lines = []
        for _ in range(8):
            kept.extend(flows(pair, 2))
            time.sleep(0.8)
            lines += [line for line in log.new_lines() if FAILED in line]
        return lines

    pair.master.ip("link set d0 down")
    equal(len(failing()), 1, "lines in the log about a network that is down")
    check(events(pair.master)["send_errors"] > 8, "datagrams have failed")
    pair.master.ip("link set d0 up")
    are_equal(pair, 5, "all connections on the backup, when the network is up again")
    before = events(pair.master)["send_errors"]
    pair.master.ip("link del d0")
    equal(len(failing()), 1, "lines in the log about a device that is gone")
    check(events(pair.master)["send_errors"] > before + 8, "datagrams have failed")
    t.note("connections", len(kept))
    pair.stop()


@scenario(rust_only=True)
def two_masters_of_a_group_have_the_connections_of_each_other(t):
    pair = Pair()
    both = (pair.master, pair.backup)
    for director in both:
        director.ipvs(*BOTH)
    kept = flows(pair, 50)
    theirs = [pair.other.client.udp() for _ in range(30)]
    for one in theirs:
        one.sendto(b"x", (VIP, 53))
    are_equal(pair, 5, "each director has all connections")
    # Both clients have the same address, and may have been given a port that the other has.
    missing = {one.getsockname()[1] for one in kept + theirs} - {int(row.split()[2], 16) for row in rows(pair.master)}
    check(not missing, f"no connections of the ports {missing}")
    equal([origins(director) for director in both], [{"LOCAL", "SYNC"}] * 2, "the origins")
    # What one ends is what it has made, and the other's copies; a director keeps what it has made itself.
    pair.backup.ipvs("--stop-daemon backup")
    end_all(pair.backup)
    wait_until(lambda: origins(pair.master) == {"LOCAL"}, 5, "the copies of ended connections end")
    local = rows(pair.master)
    check(len(local) >= 50, f"connections of the first director: {len(local)}")
    pair.backup.ipvs(BOTH[0])
    are_equal(pair, 5, "all connections on a director that starts again")
    equal(rows(pair.master), local, "connections of the director that has made them")
    t.note("connections", len(kept) + len(theirs))
    for director in both:
        director.ipvs("--stop-daemon master", "--stop-daemon backup")


@scenario(rust_only=True)
def a_master_that_stops_at_once_loses_none(t):
    """With the C module 25 of such 100 connections are not on the backup."""
    pair = Pair()
    pair.start()
    kept = []
    for _ in range(4):
        kept += flows(pair, 25)
        time.sleep(0.1)
    pair.master.ipvs("--stop-daemon master")
    wait_until(lambda: rows(pair.backup) == rows(pair.master), 1, "all connections of a master that has stopped at once")
    check(len(rows(pair.backup)) > 100, "there are connections")
    t.note("connections", len(kept))
    pair.backup.ipvs("--stop-daemon backup")


@scenario(rust_only=True)
def a_bulk_tells_how_long_connections_live_on(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        director.ipvs("--set 0 0 20")
    pair.start()
    kept = flows(pair, 5)
    are_equal(pair, 5, "the connections on the backup")
    pair.master.ipvs("--stop-daemon master")
    time.sleep(8)
    for one in kept:
        one.sendto(b"x", (VIP, 53))
    pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")

    def distance():
        here, there = seconds(pair.master), seconds(pair.backup)
        equal(here.keys(), there.keys(), "the connections")
        return max(abs(here[one] - there[one]) for one in here)

    equal(len(seconds(pair.backup)), 6, "connections and a template")
    wait_until(lambda: distance() <= 1, 5, "the backup's connections live as long as the master's")
    # Those of the master begin anew by packets only.
    before = seconds(pair.backup)
    time.sleep(2)
    after = seconds(pair.backup)
    check(all(after[one] < before[one] for one in before), f"{before}, and 2 s later {after}")
    t.note("connections", len(kept))
    pair.stop()
