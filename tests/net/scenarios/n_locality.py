# SPDX-License-Identifier: GPL-2.0
"""How many destinations the schedulers by locality remember: a flood of addresses fills their memory, and no more than that."""

import ipaddress
import time

import kernel
import pktgen
from balance import CLIENTS, Balancer
from lab import CLIENT, mac
from packets import UDP
from scenario import equal, scenario
from wire import Wire

# With so many destinations no more are remembered: once and a half the size that the C module aims at.
MOST = 24576
FIRST = ipaddress.ip_address("10.2.64.0")
# What was idle for six minutes makes room; the C module looks once a minute.
IDLE = 360 + 70


def fill(lab, count):
    """A packet to each of so many destinations that were not seen before."""
    kernel.load("pktgen")
    lab.from_server[0].socket.close()
    with lab.client:
        pktgen.send("c0", count, to_mac=mac(2), source=CLIENT, target=FIRST, last_target=FIRST + count - 1,
                    sports=(1000, 1000), dport=80)
    lab.from_server = [Wire(lab.servers[0], "s0", mac(3, 1), mac(4, 1))]


def probe(t, lab, target):
    """Connections to one destination: all to one server if it is remembered, each to the least loaded one otherwise."""
    letters = lab.connect([(client, target) for client in CLIENTS[:6]])
    equal(len(letters.replace("-", "")), 6, "connections")
    t.note(target, "is remembered" if len(set(letters)) == 1 else "is not remembered")


def filled(t, scheduler):
    # Without active connections no server has too much to do.
    lab = Balancer(scheduler, protocol=UDP, mark=7)
    for letter in "abc":
        lab.add(letter)
    probe(t, lab, "10.2.0.1")
    fill(lab, MOST - 3)
    for target in ("10.2.0.2", "10.2.0.3", "10.2.0.4", "10.2.0.5", "10.2.0.3", "10.2.0.1"):
        probe(t, lab, target)
    time.sleep(IDLE)
    t.note("six minutes later")
    for target in ("10.2.0.4", "10.2.0.5"):
        probe(t, lab, target)


@scenario
def lblc_remembers_so_many_destinations(t):
    filled(t, "lblc")


@scenario
def lblcr_remembers_so_many_destinations(t):
    filled(t, "lblcr")
