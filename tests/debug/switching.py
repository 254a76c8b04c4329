# SPDX-License-Identifier: GPL-2.0
"""The layer-7 switch in the storm (storm.py): commands, clients, servers, listeners, and modules that come and go. All of it is in
one namespace, over loopback."""

import contextlib
import errno
import os
import random
import socket
import time

import kernel
import switch
from actor import Actor
from scenario import check
from switch_genl import RULE, SERVER, Listener, Switch, attribute, key, nest, rule, server, service

HERE = "127.0.0.1"
# Services listen on the first ports, servers on the others.
PORTS, SERVERS = (7100, 7101, 7102), (7200, 7201, 7202, 7203)
NAMES = ("web", "bulk", "more")
PATHS = ("/one", "/two", "/three")
# What a command may be told while others work against it. ENODEV: the module goes.
ALLOWED = {"ok", "ESRCH", "EEXIST", "ENOENT", "ENOMEM", "EBUSY", "ESHUTDOWN", "EADDRINUSE", "ENODEV", "EAGAIN", "EOPNOTSUPP"}
SETTINGS = (("keepalive_timeout", (1, 30)), ("header_timeout", (1, 15)), ("read_timeout", (1, 180)), ("zerocopy_send", (0, 1)),
            ("max_head", (256, 16384)), ("max_backlog", (1, 2048)), ("debug_level", (0, 5)))


class Commands(Actor):
    """Changes everything there is to change, and lists it."""

    client = None

    def say(self, command, payload=b""):
        if self.client is None or self.client.family is None:
            self.client = Switch(self.lab.director)
        if self.client.family is None:
            # The module is not there; to ask by name loads it, if it can be loaded now.
            time.sleep(0.05)
            return
        outcome = self.client.do(command, payload)[0]
        check(outcome in ALLOWED, f"{command} gave {outcome}")
        if outcome == "ENOENT":
            # It may have another number now.
            self.client.socket.close()
            self.client = None

    def whole(self, who):
        scheduler = random.choice(("http", "wlc"))
        ports = random.sample(SERVERS, random.randrange(1, 4))
        rules = [rule(f"^{random.choice(PATHS)}[0-9]*", HERE, port) for port in ports]
        return service(who, HERE, PORTS[NAMES.index(who)], scheduler, [server(HERE, port, random.randrange(4)) for port in ports],
                       rules)

    def once(self):
        who, port = random.choice(NAMES), random.choice(SERVERS)
        choice = random.randrange(16)
        if choice == 0:
            self.say("STOP", random.choice((key(who), b"")))
            self.say("APPLY", b"".join(self.whole(one) for one in NAMES))
        elif choice == 1:
            self.say("STOP", key(who))
            self.say("DEL_SERVICE", key(who))
        elif choice == 2:
            self.say("FLUSH")
        elif choice == 3:
            with contextlib.suppress(OSError):
                self.lab.director.sysctl("net/ktcpvs/unload", 1)
                self.lab.director.sysctl("net/ktcpvs/unload", 0)
        elif choice == 4:
            setting, values = random.choice(SETTINGS)
            with contextlib.suppress(OSError):
                self.lab.director.sysctl(f"net/ktcpvs/{setting}", random.choice(values))
        elif choice in (5, 6):
            self.say("DEL_RELAY", random.choice((key(who), nest(4, attribute(4, port.to_bytes(2, "big"))))))
        elif choice in (7, 8):
            with contextlib.suppress(OSError):
                self.lab.director.read("/proc/net/ktcpvs")
            if self.client and self.client.family:
                for command in ("GET_SERVICE", "GET_RELAY"):
                    self.client.dump(command)
                self.client.dump("GET_SERVER", key(who))
        elif choice in (9, 10):
            self.say("SET_SERVER", key(who) + nest(SERVER, server(HERE, port, random.randrange(3))))
            self.say("DEL_SERVER", key(who) + nest(SERVER, server(HERE, port)))
        self.say("NEW_SERVICE", service(who, HERE, PORTS[NAMES.index(who)], random.choice(("http", "wlc"))))
        self.say("NEW_SERVER", key(who) + nest(SERVER, server(HERE, port, 1)))
        self.say("NEW_RULE", key(who) + nest(RULE, rule(random.choice((".*", *PATHS)), HERE, port)))
        self.say("START", key(who))


class Conversations(Actor):
    """Clients of all kinds, which are often cut off."""

    def once(self):
        with contextlib.suppress(OSError), self.lab.director.connect(HERE, random.choice(PORTS)) as one:
            one.settimeout(random.choice((0.01, 0.1, 1)))
            head = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % random.choice(PATHS).encode()
            kind = random.randrange(6)
            if kind == 0:
                for byte in head:
                    one.send(bytes([byte]))
            elif kind == 1:
                one.sendall(head[:random.randrange(len(head))])
                switch.abort(one)
                return
            elif kind == 2:
                one.sendall(bytes(random.randrange(1 << 20)))
                one.shutdown(socket.SHUT_WR)
            elif kind == 3:
                one.send(b"x", socket.MSG_OOB)
            else:
                one.sendall(head * random.randrange(1, 4))
            while one.recv(random.choice((1, 1 << 16))):
                pass


class Answers(Actor):
    """Servers of all kinds."""

    def prepare(self):
        self.listeners = []
        for port in random.sample(SERVERS, 3):
            with self.lab.director:
                listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((HERE, port))
            listener.listen(64)
            listener.settimeout(0.02)
            self.listeners.append(listener)

    def once(self):
        with contextlib.suppress(OSError):
            one, _ = random.choice(self.listeners).accept()
            with one:
                one.settimeout(0.1)
                kind = random.randrange(5)
                if kind == 0:
                    switch.abort(one)
                elif kind == 1:
                    one.sendall(bytes(random.randrange(1 << 21)))
                elif kind == 2:
                    switch.head_of(one)
                    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(random.choice((1, 100_000))))
                else:
                    switch.head_of(one)
                    one.sendall(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")


class Hearers(Actor):
    """Comes, hears of what is changed, and goes."""

    def once(self):
        if Switch(self.lab.director).family is None:
            time.sleep(0.1)
            return
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            # Where the module went in between, there is no group to join.
            listener = Listener(self.lab.director)
            time.sleep(0.1)
            try:
                listener.hear()
            except OSError as error:
                check(error.errno == errno.ENOBUFS, f"a listener got {error}")
            listener.socket.close()


class Loading(Actor):
    """Tries to remove each module of the switch, and loads it again."""

    def once(self):
        module = random.choice(switch.MODULES)
        outcome = kernel.unload(module)
        check(outcome in ("ok", "EAGAIN", "ENOENT", "EBUSY", "EWOULDBLOCK"), f"unloading {module}: {outcome}")
        os.system(f"modprobe -q {module}")
        # To load a module and to remove it holds up all namespaces.
        time.sleep(random.random())


ACTORS = [Commands, Commands, Conversations, Conversations, Conversations, Answers, Answers, Hearers, Loading]


def end():
    """Removes what is left of it. Fails if something holds it."""
    for _ in range(100):
        if kernel.use_count("ktcpvs") is None:
            return
        kernel.load("ktcpvs")
        with open("/proc/sys/net/ktcpvs/unload", "w", encoding="ascii") as file:
            file.write("1\n")
        for name in switch.MODULES:
            kernel.unload(name)
        time.sleep(0.1)
    switch.unload()
