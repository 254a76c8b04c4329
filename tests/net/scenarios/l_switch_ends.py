# SPDX-License-Identifier: GPL-2.0
"""Clients and servers of the layer-7 switch that go at each state of a relay: the other side is told, and nothing is left."""

import contextlib
import select
import threading
import time

import switch
from lab import VIP, Topology, server_address
from scenario import check, scenario
from switch import Server, configure, head_of, receive_all

REQUEST = b"GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
UPLOAD = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
SERVICES = {"http": 80, "wlc": 81}


def close(one):
    one.close()


WAYS = {"closes": close, "resets": switch.abort}


class Stage:
    """A server that does with a connection what the target of its request says, then waits until it is told to go."""

    def __init__(self, host):
        self.server = Server(host, server_address(1), 80, self.serve)
        self.reached, self.go = threading.Event(), threading.Event()
        self.way, self.ended = close, None

    def prepare(self, way=close):
        """Lets the next connection go in a way; with None it is not even read from."""
        self.reached.clear()
        self.go.clear()
        self.way, self.ended = way, None

    def serve(self, _server, one):
        head = b"" if self.way is None else head_of(one)
        word = head.split(b" ")[1].strip(b"/") if head else b"nothing"
        if word == b"middle":
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        elif word == b"flood":
            self.reached.set()
            with contextlib.suppress(OSError):
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + bytes(50_000_000))
            self.ended = "ended"
            return
        self.reached.set()
        if word in (b"listen", b"unread"):
            # The client is the one to go.
            if word == b"unread":
                self.go.wait(20)
            try:
                receive_all(one)
                self.ended = "FIN"
            except ConnectionError:
                self.ended = "reset"
            return
        self.go.wait(20)
        (self.way or close)(one)
        self.ended = "went"

    def wait_for_end(self, what):
        for _ in range(1000):
            if self.ended:
                return self.ended
            time.sleep(0.01)
        check(False, f"{what}: the server is not told")
        return None


def sockets(host):
    """The states of the connections that the director has, but for those that only wait for their time."""
    rows = [line.split() for line in host.read("/proc/net/tcp").splitlines()[1:]]
    return [row[3] for row in rows if row[3] not in ("06", "0A")]


def wait_until_gone(host, what):
    for _ in range(1500):
        if not sockets(host):
            return
        time.sleep(0.01)
    check(False, f"{what}: connections in the states {sockets(host)} are left")


def outcome(one):
    """What a client reads until the end, and how it ends."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := one.recv(65536):
            found += part
        return found, "FIN"
    return found, "reset"


@contextlib.contextmanager
def topology():
    with switch.loaded():
        hosts = Topology(servers=1)
        stage = Stage(hosts.servers[0])
        for name, port in SERVICES.items():
            configure(hosts.director, f"-A -i {name} -s {name} -l {VIP}:{port}", f"-a -i {name} -r {server_address(1)}:80")
        configure(hosts.director, f"--add-rule -i http -p .* -r {server_address(1)}:80")
        # A server whose host does not answer.
        hosts.director.ip("addr add 198.51.100.1/24 dev c0", "neigh add 198.51.100.9 lladdr 02:00:00:00:00:99 dev c0")
        configure(hosts.director, "-A -i dead -s wlc -l {0}:82".format(VIP), "-a -i dead -r 198.51.100.9:80",
                  "--start")
        yield hosts, stage
        stage.server.close()


def fill(one):
    """Sends until there is no room."""
    one.setblocking(False)
    idle = 0
    while idle < 3:
        try:
            one.send(bytes(1 << 16))
            idle = 0
        except BlockingIOError:
            idle += not select.select([], [one], [], 0.2)[1]
    one.setblocking(True)


@scenario(rust_only=True)
def clients_go_at_each_state(t):
    """Whatever a client has begun, its relay ends when it goes; the server sees the same end as the switch did."""
    with topology() as (hosts, stage):
        for how, go in WAYS.items():
            for state, port, begins in (("nothing", 80, b""), ("half a head", 80, b"GET / HTT"), ("no head", 80, b"\x16\x03\x01\x00"),
                                        ("connecting", 82, b"hello"), ("connected", 81, b"")):
                stage.prepare(None)
                one = hosts.client.connect(VIP, port)
                one.sendall(begins)
                time.sleep(0.05)
                go(one)
                stage.go.set()
                wait_until_gone(hosts.director, f"{state}, the client {how}")
                t.note(state, how, "nothing is left")
            for name, port in SERVICES.items():
                for state, request in (("request sent", REQUEST % b"listen"), ("upload", UPLOAD % b"unread"),
                                       ("answer unread", REQUEST % b"flood")):
                    stage.prepare()
                    one = hosts.client.connect(VIP, port)
                    one.sendall(request)
                    check(stage.reached.wait(10), f"{name}, {state}: the server does not get the request")
                    if state == "upload":
                        fill(one)
                    time.sleep(0.2)
                    go(one)
                    stage.go.set()
                    told = stage.wait_for_end(f"{name}, {state}, the client {how}")
                    wait_until_gone(hosts.director, f"{name}, {state}, the client {how}")
                    t.note(name, state, how, told)
        # A client that was refused, and goes before it has read why.
        for how, go in WAYS.items():
            one = hosts.client.connect(VIP, 80)
            one.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(1000))
            time.sleep(0.05)
            go(one)
            wait_until_gone(hosts.director, f"refused, the client {how}")
            t.note("refused", how, "nothing is left")


@scenario(rust_only=True)
def servers_go_at_each_state(t):
    """A client is told by an answer of the switch if there was none yet, else by an answer that is not whole."""
    with topology() as (hosts, stage):
        for how, go in WAYS.items():
            for name, port in SERVICES.items():
                for state, request in (("no answer", REQUEST % b"silent"), ("half an answer", REQUEST % b"middle"),
                                       ("upload", UPLOAD % b"silent")):
                    stage.prepare(go)
                    one = hosts.client.connect(VIP, port)
                    one.settimeout(20)
                    one.sendall(request)
                    check(stage.reached.wait(10), f"{name}, {state}: the server does not get the request")
                    if state == "upload":
                        fill(one)
                    if state == "half an answer":
                        head_of(one)
                    stage.go.set()
                    found, end = outcome(one)
                    one.close()
                    wait_until_gone(hosts.director, f"{name}, {state}, the server {how}")
                    t.note(name, state, how, found.split(b"\r\n")[0].decode() or "-", end)
                    check((name, state) != ("http", "no answer") or found.startswith(b"HTTP/1.1 502 "),
                          f"the answer of the switch when the server {how}: {found!r}")
                    check(len(found) < 1000, f"{name}, {state}, the server {how}: the answer looks whole")
