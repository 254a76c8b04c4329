# SPDX-License-Identifier: GPL-2.0
"""Our master by its own rule: the backup has all connections, in the states that the master has, at once."""

import time

from conversations import conversations
from director import Director
from scenario import Failed, check, scenario
from scenarios.a_tables import GROUP6, ROUNDS, check_counts, check_master

# The time from the last packet to the last connection at the backup.
SECONDS = 0.2


def table(director, version):
    """{key: (server, state)} of the connections that the version tells of."""
    return {row.key: (row.server, row.state) for row in director.rows() if version == 1 or ":" not in row.key[1]}


def all_arrive(t, here, there, version, group):
    master, backup = here.make(Director, 1), there.make(Director, 2)
    if not master.is_ours():
        t.note("the master is the C module")
        return
    backup.start("backup", version, group)
    master.start("master", version, group, eager=True)
    some = conversations(ROUNDS)
    master.converse(some)
    time.sleep(SECONDS)
    wanted, found = table(master, version), table(backup, version)
    check_master(master, some)
    missing = sorted(wanted.keys() - found.keys())
    t.note(f"{len(wanted)} connections and templates at the master, {len(wanted) - len(missing)} of them at the backup")
    if missing:
        raise Failed(f"{len(missing)} are missing {SECONDS} s after the last packet, the first: {' '.join(missing[0])}")
    check(found == wanted, "others are: " + str([(key, wanted.get(key), found[key]) for key in found
                                                  if found[key] != wanted.get(key)][:3]))
    if version == 1:
        check_counts(backup, "backup")


@scenario
def the_backup_has_all_connections_of_our_master(t, here, there):
    all_arrive(t, here, there, 1, None)


@scenario
def the_backup_has_all_connections_of_our_master_by_ipv6(t, here, there):
    all_arrive(t, here, there, 1, GROUP6)


@scenario
def the_backup_has_all_ipv4_connections_of_our_master_by_version_0(t, here, there):
    all_arrive(t, here, there, 0, None)
