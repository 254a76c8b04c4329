#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lets every allocation fail once: of each command, listing, new connection, new namespace, and of loading the modules.

For each operation the first allocation fails, then the second, and so on until none is left to fail. Each failure must
give an error, or change nothing that can be seen; a packet may be dropped if that is counted; and the same operation must
work right after it. At the end nothing may have leaked. Runs on the debug kernel."""

import ctypes
import errno
import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import kernel  # noqa: E402
import nth  # noqa: E402
from genl import DEST, SERVICE, Client, address, attribute, be16, name, u16, u32  # noqa: E402
from lab import HOME  # noqa: E402
from scenario import Failed, check, equal  # noqa: E402

VIRTUAL, SERVER, PORT = "127.0.0.1", "127.0.0.2", 53
SCHEDULERS = [one.removeprefix("ip_vs_") for one in kernel.SCHEDULERS_AT_START]
LISTINGS = "ip_vs ip_vs_conn ip_vs_stats ip_vs_stats_percpu ip_vs_app ip_vs_status ip_vs_drops".split()
MOST = 5000
# What a lack of memory may look like; EPERM is a dropped packet's.
HONEST = {"ENOMEM", "ENOBUFS", "EPERM", "EAGAIN"}
FINIT_MODULE = 313


class Here:
    """Opens sockets in the namespace that the process is in."""

    socket = staticmethod(socket.socket)


def nest(kind, values):
    return attribute(kind, b"".join(attribute(*one) for one in values.items()))


def service_key(protocol=17, port=PORT):
    return {1: u16(2), 2: u16(protocol), 3: address(VIRTUAL), 4: be16(port)}


def service(scheduler="rr", flags=0, timeout=0, **key):
    values = {**service_key(**key), 6: name(scheduler), 7: u32(flags) + u32(0xFFFFFFFF), 8: u32(timeout), 9: u32(0xFFFFFFFF)}
    return nest(SERVICE, values)


def server(weight=1, port=5353):
    return nest(DEST, {1: address(SERVER), 2: be16(port), 3: u32(0), 4: u32(weight), 5: u32(0), 6: u32(0)})


def drops():
    """How many packets and connections were given up so far."""
    with open("/proc/net/ip_vs_drops", encoding="ascii") as file:
        return sum(int(line.split()[-1]) for line in file if line.split()[-1].isdigit())


def read(path):
    """A file's outcome: "ok" or the error's name."""
    try:
        with open(path, "rb", buffering=0) as file:
            while file.read(65536):
                pass
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def datagram(port=PORT, kind=socket.SOCK_DGRAM):
    """A packet from a new client; "ok" if it arrived or was dropped and counted."""
    before = drops()
    with socket.socket(socket.AF_INET, kind) as near:
        near.setblocking(False)
        try:
            near.connect((VIRTUAL, port))
            near.send(b"x")
        except BlockingIOError:
            pass
        except OSError as error:
            check(drops() > before or error.errno in (errno.ENOMEM, errno.ENOBUFS),
                  f"{errno.errorcode[error.errno]}, and no drop was counted")
            return errno.errorcode[error.errno]
    return "ok"


class Run:
    """Counts what was tried."""

    def __init__(self):
        self.nth, self.reached, self.failed, self.lost = nth.Nth(), 0, 0, 0
        self.log, self.sites, self.trouble = kernel.Log(), set(), []

    def look_at_log(self):
        lines = self.log.new_lines()
        self.sites |= nth.sites(lines)
        trouble = self.log.trouble(lines)
        if trouble:
            raise Failed(f"kernel log: {trouble[0]}")

    def all(self, what, operation, undo=None, state=None):
        """Lets each allocation of an operation fail in turn; `undo` makes it possible again, `state` shows its effect."""
        outcomes, number = {}, 0
        try:
            for number in range(1, MOST):
                before = state() if state else None
                outcome, injected = self.nth.attempt(number, operation)
                self.look_at_log()
                if not injected:
                    equal(outcome, "ok", "without a failure")
                    break
                self.failed += 1
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                if outcome != "ok":
                    check(outcome in HONEST, f"an error that says something else: {outcome}")
                    if state:
                        equal(state(), before, f"the state after failure {number} ({outcome})")
                    equal(operation(), "ok", f"the next attempt after failure {number} ({outcome})")
                if undo:
                    undo()
            if undo:
                undo()
            self.reached += number - 1
            text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            print(f"ok faults: {what}: {number - 1} allocations{': ' if text else ''}{text}", flush=True)
        except Failed as error:
            self.lost += 1
            print(f"not ok faults: {what}: allocation {number}: {' / '.join(str(error).splitlines())}", flush=True)


def expect(client, command, payload):
    equal(client.do(command, payload)[0], "ok", command)


def commands(run):
    """Each command, for each scheduler where it matters."""
    client = Client(Here)
    key = nest(SERVICE, service_key())

    def do(command, payload=b"", **options):
        return lambda: client.do(command, payload, **options)[0]

    def also(command, payload=b""):
        return lambda: expect(client, command, payload)

    for scheduler in SCHEDULERS:
        whole = service(scheduler)
        run.all(f"add a service, {scheduler}", do("NEW_SERVICE", whole), also("DEL_SERVICE", key), client.state)
        also("NEW_SERVICE", whole)()
        also("NEW_DEST", key + server(port=1))()
        run.all(f"add a server, {scheduler}", do("NEW_DEST", key + server()), also("DEL_DEST", key + server()), client.state)
        run.all(f"change a server, {scheduler}", do("SET_DEST", key + server(7, 1)), also("SET_DEST", key + server(1, 1)),
                client.state)
        run.all(f"delete a server, {scheduler}", do("DEL_DEST", key + server(port=1)),
                also("NEW_DEST", key + server(port=1)), client.state)
        if scheduler != "rr":
            run.all(f"from {scheduler} to rr", do("SET_SERVICE", service("rr")), also("SET_SERVICE", whole), client.state)
        also("DEL_SERVICE", key)()

    def refill():
        for command, payload in (("NEW_SERVICE", service()), ("NEW_DEST", key + server())):
            expect(client, command, payload)

    refill()
    run.all("delete a service", do("DEL_SERVICE", key), refill, client.state)
    run.all("flush", do("FLUSH"), refill, client.state)
    run.all("zero", do("ZERO"))
    for command in ("GET_INFO", "GET_CONFIG"):
        run.all(command, do(command))
    for command, payload in (("GET_SERVICE", b""), ("GET_DEST", key)):
        run.all(f"list by {command}", do(command, payload, flags=0x300))
    for listing in LISTINGS:
        run.all(f"read {listing}", lambda listing=listing: read(f"/proc/net/{listing}"))
    also("FLUSH")()
    client.socket.close()


def connections(run):
    """New connections, of packets that this host sends, so that this thread makes them."""
    client = Client(Here)
    for what, flags, timeout in (("", 0, 0), (" with persistence", 1, 300), (" for one packet", 4, 0)):
        for protocol, kind in ((17, socket.SOCK_DGRAM), (6, socket.SOCK_STREAM)):
            if flags == 4 and protocol == 6:
                continue
            key = nest(SERVICE, service_key(protocol=protocol))
            expect(client, "NEW_SERVICE", service("wlc", flags, timeout, protocol=protocol))
            expect(client, "NEW_DEST", key + server())
            run.all(f"a new connection of protocol {protocol}{what}", lambda kind=kind: datagram(kind=kind))
            expect(client, "DEL_SERVICE", key)
    client.socket.close()


def namespaces(run):
    def one():
        try:
            os.unshare(os.CLONE_NEWNET)
        except OSError as error:
            return errno.errorcode[error.errno]
        os.setns(HOME, os.CLONE_NEWNET)
        return "ok"

    idle = kernel.modules()
    run.all("a new namespace", one)
    kernel.wait_for_modules(idle, 60)


def insert(path):
    """Loads a module file."""
    file = os.open(path, os.O_RDONLY)
    try:
        status = ctypes.c_long(kernel.LIBC.syscall(FINIT_MODULE, file, b"", 0)).value
        return "ok" if status == 0 else errno.errorcode[ctypes.get_errno()]
    finally:
        os.close(file)


def loading(run):
    """ip_vs and some schedulers; whatever the kernel itself allocates for that counts too."""
    for module in ("ip_vs_rr", "ip_vs_mh", "ip_vs"):
        path = subprocess.run(["modinfo", "-n", module], check=True, capture_output=True, text=True).stdout.strip()
        kernel.unload_all()
        if module != "ip_vs":
            kernel.load("ip_vs")
        nth.anywhere()

        def remove(module=module):
            equal(kernel.unload(module), "ok", f"removing {module}")

        run.all(f"load {module}", lambda path=path: insert(path), remove)
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    nth.only_in("ip_vs")


def background(run):
    """What no system call does: interrupts and workers. A quarter of all fails, at random, while connections come and go
    and the tables change their size; then none does, and all must work."""
    client = Client(Here)
    key = nest(SERVICE, service_key())
    expect(client, "NEW_SERVICE", service())
    expect(client, "NEW_DEST", key + server())
    nth.at_random(25)
    for round_number in range(40):
        with open("/proc/sys/net/ipv4/vs/conn_lfactor", "w", encoding="ascii") as file:
            file.write(str(-8 if round_number % 2 else 8))
        for _ in range(50):
            datagram()
        time.sleep(0.05)
    nth.at_random(0)
    run.look_at_log()
    time.sleep(3)
    run.all("after the random failures: a new connection", datagram)
    expect(client, "FLUSH", b"")
    client.socket.close()


def main():
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    os.system("ip link set lo up")
    log = kernel.Log()
    checkers.begin()
    nth.prepare()
    nth.only_in("ip_vs")
    run, idle = Run(), kernel.modules()
    parts = {"commands": commands, "connections": connections, "namespaces": namespaces, "background": background,
             "loading": loading}
    for part in sys.argv[1:] or parts:
        try:
            parts[part](run)
        except Failed as error:
            run.lost += 1
            print(f"not ok faults: {part}: {error}", flush=True)
    nth.anywhere()
    kernel.wait_for_modules(idle, 60)
    print(f"faults: {run.reached} allocations reached, {run.failed} failed, at {len(run.sites)} places of our code that "
          "the kernel names (allocations that ask for silence are not among them)", flush=True)
    # What fails nothing finds nothing.
    run.lost += checkers.verdict("faults: allocations failed", "" if run.failed else "none did: is the injection on?")
    with open("/out/sites.log", "w", encoding="ascii") as file:
        file.write("".join(site + "\n" for site in sorted(run.sites)))
    sys.exit(1 if checkers.end(log) + run.lost else 0)


if __name__ == "__main__":
    main()
