# SPDX-License-Identifier: GPL-2.0
"""keepalived on both directors, with VRRP and lvs_sync_daemon, as its users have it."""

import daemons
from downloads import PAUSE_SECONDS, SOURCES, Downloads, Servers
from dual import server, vip
from node import LINK
from scenario import Failed, check, equal, scenario
from scenarios.b_failover import EACH, FINISH_SECONDS, known, note_gaps
from segment import Router, Segment, addresses
from services import NAT, NAT_PORT, ROUTE, TUNNEL
from views import wait_until

BLOCKS = 200
SYNC_ID = 7
# The one with the higher priority begins as the master.
PRIORITY = {1: 150, 2: 100}
KINDS = {NAT: "NAT", ROUTE: "DR", TUNNEL: "TUN"}
KEEPALIVED = ("keepalived", "-n", "-l", "-f", "CONFIG", "-p", "/run/keepalived.pid", "-c", "/run/checkers.pid",
              "-r", "/run/vrrp.pid")


def block(head, *lines):
    """A block of keepalived's language."""
    return head + " {\n" + "".join(f"    {line}\n" for text in lines for line in text.splitlines()) + "}\n"


def virtual_server(service):
    """keepalived's words for a service, whose servers are checked by connecting."""
    port = NAT_PORT if service.method == NAT else service.port
    reals = [block(f"real_server {server(service.version, number)} {port}", "weight 1", block("TCP_CHECK", "connect_timeout 3"))
             for number in (1, 2)]
    return block(f"virtual_server {vip(service.version)} {service.port}", "delay_loop 5", "lb_algo rr",
                 f"lb_kind {KINDS[service.method]}", "protocol TCP", *reals)


def configuration(number):
    return "".join([
        block("global_defs", f"router_id lvs{number}", f"lvs_sync_daemon {LINK} VI_1 id {SYNC_ID}", "vrrp_garp_master_delay 1"),
        block("vrrp_instance VI_1", "state BACKUP", f"interface {LINK}", "virtual_router_id 51", f"priority {PRIORITY[number]}",
              "advert_int 1", block("virtual_ipaddress", *addresses(4)), block("virtual_ipaddress_excluded", *addresses(6))),
        *(virtual_server(service) for service in SOURCES)])


class Kept(Router):
    """A director with keepalived."""

    def __init__(self, number, switch=None):
        super().__init__(number, switch)
        self.keepalived = daemons.Daemon(self.host, configuration(number), *KEEPALIVED)

    def wait_for(self, role):
        """Waits until the daemon of a role runs and all servers are in the table."""
        return self.keepalived.wait_until(lambda: self.is_ready(role), 60, f"the start as {role}")

    def is_ready(self, role):
        return f"{role} sync daemon" in self.host.ipvsadm("-L", "--daemon") and \
            self.host.ipvsadm("-Ln").count("->") == 1 + 2 * len(SOURCES)

    def has_addresses(self):
        return f"{vip(4)}/32" in self.host.run("ip", "addr", "show", "dev", LINK)

    def end(self):
        """Ends keepalived as an administrator does; returns its status."""
        return self.keepalived.stop()

    def kill(self):
        """Ends keepalived, if it runs, without a word; its children go with it."""
        self.keepalived.process.kill()
        self.keepalived.process.wait()

    def crash(self):
        """Is gone from one moment to the next."""
        self.fail()
        self.kill()


def move(t, there, leave):
    """Downloads while the first director leaves in some way."""
    segment = Segment()
    servers = Servers(segment.servers, BLOCKS)
    first, second = Kept(1, segment), there.make(Kept, 2)
    try:
        first.wait_for("master")
        second.wait_for("backup")
        wait_until(first.has_addresses, 10, "the first director's addresses")
        downloads = Downloads(segment.client, EACH)
        wait_until(lambda: len(known(second)) >= len(downloads.all), 15, "the news of all connections at the backup")
        leave(first)
        second.wait_for("master")
        gaps = downloads.finish(BLOCKS, FINISH_SECONDS + BLOCKS * PAUSE_SECONDS)
        check(second.has_addresses(), "the second director has no addresses")
        equal(second.end(), 0, "the status of the second keepalived")
    except Failed:
        segment.show(t)
        t.block("the second director", second.look())
        raise
    finally:
        servers.stop()
        first.kill()
        second.kill()
    t.note(f"{len(downloads.all)} downloads whole")
    note_gaps(t, gaps)


@scenario
def keepalived_hands_open_connections_over_when_it_is_stopped(t, here, there):
    move(t, there, lambda first: equal(first.end(), 0, "the status of the first keepalived"))


@scenario
def keepalived_takes_open_connections_over_when_the_master_is_gone(t, here, there):
    move(t, there, lambda first: first.crash())
