# SPDX-License-Identifier: GPL-2.0
"""Slow downloads: servers send a block now and then, and the client looks at what comes, and when."""

import selectors
import socket
import threading
import time

from dual import vip
from scenario import Failed, check, equal
from services import NAT, NAT_PORT, SERVICES

BLOCK, PAUSE_SECONDS = 2000, 0.1
# What is downloaded from: one service for each forwarding method and version of IP.
NAMES = ("NAT", "DR", "TUN", "NAT6", "DR6", "TUN6")
SOURCES = [one for one in SERVICES if one.name in NAMES]


def block(number):
    """What a server sends as its block with a number."""
    return number.to_bytes(4, "big") * (BLOCK // 4)


class Servers:
    """Listeners of all servers and, in one thread, what they send to who connects."""

    def __init__(self, hosts, blocks):
        self.blocks, self.listeners, self.open = blocks, [], {}
        for host in hosts:
            for port in sorted({NAT_PORT if one.method == NAT else one.port for one in SOURCES}):
                one = host.socket(socket.AF_INET6, socket.SOCK_STREAM)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(("::", port))
                one.listen(32)
                one.setblocking(False)
                self.listeners.append(one)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while self.listeners:
            time.sleep(PAUSE_SECONDS)
            for listener in self.listeners:
                self.accept(listener)
            for one in list(self.open):
                self.send(one)

    def accept(self, listener):
        try:
            while True:
                one, _ = listener.accept()
                one.setblocking(False)
                self.open[one] = b"", 0
        except OSError:
            pass

    def send(self, one):
        """The rest of a block, or the next one, or the end."""
        rest, number = self.open[one]
        try:
            if not rest and number == self.blocks:
                one.close()
                del self.open[one]
                return
            if not rest:
                rest, number = block(number), number + 1
            self.open[one] = rest[one.send(rest):], number
        except BlockingIOError:
            self.open[one] = rest, number
        except OSError:
            del self.open[one]

    def stop(self):
        listeners, self.listeners = self.listeners, []
        for one in [*listeners, *self.open]:
            one.close()


class Download:
    """One connection of the client."""

    def __init__(self, client, service):
        self.service = service
        self.socket = client.socket(socket.AF_INET if service.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        self.socket.connect((vip(service.version), service.port))
        self.data, self.last, self.gap, self.error = bytearray(), time.monotonic(), 0, None

    def take(self):
        """Takes what came; returns whether there is more to come."""
        try:
            part = self.socket.recv(1 << 16)
        except OSError as error:
            self.error = error
            return False
        now = time.monotonic()
        self.gap, self.last = max(self.gap, now - self.last), now
        self.data += part
        return bool(part)


class Downloads:
    """So many downloads from each source, in a thread."""

    def __init__(self, client, each):
        self.all = [Download(client, service) for service in SOURCES for _ in range(each)]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with selectors.DefaultSelector() as ready:
            for one in self.all:
                ready.register(one.socket, selectors.EVENT_READ, one)
            while ready.get_map():
                for key, _ in ready.select():
                    if not key.data.take():
                        ready.unregister(key.data.socket)
                        key.data.socket.close()

    def finish(self, blocks, seconds):
        """Waits for the ends; fails unless all is there. Returns {name of the service: largest gap in seconds}."""
        self.thread.join(seconds)
        whole, gaps = b"".join(block(number) for number in range(blocks)), {}
        for one in self.all:
            name = one.service.name
            if one.error or self.thread.is_alive() and len(one.data) < len(whole):
                reason = one.error or "nothing comes"
                raise Failed(f"a download by {name} stopped after {len(one.data)} of {len(whole)} bytes: {reason}")
            equal(len(one.data), len(whole), f"bytes of a download by {name}")
            check(one.data == whole, f"a download by {name} was changed")
            gaps[name] = max(gaps.get(name, 0), one.gap)
        return gaps
