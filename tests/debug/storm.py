#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Everything at once on several CPUs: packets, edits, dumps, table resizing, servers and namespaces that go, changes of
scheduler, attempts to unload the modules, readers that sleep, and users without rights. SECONDS (60) says how long; the issue
is what the kernel says of it.

Each actor is a process of its own. What it may be told while others work against it is written at each command; anything
else fails the run. Afterwards traffic must flow, and all references must be back."""

import errno
import os
import random
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import additions  # noqa: E402
import anybody  # noqa: E402
import checkers  # noqa: E402
import departing  # noqa: E402
import faulting  # noqa: E402
import kernel  # noqa: E402
import lab as hosts  # noqa: E402
import switching  # noqa: E402
from actor import BUSY, Actor  # noqa: E402
from genl import SERVICE, DEST, Client, address, attribute, be16, name, u16, u32  # noqa: E402
from lab import CLIENT, VIP, server_address  # noqa: E402
from packets import ACK, FIN, RST, SYN, icmp, tcp, udp  # noqa: E402
from scenario import Failed, check  # noqa: E402
from wire import Wires  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "60"))
# Only the actors with this in the name of their module, or in their own; without it, all.
PART = os.environ.get("PART", "")
SERVERS = 3
# The traffic's services; what comes and goes has other ports.
STAYING = ((17, 53), (6, 80))


def nest(kind, values):
    return attribute(kind, b"".join(attribute(*one) for one in values.items()))


def key(protocol, port):
    return {1: u16(2), 2: u16(protocol), 3: address(VIP), 4: be16(port)}


def service(protocol, port, scheduler, flags=0, timeout=0):
    return nest(SERVICE, {**key(protocol, port), 6: name(scheduler), 7: u32(flags) + u32(0xFFFFFFFF), 8: u32(timeout),
                          9: u32(0xFFFFFFFF)})


def server(number, port, weight=1, method=0, limit=0):
    return nest(DEST, {1: address(server_address(number)), 2: be16(port), 3: u32(method), 4: u32(weight), 5: u32(limit),
                       6: u32(limit // 2)})


class Requests(Actor):
    """New and old clients: datagrams, connections from SYN to FIN or RST, errors about them."""

    def once(self):
        port = random.randrange(1024, 9000)
        wire = self.lab.from_client
        wire.send(udp(CLIENT, port, VIP, random.choice((53, 53, 54)), b"x"))
        for flags in (SYN, ACK, random.choice((FIN | ACK, RST, ACK))):
            wire.send(tcp(CLIENT, port, VIP, random.choice((80, 80, 81)), flags))
        if port % 16 == 0:
            wire.send(icmp(CLIENT, VIP, 3, 4, b"\0\0\5\0", udp(VIP, 53, CLIENT, port, b"x")[:28]))


class Replies(Actor):
    """Servers that answer whom they may have been asked by."""

    def once(self):
        number = random.randrange(SERVERS)
        port = random.randrange(1024, 9000)
        wire, source = self.lab.from_server[number], server_address(number + 1)
        wire.send(udp(source, 53, CLIENT, port, b"y"))
        wire.send(tcp(source, 80, CLIENT, port, SYN | ACK))


class Talk(Actor):
    """One conversation of the staying service that has to hold: each datagram comes through, or is counted as lost."""

    def once(self):
        self.lab.from_client.send(udp(CLIENT, 10000, VIP, 53, b"hold"))
        time.sleep(0.01)


class Servers(Actor):
    """Adds, changes and deletes servers of the staying services."""

    def prepare(self):
        self.client = Client(self.lab.director)

    def once(self):
        protocol, port = random.choice(STAYING)
        number = random.randrange(1, SERVERS + 1)
        where = nest(SERVICE, key(protocol, port))
        self.tell(self.client, random.choice(("NEW_DEST", "SET_DEST", "SET_DEST")),
                  where + server(number, port, random.randrange(4), 0, random.choice((0, 0, 5))))
        if random.random() < 0.5:
            self.tell(self.client, "DEL_DEST", where + server(number, port))


class Services(Servers):
    """Services that come with servers and go with connections; sometimes all of them."""

    def once(self):
        protocol = random.choice((6, 17))
        port = 54 if protocol == 17 else 81
        scheduler = random.choice(kernel.SCHEDULERS_AT_START).removeprefix("ip_vs_")
        flags, timeout = random.choice(((0, 0), (1, 30), (4, 0) if protocol == 17 else (0, 0)))
        self.tell(self.client, "NEW_SERVICE", service(protocol, port, scheduler, flags, timeout))
        for number in range(1, SERVERS + 1):
            self.tell(self.client, "NEW_DEST", nest(SERVICE, key(protocol, port)) + server(number, port, number))
        time.sleep(random.random() / 20)
        self.tell(self.client, "DEL_SERVICE", nest(SERVICE, key(protocol, port)))


class Schedulers(Servers):
    """Gives the staying services one scheduler after the other."""

    def once(self):
        protocol, port = random.choice(STAYING)
        scheduler = random.choice(kernel.SCHEDULERS_AT_START).removeprefix("ip_vs_")
        self.tell(self.client, "SET_SERVICE", service(protocol, port, scheduler))


class Dumps(Servers):
    """Reads all there is to read."""

    def once(self):
        for _, _, payload in self.client.dump("GET_SERVICE"):
            check(payload, "an empty message")
        for protocol, port in STAYING:
            self.client.dump("GET_DEST", nest(SERVICE, key(protocol, port)))
        for listing in "ip_vs ip_vs_conn ip_vs_conn_sync ip_vs_stats ip_vs_stats_percpu ip_vs_status".split():
            self.lab.director.read(f"/proc/net/{listing}")


class Sizes(Actor):
    """Lets the tables grow and shrink, and the defences come and go."""

    def once(self):
        for setting, values in (("conn_lfactor", (-8, -4, 0, 4, 8)), ("svc_lfactor", (-8, 0, 8)), ("secure_tcp", (0, 3)),
                                ("drop_entry", (0, 3)), ("expire_nodest_conn", (0, 1)), ("conn_max", (50, 1 << 20, 1 << 20))):
            self.lab.director.ipvs_sysctl(setting, random.choice(values))
        time.sleep(0.05)


class Flows(Actor):
    """Conversations that go on, whose packets leave before they are routed."""

    def once(self):
        for port in range(12000, 12020):
            self.lab.from_client.send(udp(CLIENT, port, VIP, 53, b"x"))
            for number in range(1, SERVERS + 1):
                self.lab.from_server[number - 1].send(udp(server_address(number), 53, CLIENT, port, b"y"))


class Ways(Actor):
    """Switches the early path on and off, and changes what it depends on."""

    def once(self):
        director = self.lab.director
        director.sysctl("net/ipv4/vs/early_path", random.choice((0, 1, 2, 2)))
        far = f"198.51.100.{random.randrange(1, 255)}"
        director.ip(f"route replace {far}/32 dev s1", f"route del {far}/32 dev s1")
        director.ip(f"addr del {VIP}/32 dev lo", f"addr add {VIP}/32 dev lo")
        director.ip(f"neigh replace {server_address(1)} lladdr {hosts.mac(3, 1)} dev s1")
        time.sleep(random.random() / 5)


class Namespaces(Actor):
    """Directors that are made, forward something, and go with all that they had."""

    def once(self):
        one = Wires(tag=f"n{os.getpid()}x{self.count}")
        os.sched_setaffinity(0, range(os.cpu_count()))
        one.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
        for port in range(2000, 2040):
            one.from_client.send(udp(CLIENT, port, VIP, 53, b"x"))
        hosts.remove(one.director, one.client, *one.servers)


class Modules(Actor):
    """Tries to unload each module, and loads what it could unload."""

    def once(self):
        module = random.choice(["ip_vs", *kernel.SCHEDULERS_AT_START])
        outcome = kernel.unload(module)
        check(outcome in ("ok", "EAGAIN", "ENOENT", "EBUSY", "EWOULDBLOCK"), f"unloading {module}: {outcome}")
        check(outcome != "ok" or module != "ip_vs", "ip_vs was unloaded under its schedulers")
        if outcome == "ok":
            kernel.load(module)
        time.sleep(0.05)


class Tables(Actor):
    """Replaces some services with all their servers at one moment. Only ours can."""

    def prepare(self):
        self.client = additions.Additions(self.lab.director)

    def once(self):
        entries = []
        for port in random.sample(range(7000, 7004), 2):
            scheduler = random.choice(kernel.SCHEDULERS_AT_START).removeprefix("ip_vs_")
            entries.append(nested(service(17, port, scheduler)))
            entries += [nested(server(number, port, random.randrange(4), random.choice((0, 2, 3))))
                        for number in random.sample(range(1, SERVERS + 1), random.randrange(1, SERVERS + 1))]
        outcome = self.client.apply(*entries)
        check(outcome in BUSY | {"EAGAIN"}, f"APPLY gave {outcome}")
        self.lab.from_client.send(udp(CLIENT, random.randrange(1024, 9000), VIP, 7000, b"x"))
        self.tell(self.client, "DEL_SERVICE", nest(SERVICE, key(17, random.randrange(7000, 7004))))


class Ends(Tables):
    """Lists connections and ends some. Only ours can."""

    def once(self):
        found, outcome = self.client.conns()
        check(outcome == "ok", f"GET_CONN gave {outcome}")
        for conn in random.sample(found, min(3, len(found))):
            one = [attribute(kind, conn.values[kind]) for kind in (additions.CLIENT_ADDR, additions.CLIENT_PORT)]
            outcome = self.client.end(additions.nest(additions.CONN, *one))
            check(isinstance(outcome, int), f"DEL_CONN gave {outcome}")
        time.sleep(0.05)


class Listeners(Actor):
    """Comes, hears of what is changed, and goes. Only ours tells."""

    def once(self):
        listener = additions.Listener(self.lab.director)
        time.sleep(0.1)
        try:
            listener.hear()
        except OSError as error:
            check(error.errno == errno.ENOBUFS, f"a listener got {error}")
        listener.socket.close()


ACTORS = [Requests, Requests, Replies, Talk, Servers, Services, Schedulers, Dumps, Sizes, Namespaces, Modules]
ADDITIONS = [Tables, Ends, Listeners, Flows, Ways, *switching.ACTORS]


def nested(one):
    """A nest with its flag, as the commands that the C module lacks want it."""
    kind = int.from_bytes(one[2:4], sys.byteorder) | additions.NESTED
    return one[:2] + kind.to_bytes(2, sys.byteorder) + one[4:]


def start(kind, lab, end, results):
    """A process with one actor; it writes what it did into `results`."""
    pid = os.fork()
    if pid:
        return pid
    actor, reason = kind(lab, end), ""
    try:
        actor.run()
    except Failed as error:
        reason = str(error)
    except Exception as error:  # pylint: disable=broad-except
        reason = f"{type(error).__name__}: {error} at {traceback.extract_tb(error.__traceback__)[-1].lineno}"
    os.write(results, f"{kind.__name__}\t{actor.count}\t{' / '.join(reason.splitlines())}\n".encode())
    os._exit(0)


def play(lab):
    """Lets all actors loose; returns [(name, count, reason)]."""
    reader, writer = os.pipe()
    end = time.monotonic() + SECONDS
    kinds = ACTORS + anybody.ACTORS + departing.ACTORS + ADDITIONS * kernel.is_ours()
    children = [start(kind, lab, end, writer) for kind in kinds if PART in f"{kind.__module__}.{kind.__name__}"]
    os.close(writer)
    for child in children:
        os.waitpid(child, 0)
    with os.fdopen(reader, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def restore(lab):
    """As it was before the storm."""
    for setting, value in (("secure_tcp", 0), ("drop_entry", 0), ("conn_max", 1 << 20), ("conn_lfactor", -4)):
        lab.director.ipvs_sysctl(setting, value)
    if kernel.is_ours():
        lab.director.sysctl("net/ipv4/vs/early_path", 1)
    lab.director.ipvs("-C", f"-A -u {VIP}:53 -s rr", *(f"-a -u {VIP}:53 -r {server_address(number)}:53 -m"
                                                      for number in range(1, SERVERS + 1)))


def drain(wire):
    """Forgets what came meanwhile, which nobody has read: where no more fits, nothing new is seen."""
    wire.socket.setblocking(False)
    try:
        while True:
            wire.socket.recv(1)
    except BlockingIOError:
        wire.socket.settimeout(5)


def main():
    kernel.load("ip_vs", "nf_tables", "nfnetlink_hook", *kernel.SCHEDULERS_AT_START)
    hosts.prepare_kernel()
    faulting.allow_everybody()
    log, failures = kernel.Log(), 0
    if kernel.IS_DEBUG:
        checkers.begin()
    idle = kernel.modules()
    lab = Wires(servers=SERVERS)
    hosts.use_all_processors()
    lab.director.ipvs(*(f"-A {kind} {VIP}:{port} -s rr" for kind, port in (("-u", 53), ("-t", 80))))
    for kind, count, reason in play(lab):
        failures += bool(reason)
        print(f"{'not ok' if reason else 'ok'} storm: {kind}: {count} times {reason}".rstrip(), flush=True)
    if kernel.is_ours() and not PART:
        early = dict(map(str.split, lab.director.read("/proc/net/ip_vs_early").splitlines()))
        failures += checkers.verdict("storm: packets left early", "" if int(early["early"]) > 10 else f"{early}")
    if kernel.is_ours():
        try:
            switching.end()
        except Failed as error:
            failures += checkers.verdict("storm: the switch can be removed", str(error))
    restore(lab)
    os.sched_setaffinity(0, {0})
    for wire in (lab.from_client, *lab.from_server):
        drain(wire)
    lab.collect()
    reached = lab.chosen(*(udp(CLIENT, 20000 + number, VIP, 53, b"x") for number in range(6)))
    failures += checkers.verdict("storm: traffic flows after it", "" if 0 not in reached else f"servers reached: {reached}")
    hosts.remove_all()
    try:
        kernel.wait_for_modules(idle, 60)
    except Failed as error:
        failures += checkers.verdict("storm: use counts", str(error))
    trouble = log.trouble(log.new_lines())
    failures += checkers.verdict("storm: the log is clean", trouble and trouble[0])
    if kernel.IS_DEBUG:
        failures += checkers.end(log)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
