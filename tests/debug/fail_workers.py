# SPDX-License-Identifier: GPL-2.0
"""What the kernel's workers allocate: other sizes of the tables. And all at random, also in interrupts."""

import re
import socket
import time

import kernel
import nth
from additions import ALL, FLAGS, Additions
from attempts import expect
from fail_commands import KEY, SCHEDULERS, VIRTUAL, Here, asking, put, server, service
from fail_connections import drops
from genl import attribute, u32
from scenario import check, equal
from scenarios.m_leaks import check_memory

EVERYTHING = attribute(FLAGS, u32(ALL))
ROUNDS = 200
SMALL, LARGE = 8, -8
# How long a worker may take, and a timer.
SOON = 0.2


def buckets(table):
    """The size of a table."""
    with open("/proc/net/ip_vs_status", encoding="ascii") as file:
        return int(re.search(rf"^{table} buckets:\t(\d+)", file.read(), re.M)[1])


def after_a_while(table, wanted):
    """The outcome of a resize, once the worker has done it or failed."""
    before = buckets(table)
    end = time.monotonic() + SOON
    while buckets(table) != wanted:
        if time.monotonic() > end:
            equal(buckets(table), before, "the size that was there")
            return "kept"
        time.sleep(0.01)
    return "ok"


def resize(run):
    """Each allocation for another size of each table, which a failure leaves as it is."""
    client = Additions(Here)
    expect(client, "NEW_SERVICE", service())
    expect(client, "NEW_DEST", KEY + server())
    clients(30000, 100)
    for table, setting in (("Conn", "conn_lfactor"), ("Service", "svc_lfactor")):
        by_setting(run, table, setting)
    by_connections(run, client)
    by_services(run, client)
    by_servers(run, client)
    expect(client, "FLUSH")
    client.socket.close()


def by_setting(run, table, setting):
    """A load factor that wants another size, each way."""
    sizes = {}
    for factor in (LARGE, SMALL):
        put(setting, factor)
        time.sleep(SOON)
        sizes[factor] = buckets(table)
    check(sizes[SMALL] < sizes[LARGE], f"{setting} changes nothing: {sizes}")

    now = None

    def become(factor):
        def one():
            nonlocal now
            if now == factor:
                # To say the same once more changes nothing.
                put(setting, 0)
            now, outcome = factor, put(setting, factor)
            return after_a_while(table, sizes[factor]) if outcome == "ok" else outcome
        return one

    for what, factor, other in (("grow", LARGE, SMALL), ("shrink", SMALL, LARGE)):
        become(other)()
        run.all(f"let the table {table} {what} by {setting}", become(factor),
                lambda other=other: equal(become(other)(), "ok", "back"), way=run.by_workers)


