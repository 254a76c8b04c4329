# SPDX-License-Identifier: GPL-2.0
"""Calls of SIP go on at the backup with their servers."""

from exchange import Exchange
from scenario import equal, scenario
from views import wait_until

CALLS = range(20)


def calls_go_on(t, here, there, options):
    """Without the templates, the backup would take turns the other way round."""
    master, backup = here.make(Exchange, 1, (1, 2), options), there.make(Exchange, 2, (2, 1), options)
    backup.start("backup", 1, None)
    master.start("master", 1, None)
    before = master.call(CALLS, 2000)
    # The C module tells of a connection with its third packet.
    for _ in range(2):
        equal(master.call(CALLS, 2000), before, "the servers of the same calls")
    told = master.templates()
    equal(len(told), len(CALLS), "templates of the master")
    wait_until(lambda: backup.templates() == told, 10, "the templates at the backup", every=0.3)
    # In another order, from other ports.
    other = [*CALLS[::2], *CALLS[1::2]]
    equal(backup.call(other, 3000), [before[number] for number in other], "the servers at the backup")
    t.note(f"{len(told)} calls, servers of the first ones: {before[:4]}")
    for director in (master, backup):
        equal(director.end(), "ok", "removing the engine")


@scenario
def calls_go_on_at_the_backup(t, here, there):
    calls_go_on(t, here, there, "")


@scenario
def calls_of_one_packet_go_on_at_the_backup(t, here, there):
    calls_go_on(t, here, there, "-o")
