# SPDX-License-Identifier: GPL-2.0
"""Calls of SIPp, a program of Debian, as client and as servers, through the persistence engine for SIP."""

import collections
import re

from daemons import Daemon
from lab import CLIENT, VIP, Topology, remove, server_address
from scenario import check, equal, scenario
from scenarios.n_sip import PORT, SERVICE, calls, goes
from scenarios.x_daemons import Pair
from views import wait_until

CALLS = 60


class Exchange:
    """SIPp on each server of a topology, which writes down what it is told."""

    def __init__(self, lab):
        self.daemons = [Daemon(host, "", "sipp", "-sn", "uas", "-i", server_address(number), "-p", str(PORT), "-nostdin",
                               "-trace_msg", "-message_file", "CONFIG") for number, host in zip(lab.numbers, lab.servers)]
        for number, (daemon, host) in enumerate(zip(self.daemons, lab.servers), 1):
            listens = f"{server_address(number)}:{PORT}"
            daemon.wait_until(lambda host=host, listens=listens: listens in host.run("ss", "-Hlnu"), 30, "SIPp listens")

    def heard(self):
        """The calls of each server."""
        found = []
        for daemon in self.daemons:
            with open(daemon.config, encoding="ascii") as file:
                found.append(set(re.findall(r"^Call-ID: (\S+)", file.read(), re.MULTILINE)))
        return found

    def stop(self):
        for daemon in self.daemons:
            daemon.process.kill()
            daemon.process.wait()


def call(lab, port):
    """The calls of each server, all from one port. Each is an invitation, an acknowledgement and an end, and misses no answer."""
    # Servers that were there before would know the calls for some seconds.
    exchange = Exchange(lab)
    said = lab.client.run("sipp", "-sn", "uac", f"{VIP}:{PORT}", "-i", CLIENT, "-p", str(port), "-m", str(CALLS), "-r", "200",
                          "-cid_str", "%u@sipp", "-nostdin", "-timeout", "30", "-timeout_error", check=False)
    good = re.findall(r"Successful call +\| +\d+ +\| +(\d+)", said)
    check(good[-1:] == [str(CALLS)], f"SIPp said {said[-500:]}")
    heard = exchange.heard()
    exchange.stop()
    counted = collections.Counter(name for names in heard for name in names)
    equal(set(counted.values()), {1}, "servers of a call")
    return heard


def balance(director, numbers, options):
    director.ipvs(f"-A {SERVICE} -s rr {options}", *(f"-a {SERVICE} -r {server_address(number)}:{PORT} -m" for number in numbers))


@scenario
def calls_of_sipp_stay_with_their_servers(t):
    # Without one-packet scheduling, the connection of the port keeps its server, whatever the call.
    for options in ("-o -p 300 --pe sip", "-p 300 --pe sip"):
        lab = Topology(servers=3)
        balance(lab.director, lab.numbers, options)
        heard = call(lab, 5070)
        t.note(f"{options}: calls of each server:", [len(names) for names in heard])
        t.note("templates:", len(calls(lab.director)))
        equal(call(lab, 6070), heard, "calls of each server, again from other ports")
        remove(lab.director, lab.client, *lab.servers)
        goes()


@scenario
def calls_of_sipp_stay_with_their_servers_at_a_backup(t):
    pair = Pair(services=((), ()))
    # Without the templates, the backup would take turns the other way round.
    for director, numbers in ((pair.master, (1, 2)), (pair.backup, (2, 1))):
        balance(director, numbers, "-o -p 300 --pe sip")
    pair.start()
    heard = call(pair.lab, 5070)
    t.note("calls of each server:", [len(names) for names in heard])
    wait_until(lambda: calls(pair.backup) == calls(pair.master), what="the templates on the backup")
    pair.stop()
    equal(call(pair.other, 5070), heard, "calls of each server at the backup")
    remove(pair.master, pair.backup)
    goes()
