# SPDX-License-Identifier: GPL-2.0
"""What passes the layer-7 switch arrives as it was sent, or visibly not at all. L7_MEGABYTES and L7_CONNECTIONS make more of it
(make test-l7)."""

import concurrent.futures
import contextlib
import os
import zlib

import switch
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario
from switch import Server, configure, head_of

MEGABYTES = int(os.environ.get("L7_MEGABYTES", "10"))
CONNECTIONS = int(os.environ.get("L7_CONNECTIONS", "60"))
AT_ONCE = 20
# Its length is prime, so bytes in a wrong place change the checksum.
BLOCK = os.urandom(65521)
LOST = 10


def send_body(one, length):
    """Sends so many bytes; their checksum."""
    total = 0
    while length > 0:
        part = BLOCK[:min(length, len(BLOCK))]
        one.sendall(part)
        total = zlib.crc32(part, total)
        length -= len(part)
    return total


def receive_body(one, length, total=0, part=b""):
    """Receives so many bytes, of which the first ones are there; their checksum, or None if they end before."""
    while True:
        total = zlib.crc32(part, total)
        length -= len(part)
        if length <= 0:
            return total
        part = one.recv(min(length, 1 << 17))
        if not part:
            return None


def read_message(one):
    """The length and the checksum of the body of a message of HTTP, and its head, of which the first line's second word has no name."""
    head, end, part = head_of(one).partition(b"\r\n\r\n")
    if not end:
        return 0, None, {}
    first, *rest = head.split(b"\r\n")
    # The path of a request, the status of an answer.
    fields = {b"": first.split(b" ")[1]} | dict(line.lower().split(b": ", 1) for line in rest)
    length = int(fields.get(b"content-length", 0))
    return length, receive_body(one, length, part=part), fields


# A client that was too slow, and a server that was not reached, has broken off, or was too slow.
GIVEN_UP = (b"408", b"502", b"503", b"504")


def mirror(_server, one):
    """Answers requests with a body as long as theirs, or as long as they want, and with the checksum of what was received."""
    while True:
        length, total, fields = read_message(one)
        if not fields:
            return
        length = int(fields.get(b"x-length", length))
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Sum: %d\r\n\r\n" % (length, total))
        send_body(one, length)


def connected(client, port):
    """A connection to the switch. If its host is not reached, by ARP or by TCP, the client is told so as by one that was reset."""
    try:
        return client.connect(VIP, port)
    except OSError as error:
        raise ConnectionError from error


def exchange(client, port, length):
    """Sends a body and receives one as long; whether both arrived. None if the connection ended before that, or the switch has said that
    it had to give up."""
    with contextlib.suppress(ConnectionError), connected(client, port) as one:
        one.settimeout(900)
        one.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        sent = send_body(one, length)
        got, received, fields = read_message(one)
        if received is None or fields[b""] in GIVEN_UP:
            return None
        return (got, received, int(fields[b"x-sum"])) == (length, sent, sent)
    return None


def start(hosts):
    """A service of each kind, in front of one server."""
    server = Server(hosts.servers[0], server_address(1), 80, mirror)
    for name, port in (("wlc", 81), ("http", 80)):
        configure(hosts.director, f"-A -i {name} -s {name} -l {VIP}:{port}", f"-a -i {name} -r {server_address(1)}:80")
    configure(hosts.director, f"--add-rule -i http -p .* -r {server_address(1)}:80", "--start")
    return server


@scenario(rust_only=True)
def long_bodies_arrive_both_ways(t):
    with switch.loaded():
        hosts = Topology(servers=1)
        server = start(hosts)
        for name, port in (("wlc", 81), ("http", 80)):
            equal(exchange(hosts.client, port, MEGABYTES << 20), True, f"{MEGABYTES} MB each way by {name}")
            t.note(name, "ok")
        server.close()


@scenario(rust_only=True)
def bodies_are_whole_or_cut_if_packets_are_lost(t):
    with switch.loaded():
        hosts = Topology(servers=1)
        # Losses are in all directions of both wires.
        for host, device in ((hosts.client, "c0"), (hosts.director, "c0"), (hosts.director, "s1"), (hosts.servers[0], "s0")):
            host.run("tc", "qdisc", "add", "dev", device, "root", "netem", "loss", f"{LOST}%")
        server = start(hosts)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = list(threads.map(lambda number: exchange(hosts.client, 80 + number % 2, 1000 + number * 977 % 100000),
                                        range(CONNECTIONS)))
        check(False not in outcomes, "a body has arrived that is not the one that was sent")
        # Each packet is sent again, some fifteen times.
        check(outcomes.count(True) >= CONNECTIONS * 0.98, f"{outcomes.count(None)} of {CONNECTIONS} connections ended before their time")
        t.note("ok")
        for host, device in ((hosts.client, "c0"), (hosts.director, "c0"), (hosts.director, "s1"), (hosts.servers[0], "s0")):
            host.run("tc", "qdisc", "del", "dev", device, "root")
        server.close()