def clients(first, count):
    """Packets of new clients."""
    for port in range(first, first + count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
            near.bind((VIRTUAL, port))
            near.sendto(b"x", (VIRTUAL, 53))


def by_connections(run, client):
    """More connections than the table is meant for. Without memory it is tried again when there are twice as many."""
    put("conn_lfactor", -4)
    known = 0

    def more():
        nonlocal known
        before = buckets("Conn")
        many = 17 if known == 0 else known + 1
        clients(20000 + known, many)
        known += many
        time.sleep(SOON)
        return "ok" if buckets("Conn") > before else "kept"

    def back():
        nonlocal known
        expect(client, "FLUSH")
        equal(client.end(EVERYTHING) >= known, True, "connections ended")
        known = 0
        expect(client, "NEW_SERVICE", service())
        expect(client, "NEW_DEST", KEY + server())
        # The factor anew gives the size anew.
        put("conn_lfactor", -3)
        time.sleep(SOON)
        put("conn_lfactor", -4)
        time.sleep(SOON)
        equal(buckets("Conn"), 256, "the least size")

    back()
    run.all("let the table of connections grow as they come", more, back, way=run.by_workers)


def by_services(run, client):
    """More services than the table is meant for."""
    put("svc_lfactor", 0)
    known = 0

    def more():
        nonlocal known
        before = buckets("Service")
        many = 40 if known == 0 else known + 40
        for port in range(1000 + known, 1000 + known + many):
            expect(client, "NEW_SERVICE", service(port=port))
        known += many
        time.sleep(SOON)
        return "ok" if buckets("Service") > before else "kept"

    def back():
        nonlocal known
        expect(client, "FLUSH")
        known = 0
        expect(client, "NEW_SERVICE", service())
        put("svc_lfactor", 1)
        time.sleep(SOON)
        put("svc_lfactor", 0)
        time.sleep(SOON)
        equal(buckets("Service"), 16, "the least size")

    back()
    run.all("let the table of services grow as they come", more, back, way=run.by_workers)


def by_servers(run, client):
    """More servers than the table that finds them is meant for; its size is not shown."""
    addresses = [f"127.0.1.{number}" for number in range(1, 41)]
    expect(client, "FLUSH")
    expect(client, "NEW_SERVICE", service())

    def add():
        for one in addresses:
            expect(client, "NEW_DEST", KEY + server(at=one))
        time.sleep(SOON)
        return "ok"

    def remove():
        for one in addresses:
            expect(client, "DEL_DEST", KEY + server(at=one))
        time.sleep(SOON)

    run.all("let the table of servers grow as they come", add, remove, way=run.by_workers)


def background(run):
    """What no system call does: interrupts and workers. A quarter of all fails, at random, while connections come and go
    and the tables change their size; then none does, and all must work."""
    client = Additions(Here)
    expect(client, "NEW_SERVICE", service())
    expect(client, "NEW_DEST", KEY + server())
    put("conn_lfactor", SMALL)
    time.sleep(SOON)
    before, kept, resized = drops(), 0, 0
    nth.at_random(25)
    for turn in range(40):
        old = buckets("Conn")
        put("conn_lfactor", SMALL if turn % 2 else LARGE)
        for port in range(40000 + 50 * turn, 40050 + 50 * turn):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
                near.setblocking(False)
                try:
                    near.bind((VIRTUAL, port))
                    near.sendto(b"x", (VIRTUAL, 53))
                except OSError:
                    continue
        time.sleep(SOON)
        kept, resized = kept + (buckets("Conn") == old), resized + (buckets("Conn") != old)
    nth.at_random(0)
    run.look_at_log()
    check(kept and resized and drops() > before, f"the table stayed {kept} times, changed {resized} times")
    print(f"ok faults: at random: {drops() - before} of 2000 new connections dropped; of 40 resizes {kept} failed", flush=True)
    time.sleep(3)
    run.all("after the random failures: a new command", asking(client, "ZERO"), least=0)
    expect(client, "FLUSH")
    client.socket.close()


def sums(run):
    """What is lost one by one, or where kmemleak still sees a pointer, adds up: many rounds in which a fifth of all fails."""
    client = Additions(Here)

    def rounds(count):
        for turn in range(count):
            client.do("NEW_SERVICE", service(SCHEDULERS[turn % len(SCHEDULERS)]))
            for port in (1, 2):
                client.do("NEW_DEST", KEY + server(port=port))
            client.do("SET_DEST", KEY + server(2, port=1))
            client.do("SET_SERVICE", service("mh"))
            client.apply(service("sh"), server(port=3), server(3, port=1))
            try:
                clients(50000, 5)
            except OSError:
                continue
            finally:
                client.end(EVERYTHING)
                client.do("FLUSH")

    rounds(3 * len(SCHEDULERS))
    before = kernel.memory()
    nth.at_random(20)
    rounds(ROUNDS)
    nth.at_random(0)
    run.look_at_log()
    client.end(EVERYTHING)
    expect(client, "FLUSH")
    check_memory(before, ROUNDS // 4)
    print(f"ok faults: the slabs are as they were before {ROUNDS} rounds", flush=True)
    client.socket.close()


PARTS = {"resize": resize, "background": background, "sums": sums}
