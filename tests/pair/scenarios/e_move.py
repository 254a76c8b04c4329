# SPDX-License-Identifier: GPL-2.0
"""A pair of directors moves from the C module to ours, one director after the other, and back to where it began: no connection
is lost. The manual of ipvsadm conn tells the steps. Both VMs have our modules beside those of C: scripts/pair -a rust -b rust."""

import contextlib
import glob
import os

import kernel
import lab
from additions import Additions
from downloads import Downloads, Servers
from node import LINK
from scenario import Failed, check, equal, scenario
from scenarios.b_failover import FINISH_SECONDS, known, note_gaps
from segment import Router, Segment, addresses
from views import wait_until

# Downloads from each source, and the blocks of each: half a minute.
EACH, BLOCKS = 2, 300
NEWS_SECONDS = 15
FOLDER = f"/lib/modules/{os.uname().release}/kernel/net/netfilter/ipvs"


def load_c():
    """Removes our modules and loads those of C that the services need."""
    kernel.unload_all()
    kernel.unload(kernel.BASE)
    kernel.load("nf_conntrack", "nf_defrag_ipv6")
    for name in ("ip_vs", "ip_vs_rr"):
        file, = glob.glob(f"{FOLDER}/{name}.ko*")
        lab.run("insmod", file)


def load_ours():
    """Removes the modules that are loaded and loads ours."""
    kernel.unload_all()
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)


class Modules:
    """The modules that a VM can load."""

    @staticmethod
    def are_there():
        """Whether ours are among them."""
        return kernel.is_ours()


class Movable(Router):
    """A director whose module is replaced."""

    def __init__(self, number, switch=None):
        load_c()
        super().__init__(number, switch)

    def tell_everything(self):
        """Each packet of an open connection is a message."""
        self.host.ipvs_sysctl("sync_threshold", "0 1")

    def stop(self, role):
        equal(self.host.ipvsadm("--stop-daemon", role), "", f"to stop the {role}")

    def replace(self):
        """Replaces the C module by ours. The rules are restored; nothing is saved of the connections."""
        rules = self.host.ipvsadm("-S", "-n").splitlines()
        self.host.ipvs("-C")
        load_ours()
        self.host.ipvs(*rules)

    def save(self):
        """The connections of a director that has our module."""
        return Additions(self.host).save()

    def restore(self, entries):
        return Additions(self.host).restore(entries)

    def release(self):
        """Is the active director no more."""
        self.host.ip(*(f"addr del {one} dev {LINK}" for version in (4, 6) for one in addresses(version)))

    def become_ours(self):
        """Has our module, whatever was before, and neither daemons nor services."""
        if not self.is_ours():
            for role in ("master", "backup"):
                self.host.ipvsadm("--stop-daemon", role)
            self.host.ipvs("-C")
            load_ours()

    def expect(self, ours):
        equal(self.is_ours(), ours, f"whether director {self.number} has our module")


def wait_for_news(router, count):
    wait_until(lambda: len(known(router)) >= count, NEWS_SECONDS, "the news of all connections at the backup")


def hand_over(segment, number, old, new):
    """The other director becomes the active one."""
    new.take()
    segment.turn_to(number)
    old.release()


@scenario
def a_pair_moves_from_c_to_ours_with_no_connection_lost(t, here, there):
    if not all(vm.make(Modules).are_there() for vm in (here, there)):
        t.note("a VM has only the C module")
        return
    segment = Segment()
    servers = Servers(segment.servers, BLOCKS)
    first, second = here.make(Movable, 1, segment), there.make(Movable, 2)
    try:
        move(t, segment, servers, first, second)
    finally:
        servers.stop()
        # As the next scenario finds them.
        for one in (first, second):
            with contextlib.suppress(Failed):
                one.become_ours()


def move(t, segment, servers, first, second):
    for router in (first, second):
        router.configure()
        router.expect(False)
    second.start("backup", 1, None)
    first.tell_everything()
    first.start("master", 1, None)
    first.take()
    segment.turn_to(1)
    downloads = Downloads(segment.client, EACH)
    count = len(downloads.all)
    try:
        wait_for_news(second, count)
        t.note("both directors have the C module, and the backup knows all connections")
        second.stop("backup")
        second.replace()
        second.expect(True)
        second.start("backup", 1, None)
        wait_for_news(second, count)
        t.note("the backup has our module, and knows all connections again")
        hand_over(segment, 2, first, second)
        first.stop("master")
        first.replace()
        first.expect(True)
        second.stop("backup")
        first.start("backup", 1, None)
        second.start("master", 1, None, True)
        # Our master would tell of a connection that does not change when a quarter of its time has passed.
        outcomes = first.restore(second.save())
        check(set(outcomes) <= {"new", "late"}, f"what became of the saved connections: {outcomes}")
        wait_for_news(first, count)
        t.note("the backup is the master; the other director has our module, and knows all connections")
        hand_over(segment, 1, second, first)
        gaps = downloads.finish(BLOCKS, FINISH_SECONDS)
    except Failed:
        segment.show(t)
        t.block("the first director", first.look())
        t.block("the second director", second.look())
        raise
    t.note(f"{count} downloads whole")
    note_gaps(t, gaps)
