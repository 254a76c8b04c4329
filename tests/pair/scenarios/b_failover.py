# SPDX-License-Identifier: GPL-2.0
"""Open connections live on at the backup when the master is gone."""

from downloads import Downloads, Servers
from scenario import Failed, scenario
from segment import Router, Segment
from views import wait_until

# Downloads from each source, and the blocks of each: 10 s.
EACH, BLOCKS = 2, 100
FINISH_SECONDS = 60
GROUP6 = "ff02::81"


def known(router):
    """The open connections that a director has got from another one."""
    return [row for row in router.rows() if row.origin == "SYNC" and row.state == "ESTABLISHED" and not row.is_template()]


def note_gaps(t, gaps):
    t.note("largest gaps:", ", ".join(f"{name} {gap:.1f} s" for name, gap in gaps.items()))


def fail_over(t, there, version, group):
    segment = Segment()
    servers = Servers(segment.servers, BLOCKS)
    first, second = Router(1, segment), there.make(Router, 2)
    for router in (first, second):
        router.configure()
    second.start("backup", version, group)
    first.start("master", version, group)
    first.take()
    segment.turn_to(1)
    downloads = Downloads(segment.client, EACH)
    try:
        wait_until(lambda: len(known(second)) >= len(downloads.all), 10, "the news of all connections at the backup")
        first.fail()
        second.take()
        segment.turn_to(2)
        gaps = downloads.finish(BLOCKS, FINISH_SECONDS)
    except Failed:
        segment.show(t)
        t.block("the second director", second.look())
        raise
    finally:
        servers.stop()
    t.note(f"{len(downloads.all)} downloads whole")
    note_gaps(t, gaps)


@scenario
def downloads_go_on_at_the_backup_when_the_master_is_gone(t, here, there):
    fail_over(t, there, 1, None)


@scenario
def downloads_go_on_at_the_backup_after_messages_to_an_ipv6_group(t, here, there):
    fail_over(t, there, 1, GROUP6)
