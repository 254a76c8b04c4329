# SPDX-License-Identifier: GPL-2.0
"""The list of connections is long, and read while the table changes.

CONNECTIONS in the environment is how many; half a million want a VM with 2 GB of memory."""

import os
import statistics
import time

import kernel
import pktgen
from lab import VIP, mac, server_address
from scenario import check, equal, scenario
from wire import Wires

DNS = f"-u {VIP}:53"
EACH = 50000
COUNT = int(os.environ.get("CONNECTIONS", 100000 // kernel.LESS))
PACKETS = 5000 // kernel.LESS
FIRST_PORT = 10000
PIECE = 1 << 16


class Table:
    """A director whose only server drops what it gets, and the connections that there should be."""

    def __init__(self):
        self.lab = Wires()
        self.lab.from_client.socket.close()
        self.lab.from_server[0].socket.close()
        self.lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server_address(1)}:53 -m")
        self.clients = 0
        kernel.load("pktgen")

    def send(self, client, count, first=FIRST_PORT):
        """So many packets of a client, from one port after the other; returns nanoseconds per packet."""
        with self.lab.client:
            return pktgen.send("c0", count, to_mac=mac(2), source=f"10.0.0.{client}", target=VIP,
                               sports=(first, first + count - 1), dport=53)

    def fill(self, count):
        """Adds connections of new clients."""
        while count > 0:
            self.clients += 1
            self.send(10 + self.clients, min(count, EACH))
            count -= EACH

    def read(self, disturb=None):
        """The list piece by piece, as (client, port); `disturb` is called with the number of each piece but the last."""
        with self.lab.director:
            file = os.open("/proc/net/ip_vs_conn", os.O_RDONLY)
        pieces = []
        while True:
            piece = os.read(file, PIECE)
            if not piece:
                break
            pieces.append(piece)
            if disturb:
                disturb(len(pieces))
        os.close(file)
        lines = b"".join(pieces).splitlines()[1:]
        equal({len(line.split()) for line in lines}, {9}, "words in the lines")
        return [tuple(line.split()[1:3]) for line in lines]


@scenario
def a_long_table_is_read_in_linear_time(t):
    table, seconds = Table(), []
    for count in (COUNT // 4, COUNT - COUNT // 4):
        table.fill(count)
        start = time.monotonic()
        rows = table.read()
        seconds.append(time.monotonic() - start)
        equal(len(rows), len(set(rows)), "different connections")
        t.note(len(rows), "connections")
    print(f"# {COUNT} connections were read in {seconds[1]:.3f} s of the machine's time, a quarter in {seconds[0]:.3f} s")
    check(seconds[1] < 5 * seconds[0], f"four times as many take {seconds[1] / seconds[0]:.1f} times as long")


@scenario(rust_only=True)
def a_table_that_grows_while_it_is_read_misses_and_repeats_nothing(t):
    table = Table()
    table.fill(COUNT // 2)
    before = set(table.read())

    def disturb(piece):
        # Twice the table has to grow, and hundreds of connections come in between.
        if piece in (3, 20):
            table.fill(COUNT // 4)
        table.send(2, 20, first=1000 + piece * 20 % 8000)

    rows = table.read(disturb)
    there = [row for row in rows if row in before]
    equal(len(there), len(set(there)), "those that were there before, each once")
    equal(len(there), len(before), "those that were there before")
    equal(len(rows), len(set(rows)), "all of them, each once")
    t.note(len(before), "connections, each listed once while as many more came")


@scenario
def packets_cost_the_same_while_the_table_is_read(t):
    table = Table()
    table.fill(COUNT)
    # What the new connections have left to do, the table's growth and the end of old arrays, is done.
    time.sleep(10)
    table.send(11, 2000)
    alone = [table.send(11, PACKETS) for _ in range(3)]
    during = []

    # Ten times: fifty connections are a piece.
    period = COUNT // 500

    def disturb(piece):
        if piece % period == period // 2:
            during.append(table.send(11, PACKETS))

    equal(len(table.read(disturb)), COUNT, "connections")
    check(len(during) > 2, "little was sent meanwhile")
    before, then = statistics.median(alone), statistics.median(during)
    print(f"# ns for a packet: {before:.0f} before, {then:.0f} while the table is read ({[round(one) for one in during]})")
    check(then < before * 1.02, f"a packet takes {then:.0f} ns instead of {before:.0f}")
    t.note("a packet costs the same, within two per cent")
