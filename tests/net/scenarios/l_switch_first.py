# SPDX-License-Identifier: GPL-2.0
"""The first bytes of connections that the layer-7 switch makes and takes: nobody waits for them."""

import array
import fcntl
import socket
import termios
import time

import kernel
import switch
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario
from switch import Server, configure, head_of, receive_all

TRIES = 10
# After this time TCP sends an ACK that has waited for bytes (TCP_DELACK_MAX).
DELAYED = 0.2
# As long an ACK of bytes waits at least (TCP_DELACK_MIN), less a tick.
WAITS = 0.036
GET = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


def greet(_server, one):
    one.sendall(b"hello\n")
    one.sendall(receive_all(one))


def waited(client, port):
    """How long a client waits for the greeting of a server. It says nothing before, and both are done afterwards."""
    begun = time.monotonic()
    with client.connect(VIP, port) as one:
        greeting = one.recv(64)
        seconds = time.monotonic() - begun
        equal(greeting, b"hello\n", "the greeting")
        one.sendall(b"so long")
        one.shutdown(socket.SHUT_WR)
        equal(receive_all(one), b"so long", "the echo")
    return seconds


@scenario(rust_only=True)
def servers_may_speak_first_and_at_once(_t):
    """The last ACK of the handshake waits for what the client says, but not if it says nothing."""
    with switch.loaded():
        hosts = Topology(servers=1)
        server = Server(hosts.servers[0], server_address(1), 25, greet)
        configure(hosts.director, f"-A -i mail -s wlc -l {VIP}:25", f"-a -i mail -r {server_address(1)}", "--start")
        soonest = min(waited(hosts.client, 25) for _ in range(TRIES))
        check(soonest < DELAYED, f"the soonest greeting came after {soonest} s")
        server.close()


def answer(_server, one):
    """Answers one request, when it has all of it."""
    request = head_of(one)
    while b"Content-Length" in request and not request.endswith(b"hello"):
        request += one.recv(64)
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def unconfirmed(one):
    """So many bytes were sent of which no ACK has come."""
    count = array.array("i", [0])
    fcntl.ioctl(one, termios.TIOCOUTQ, count)
    return count[0]


def confirmed(client, request, length):
    """How long a client waits for the ACK of the first bytes of a request. The rest of it comes behind that, and the answer."""
    with client.connect(VIP, 80) as one:
        begun = time.monotonic()
        one.sendall(request[:length])
        while unconfirmed(one):
            time.sleep(0.0005)
        seconds = time.monotonic() - begun
        one.sendall(request[length:])
        check(receive_all(one).endswith(b"ok"), "a request in two parts is not answered")
    return seconds


@scenario(rust_only=True)
def requests_in_parts_are_confirmed_at_once(_t):
    """The ACK of a request goes with its answer, but a client may wait for it before it sends the rest."""
    with switch.loaded():
        hosts = Topology(servers=1)
        server = Server(hosts.servers[0], server_address(1), 80, answer)
        configure(hosts.director, f"-A -i web -s http -l {VIP}:80", f"-a -i web -r {server_address(1)}",
                  f"--add-rule -i web -p .* -r {server_address(1)}", "--start")
        for request, length in ((GET, 10), (POST, POST.index(b"hello"))):
            soonest = min(confirmed(hosts.client, request, length) for _ in range(TRIES))
            check(soonest < WAITS, f"the soonest ACK came after {soonest} s")
        server.close()


def answer_in_parts(_server, one):
    """Answers requests as a simple program does: the head by one call, the body by two, without TCP_NODELAY."""
    while head_of(one):
        for part in (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b"one", b"two"):
            one.sendall(part)


def answered(client, to, count):
    """How long a client waits for each of so many answers on one connection."""
    times = []
    with client.connect(*to) as one:
        for _ in range(count):
            begun = time.monotonic()
            one.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            seen = b""
            while not seen.endswith(b"two"):
                seen += one.recv(4096)
            times.append(time.monotonic() - begun)
    return times


@scenario(rust_only=True)
def answers_in_parts_come_at_once(_t):
    """A server that sends little, and little more, waits for the ACK in between (RFC 896): it comes as it does without the switch."""
    with switch.loaded():
        hosts = Topology(servers=1)
        server = Server(hosts.servers[0], server_address(1), 80, answer_in_parts)
        configure(hosts.director, f"-A -i web -s http -l {VIP}:80", f"-a -i web -r {server_address(1)}",
                  f"--add-rule -i web -p .* -r {server_address(1)}", "--start",
                  f"-A -i any -s wlc -l {VIP}:81", f"-a -i any -r {server_address(1)}:80", "--start")
        for count in (1, 5):
            direct, http, wlc = ([min(times) for times in zip(*(answered(hosts.client, to, count) for _ in range(TRIES)))]
                                 for to in ((server_address(1), 80), (VIP, 80), (VIP, 81)))
            for name, times in (("http", http), ("wlc", wlc)):
                for number, (seconds, without) in enumerate(zip(times, direct)):
                    check(seconds < without + WAITS * kernel.PATIENCE, f"{name}: answer {number} came after {seconds} s, without the switch {without} s")
        server.close()
