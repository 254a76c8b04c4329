# SPDX-License-Identifier: GPL-2.0
"""The backup's table beside the master's: both versions of the messages, in groups of both versions of IP."""

from conversations import STRANGER, conversations
from director import Director
from dissect import to_bytes
from scenario import Failed, check, equal, scenario
from views import wait_until

GROUP6 = "ff02::81"
# So often each plan of each service: more than 200 connections.
ROUNDS = 2
# A change leaves the master within 3 s.
FLUSH_SECONDS = 8
# How much longer or shorter a timer of the backup may run than the master's: an entry waits up to 3 s for its message.
LATE, EARLY = 6, 2
# A template's time-out where the message holds none.
TEMPLATE_SECONDS = 180


def announced(some, version):
    """{client port: conversation} of those which the backup must know."""
    return {one.port: one for one in some if one.plan.backup and (version == 1 or one.service.version == 4)}


def is_announced(template, version, ours):
    """Whether the backup must know a template: version 0 does not tell of IPv6, and the C module by it of a template only beside
    a connection."""
    strangers = to_bytes(STRANGER)[:3].hex().upper()
    return version == 1 or ":" not in template.key[1] and (ours or not template.key[1].startswith(strangers))


def template_fault(row, template, version):
    """What is wrong with a template of the backup, or None."""
    if (row.server, row.origin) != (template.server, "SYNC"):
        return f"is {row.server} {row.origin} instead of {template.server} SYNC"
    limit = template.seconds if version == 1 else TEMPLATE_SECONDS
    if not limit - FLUSH_SECONDS - EARLY <= row.seconds <= limit + LATE:
        return f"ends in {row.seconds} s instead of {limit} s"
    return None


def connection_fault(row, master, plan):
    """What is wrong with a connection of the backup, or None."""
    found, wanted = (row.server, row.state, row.origin), (master.server, plan.backup, "SYNC")
    # Ours tells of the state at the time of the message, which may be a later one.
    if found not in (wanted, (master.server, master.state, "SYNC")):
        return f"is {' '.join(found)} instead of {' '.join(wanted)}"
    if row.state == master.state and not master.seconds - EARLY <= row.seconds <= master.seconds + LATE:
        return f"ends in {row.seconds} s, the master's in {master.seconds} s"
    return None


def differences(master, backup, some, version, ours):
    """What the backup's table has, has not, or has otherwise than the master's table demands."""
    told, found = announced(some, version), {row.key: row for row in backup}
    for row in master:
        if row.is_template():
            if not is_announced(row, version, ours):
                continue
            fault = template_fault(found[row.key], row, version) if row.key in found else "is missing"
        elif row.client_port in told:
            fault = connection_fault(found[row.key], row, told[row.client_port].plan) if row.key in found else "is missing"
        else:
            continue
        found.pop(row.key, None)
        if fault:
            yield f"{' '.join(row.key)} {row.state}: {fault}"
    yield from (f"{' '.join(key)} {row.state}: is too much" for key, row in found.items())


def check_counts(director, name, but=()):
    """The counts of the servers are those of the connections in the table, but for some protocols."""
    wanted = {}
    for row in [row for row in director.rows() if row.protocol not in but]:
        sums = wanted.setdefault(row.server, [0, 0, 0])
        sums[0 if row.is_template() else 1 if row.is_active() else 2] += 1
    found = {server: sums for server, sums in director.counts().items() if any(sums)}
    same(found, wanted, f"templates, active and inactive connections of the {name}'s servers")


def same(found, wanted, what):
    """Two tables are equal; if not, the first entry that differs is the reason."""
    for key in sorted(found.keys() | wanted.keys()):
        equal(found.get(key), wanted.get(key), f"{what}, {key}")


def check_master(master, some):
    """The conversations went as they were meant to."""
    states = {row.client_port: row.state for row in master.rows() if not row.is_template()}
    same(states, {one.port: one.plan.master for one in some}, "states of the master's connections")


def check_packets(master, backup, some, version):
    """What the clients send goes on at the backup to the same servers."""
    open_ones = {port: one for port, one in announced(some, version).items() if one.plan.backup in ("ESTABLISHED", "UDP")}
    wanted = {row.client_port: master.number_of(row.server) for row in master.rows() if row.client_port in open_ones}
    same(backup.follow(list(open_ones.values())), wanted, "servers that the backup sends to")


def compare(t, here, there, version, group):
    master, backup = here.make(Director, 1), there.make(Director, 2)
    backup.start("backup", version, group)
    master.start("master", version, group)
    some = conversations(ROUNDS)
    master.converse(some)
    check_master(master, some)
    found = []

    def agree():
        rows = backup.rows()
        found[:] = differences(master.rows(), rows, some, version, master.is_ours())
        return rows if not found else None
    try:
        rows = wait_until(agree, FLUSH_SECONDS, "agreement", every=0.3)
    except Failed:
        t.block("differences", found)
        for name, director in (("master", master), ("backup", backup)):
            t.block(name, director.link())
        raise Failed(f"{len(found)} differences, the first: {found[0]}") from None
    templates = sum(row.is_template() for row in rows)
    t.note(f"{len(some)} connections at the master, {len(announced(some, version))} to be told, {len(rows) - templates} at the backup")
    t.note(f"{templates} of {sum(row.is_template() for row in master.rows())} templates at the backup")
    check(len(some) > 200, "there are few connections")
    check_counts(master, "master")
    # Version 0 does not tell the mark, by which a backup finds the service and the server of such a template.
    check_counts(backup, "backup", but=["IP"] if version == 0 else [])
    check_packets(master, backup, some, version)


@scenario
def the_backup_knows_what_version_1_tells_an_ipv4_group(t, here, there):
    compare(t, here, there, 1, None)


@scenario
def the_backup_knows_what_version_0_tells_an_ipv4_group(t, here, there):
    compare(t, here, there, 0, None)


@scenario
def the_backup_knows_what_version_1_tells_an_ipv6_group(t, here, there):
    compare(t, here, there, 1, GROUP6)


@scenario
def the_backup_knows_what_version_0_tells_an_ipv6_group(t, here, there):
    compare(t, here, there, 0, GROUP6)
