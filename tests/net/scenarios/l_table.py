# SPDX-License-Identifier: GPL-2.0
"""A connection table with many connections."""

import re

import kernel
import pktgen
from lab import VIP, mac, server_address
from scenario import equal, scenario
from views import wait_until
from wire import Wires

DNS = f"-u {VIP}:53"
CLIENTS = ("10.0.0.2", "10.0.0.3")
COUNT = 100000 // kernel.LESS
EACH = COUNT // len(CLIENTS)
PORTS = (10000, 10000 + EACH - 1)


def fill(lab):
    """One packet from every port of every client."""
    kernel.load("pktgen")
    with lab.client:
        for client in CLIENTS:
            pktgen.send("c0", EACH, to_mac=mac(2), source=client, target=VIP, sports=PORTS, dport=53)


def known(lab):
    """How many connections the only server has."""
    active, inactive = lab.director.read("/proc/net/ip_vs").splitlines()[-1].split()[-2:]
    return int(active) + int(inactive)


def buckets(lab):
    return int(re.search(r"size=(\d+)", lab.director.read("/proc/net/ip_vs"))[1])


def filled():
    """A director with all the connections, behind a server that drops what it gets."""
    lab = Wires()
    lab.from_client.socket.close()
    lab.from_server[0].socket.close()
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server_address(1)}:53 -m")
    fill(lab)
    return lab


@scenario
def a_hundred_thousand_connections(t):
    lab = filled()
    equal(known(lab), COUNT, "connections of the server")
    rows = lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]
    equal(len(rows), COUNT, "listed connections")
    equal(len({tuple(line.split()[:7]) for line in rows}), COUNT, "different listed connections")
    fill(lab)
    equal(known(lab), COUNT, "connections after one more packet of each")
    t.note(COUNT, "connections, each one found again and listed once")


@scenario
def a_full_table_grows_shrinks_and_empties(t):
    lab = Wires()
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server_address(1)}:53 -m", "--set 0 0 1")
    kernel.load("pktgen")
    with lab.client:
        pktgen.send("c0", 3000, to_mac=mac(2), source=CLIENTS[0], target=VIP, sports=(10000, 12999), dport=53)
    wait_until(lambda: buckets(lab) >= 4096, 10, "a table of 4096 buckets")
    t.note("grown to 4096 buckets or more")
    wait_until(lambda: known(lab) == 0, 15, "the end of all connections")
    wait_until(lambda: buckets(lab) == 256, 30, "a table of 256 buckets")
    t.note("shrunk to 256 buckets")


@scenario(rust_only=True)
def the_table_grows_beyond_4096_buckets(t):
    lab = filled()
    wait_until(lambda: buckets(lab) > 4096, 20, "a table of more than 4096 buckets")
    t.note("more than 4096 buckets")
