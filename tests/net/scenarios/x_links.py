# SPDX-License-Identifier: GPL-2.0
"""The network between directors: several masters on it, and what is lost while it or a master is not there."""

import time

from lab import VIP
from scenario import check, equal, scenario
from scenarios.x_daemons import Pair, origins, rows
from scenarios.x_extension import are_equal, end_all, flows
from views import wait_until

BOTH = ["--start-daemon backup --mcast-interface d0 --syncid 7", "--start-daemon master --mcast-interface d0 --syncid 7"]


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
    check(len(rows(pair.master)) > 80, f"connections of both: {len(rows(pair.master))}")
    equal([origins(director) for director in both], [{"LOCAL", "SYNC"}] * 2, "the origins")
    # What one ends is what it has made, and the other's copies; a director keeps what it has made itself.
    pair.backup.ipvs("--stop-daemon backup")
    end_all(pair.backup)
    wait_until(lambda: origins(pair.master) == {"LOCAL"}, 5, "the copies of ended connections end")
    local = rows(pair.master)
    check(len(local) > 50, f"connections of the first director: {len(local)}")
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
