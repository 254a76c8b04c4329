#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Removes the layer-7 switch under load, ROUNDS (50) times, on several CPUs: clients that read, send, wait, ask, and break off,
while all services are ended in one of several ways and the modules are removed. Every few rounds the namespace goes with
its relays. Nothing may be left of it, and the kernel may have nothing to say."""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import kernel  # noqa: E402
import lab  # noqa: E402
import switch  # noqa: E402
from lab import VIP, Topology, server_address  # noqa: E402
from scenario import Failed, check, equal  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "50"))
# The namespace goes each so many rounds.
SPACE = 5
FILE = f"""virtual bulk {{ listen = {VIP}:9 scheduler = wlc server = {server_address(1)}:9 1 server = {server_address(1)}:19 1 }}
virtual sink {{ listen = {VIP}:11 scheduler = wlc server = {server_address(1)}:11 1 }}
virtual web {{ listen = {VIP}:80 server = {server_address(1)}:80 1 server = {server_address(2)}:80 1 server = {server_address(2)}:81 1
  rule = pattern "^/one" use server {server_address(1)}:80 rule = pattern "^/two" use server {server_address(2)}:80
  rule = pattern ".*" use server {server_address(2)}:81 rule = pattern ".*" use server {server_address(1)}:80 }}
"""


def flood(_server, one):
    while True:
        one.sendall(bytes(1 << 16))


def swallow(_server, one):
    while one.recv(1 << 16):
        pass


class Load:
    """Clients that begin again when they are cut off."""

    def __init__(self, client):
        self.client, self.going, self.counts = client, True, {}
        kinds = (self.read, self.read, self.send, self.send, self.wait, self.ask, self.ask, self.ask, self.break_off)
        self.threads = [threading.Thread(target=self.run, args=(kind,), daemon=True) for kind in kinds * 2]
        for thread in self.threads:
            thread.start()

    def run(self, kind):
        os.sched_setaffinity(0, range(os.cpu_count()))
        while self.going:
            try:
                kind()
                self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            except OSError:
                time.sleep(0.005)

    def connect(self, port):
        one = self.client.connect(VIP, port)
        one.settimeout(10)
        return one

    def read(self):
        with self.connect(9) as one:
            for _ in range(random.randrange(1, 50)):
                check_some(one.recv(1 << 16))

    def send(self):
        with self.connect(11) as one:
            for _ in range(random.randrange(1, 50)):
                one.sendall(bytes(1 << 15))

    def wait(self):
        with self.connect(80) as one:
            one.sendall(b"GET /one HTTP/1.1\r\nHost")
            one.settimeout(random.random() / 2)
            check_some(one.recv(1))

    def ask(self):
        with self.connect(80) as one:
            for _ in range(random.randrange(1, 4)):
                one.sendall(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % random.choice((b"one", b"two", b"three")))
                check_some(switch.head_of(one))

    def break_off(self):
        one = self.connect(random.choice((9, 11, 80)))
        one.sendall(b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n"[:random.randrange(1, 35)])
        switch.abort(one)

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join(30)
        return sum(self.counts.values())


def check_some(data):
    if not data:
        raise ConnectionResetError


def serve(hosts):
    address = [None, server_address(1), server_address(2)]
    first, second = hosts.servers
    return [switch.Server(first, address[1], 9, flood), switch.Server(first, address[1], 11, swallow),
            switch.Server(first, address[1], 80, switch.web("one")), switch.Server(second, address[2], 80, switch.web("two")),
            switch.Server(second, address[2], 81, lambda _, one: switch.abort(one))]


def begin(director):
    kernel.load("ktcpvs")
    equal(switch.tool(director, "-f", "-", text=FILE), (0, ""), "loading the configuration")
    switch.configure(director, "--start")


def go(director, number):
    """Ends all services under load, and removes the modules. Returns how long that took."""
    began = time.monotonic()
    if number % 3 == 1:
        switch.configure(director, "-F")
    elif number % 3 == 2:
        # Relays go on without a listener; then one after the other is ended, and the rest at once.
        switch.configure(director, "--stop")
        equal(switch.tool(director, "--end-relays", "-i", "web")[0], 0, "ending relays")
        lab.write_sysctl("net/ktcpvs/unload", 1)
    else:
        lab.write_sysctl("net/ktcpvs/unload", 1)
    switch.unload()
    return time.monotonic() - began


def rounds(first, last):
    """Some rounds with one set of hosts, the last of which takes the namespace away under the relays."""
    hosts = Topology(servers=2)
    lab.use_all_processors()
    servers, load, longest = serve(hosts), Load(hosts.client), 0
    try:
        for number in range(first, last):
            begin(hosts.director)
            time.sleep(0.1 + random.random() / 3)
            if number == last - 1:
                lab.remove(hosts.director)
                lab.write_sysctl("net/ktcpvs/unload", 1)
                switch.unload()
            else:
                longest = max(longest, go(hosts.director, number))
    finally:
        done = load.end()
        for server in servers:
            server.close()
        lab.remove_all()
    return done, longest


def main():
    lab.prepare_kernel()
    random.seed(1)
    log, failures = kernel.Log(), 0
    if kernel.IS_DEBUG:
        checkers.begin()
    done, longest, reason = 0, 0, ""
    try:
        for first in range(0, ROUNDS, SPACE):
            found = rounds(first, min(first + SPACE, ROUNDS))
            done, longest = done + found[0], max(longest, found[1])
        check(done > ROUNDS, f"only {done} conversations")
    except (Failed, OSError) as error:
        reason = " / ".join(str(error).splitlines())
    failures += checkers.verdict(f"switch_goes: {ROUNDS} rounds, {done} conversations, {longest:.2f} s at most", reason)
    trouble = log.trouble(log.new_lines())
    failures += checkers.verdict("switch_goes: the log is clean", trouble and trouble[0])
    if kernel.IS_DEBUG:
        failures += checkers.end(log)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
