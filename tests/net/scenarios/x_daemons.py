# SPDX-License-Identifier: GPL-2.0
"""Synchronisation daemons of two directors of one kernel: a master tells the backup of its connections.

The directors are joined by a wire of their own, d0. A scenario on the C module waits for what C's daemon sends late; ours
sends the same and more, so what is noted is what both have."""

import random
import socket
import time

import genl
from genl import Client, attribute, name, u16, u32
from lab import VIP, Topology, run, server_address
from scenario import check, equal, scenario
from traffic import ask_udp, close_tcp, open_tcp, talk_tcp
from views import wait_until

WEB, DNS = f"-t {VIP}:80", f"-u {VIP}:53"
SERVICES = [f"-A {WEB} -s rr", f"-a {WEB} -r {server_address(1)}:80 -m", f"-a {WEB} -r {server_address(2)}:80 -m",
            f"-A {DNS} -s rr -p 100", f"-a {DNS} -r {server_address(1)}:53 -m", f"-a {DNS} -r {server_address(2)}:53 -m"]
V4, V6 = ("172.31.0.1", "172.31.0.2"), ("fd31::1", "fd31::2")


class Pair:
    """A director with clients and servers, and another one that takes over."""

    def __init__(self, services=(SERVICES, SERVICES)):
        self.lab, self.other = Topology(servers=2), Topology(servers=2, tag="b")
        self.master, self.backup = self.lab.director, self.other.director
        run("ip", "link", "add", "d0", "netns", self.master.name, "type", "veth", "peer", "d0", "netns", self.backup.name)
        for director, addr, addr6 in zip((self.master, self.backup), V4, V6):
            director.sysctl("net/ipv6/conf/d0/disable_ipv6", 0)
            director.ip(f"addr add {addr}/24 dev d0", f"addr add {addr6}/64 dev d0 nodad", "link set d0 up")
        for director, lines in zip((self.master, self.backup), services):
            if lines:
                director.ipvs(*lines)

    def start(self, master=(), backup=(), sync_id=7):
        self.backup.ipvs(" ".join(["--start-daemon backup --mcast-interface d0 --syncid", str(sync_id), *backup]))
        self.master.ipvs(" ".join(["--start-daemon master --mcast-interface d0 --syncid", str(sync_id), *master]))

    def stop(self):
        self.master.ipvs("--stop-daemon master")
        self.backup.ipvs("--stop-daemon backup")


def rows(director):
    """The connections without their origin and time."""
    return sorted(" ".join(line.split()[:8]) for line in director.read("/proc/net/ip_vs_conn_sync").splitlines()[1:])


def origins(director):
    return {line.split()[8] for line in director.read("/proc/net/ip_vs_conn_sync").splitlines()[1:]}


def counts(director):
    """Active and inactive connections of each server."""
    return sorted(tuple(line.split()[i] for i in (1, 4, 5))
                  for line in director.read("/proc/net/ip_vs").splitlines()[3:] if "->" in line)


def talks(pair):
    """Conversations of which a daemon of either module tells: three packets of the client each."""
    lab = pair.lab
    listeners = [server.listen(server_address(number), 80) for number, server in zip(lab.numbers, lab.servers)]
    sockets = [server.udp(server_address(number), 53) for number, server in zip(lab.numbers, lab.servers)]
    open_ones = []
    for _ in range(4):
        _, near, far = open_tcp(lab.client, (VIP, 80), listeners)
        for _ in range(2):
            talk_tcp(near, far)
        open_ones.append((near, far))
    for _ in range(2):
        _, near, far = open_tcp(lab.client, (VIP, 80), listeners)
        talk_tcp(near, far)
        close_tcp(near, far)
    for _ in range(3):
        client = lab.client.udp()
        for _ in range(3):
            ask_udp(client, (VIP, 53), sockets)
        open_ones.append((client,))
    return open_ones


def arrives(pair, how, t):
    """Everything that the master has is on the backup."""
    kept = talks(pair)
    wait_until(lambda: len(rows(pair.backup)) >= len(rows(pair.master)), 10, "the connections on the backup")
    time.sleep(0.5)
    equal(rows(pair.backup), rows(pair.master), f"the connections of the backup, {how}")
    equal(origins(pair.backup), {"SYNC"}, "the origin of the backup's connections")
    equal(origins(pair.master), {"LOCAL"}, "the origin of the master's connections")
    equal(counts(pair.backup), counts(pair.master), "the counts of the servers")
    t.note(how, len(kept) + 3, "connections and templates", counts(pair.backup))


@scenario
def a_backup_has_the_connections_of_its_master(t):
    pair = Pair()
    pair.start()
    arrives(pair, "version 1", t)
    pair.stop()


@scenario
def a_backup_has_the_connections_of_its_master_by_version_0(t):
    pair = Pair()
    pair.master.ipvs_sysctl("sync_version", 0)
    pair.start()
    arrives(pair, "version 0", t)
    pair.stop()


@scenario
def a_backup_has_the_connections_of_its_master_by_ipv6_and_four_ports(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        director.ipvs_sysctl("sync_ports", 4)
    group = ["--mcast-group", "ff02::51", "--mcast-port", "9000"]
    for director in (pair.master, pair.backup):
        wait_until(lambda director=director: "tentative" not in director.run("ip", "-6", "address", "show", "dev", "d0"),
                   10, "addresses that may be used")
    pair.start(group, group)
    arrives(pair, "IPv6, four ports", t)
    pair.stop()


@scenario
def daemons_are_listed_and_refused(t):
    pair = Pair(((), ()))
    client = Client(pair.master)

    def start(role, **values):
        kinds = {"ifn": (2, name), "sync_id": (3, u32), "max_len": (4, u16), "port": (7, u16)}
        inside = attribute(1, u32(role))
        for key, value in {"ifn": "d0", "sync_id": 7, **values}.items():
            kind, make = kinds[key]
            inside += attribute(kind, make(value))
        return client.do("NEW_DAEMON", attribute(3, inside))[0]

    def stop(role):
        return client.do("DEL_DAEMON", attribute(3, attribute(1, u32(role))))[0]

    t.note("stop what does not run", stop(1), stop(2), stop(3))
    t.note("no such device", start(1, ifn="nonesuch"), "role 3", start(3), "role 3 and no device", start(3, ifn="none"))
    for role in (1, 2):
        for values in ({}, {"max_len": 1}, {"max_len": 500}, {"max_len": 65535}, {"port": 9000, "sync_id": 1000}):
            t.note("role", role, values, start(role, **values), "again", start(role))
            t.block("listed", pair.master.ipvsadm("-L", "--daemon").splitlines())
            t.note("stop", stop(role), stop(role))
    t.note("both", start(1), start(2), start(1), start(2))
    t.block("listed", pair.master.ipvsadm("-L", "--daemon").splitlines())
    pair.master.ip("link set d0 down")
    t.note("stop and start on a device that is down", stop(1), start(1), stop(2), start(2))
    pair.master.ip("link del d0")
    t.block("listed without the device", pair.master.ipvsadm("-L", "--daemon").splitlines())
    t.note("stop", stop(1), stop(2))


@scenario
def a_backup_without_the_servers_keeps_the_connections(t):
    pair = Pair((SERVICES, ()))
    pair.start()
    kept = talks(pair)
    wait_until(lambda: len(rows(pair.backup)) >= len(rows(pair.master)), 10, "the connections on the backup")
    time.sleep(0.5)
    equal(rows(pair.backup), rows(pair.master), "the connections of the backup")
    pair.backup.ipvs(*SERVICES)
    equal({row[1:] for row in counts(pair.backup)}, {("0", "0")}, "the counts of servers that were added later")
    t.note(len(kept), "conversations are known without a server")
    pair.stop()


@scenario
def a_director_that_is_a_backup_only_leaves_clients_alone(t):
    pair = Pair()
    pair.start()
    lab = pair.lab
    listeners = [server.listen(server_address(number), 80) for number, server in zip(lab.numbers, lab.servers)]
    pair.master.ipvs_sysctl("backup_only", 1)
    _, near, far = open_tcp(lab.client, (VIP, 80), listeners)
    talk_tcp(near, far)
    t.note("without a backup the sysctl has no effect")
    pair.master.ipvs("--start-daemon backup --mcast-interface d0 --syncid 9")
    try:
        lab.client.connect(VIP, 80)
        refused = False
    except ConnectionRefusedError:
        refused = True
    check(refused, "a client was served by a director that is a backup only")
    pair.master.ipvs("--stop-daemon backup")
    _, near, far = open_tcp(lab.client, (VIP, 80), listeners)
    t.note("with a backup a client meets the host itself; without one it is served again")
    pair.stop()


@scenario(rust_only=True)
def a_master_that_starts_again_tells_of_what_changes(t):
    pair = Pair()
    pair.start()
    lab = pair.lab
    listeners = [server.listen(server_address(number), 80) for number, server in zip(lab.numbers, lab.servers)]
    for number in range(20):
        _, near, far = open_tcp(lab.client, (VIP, 80), listeners)
        talk_tcp(near, far)
        # Amid the packets of the end.
        near.shutdown(socket.SHUT_WR)
        pair.master.ipvs("--stop-daemon master")
        pair.master.ipvs("--start-daemon master --mcast-interface d0 --syncid 7")
        far.close()
        near.close()
    wait_until(lambda: rows(pair.backup) == rows(pair.master), 5, "the last states at the backup")
    t.note(number + 1, "times a master stops and starts again amid packets, and the backup has the last states")
    pair.stop()


@scenario
def a_namespace_ends_with_its_daemons(t):
    pair = Pair()
    pair.start()
    pair.master.ipvs("--start-daemon backup --mcast-interface d0 --syncid 9")
    talks(pair)
    t.note("the namespaces of a master and a backup end")


def datagram(sync_id, *entries, count=None):
    body = b""
    for entry in entries:
        body += bytes(-len(body) % 4) + entry
    size = 8 + len(body)
    return bytes((0, sync_id)) + size.to_bytes(2) + bytes((len(entries) if count is None else count, 1, 0, 0)) + body


def entry(port, *, flags=0, state=1, protocol=6, timeout=900, server=1, mark=0, options=b"", kind=0, length=None):
    size = 36 + len(options) if length is None else length
    return (bytes((kind, protocol)) + size.to_bytes(2) + flags.to_bytes(4) + state.to_bytes(2) + port.to_bytes(2)
            + (80).to_bytes(2) + (80).to_bytes(2) + mark.to_bytes(4) + timeout.to_bytes(4)
            + genl.address("10.0.0.2")[:4] + genl.address(VIP)[:4] + genl.address(server_address(server))[:4] + options)


def to_the_backup(pair):
    """A function that sends a datagram to the backup of a pair, which is started."""
    pair.backup.ipvs("--start-daemon backup --mcast-interface d0 --syncid 7")
    sender = pair.master.udp(V4[0])
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(V4[0]))
    return lambda message: sender.sendto(message, ("224.0.0.81", 8848))


@scenario
def messages_that_a_backup_takes_and_refuses(t):
    pair = Pair(((), SERVICES))
    send_it = to_the_backup(pair)

    def send(title, message):
        send_it(message)
        time.sleep(0.2)
        t.block(title, [*rows(pair.backup), *map(str, counts(pair.backup))])

    good = entry(4000)
    send("a connection", datagram(7, good))
    send("inactive now", datagram(7, entry(4000, flags=0x100, state=4, timeout=120)))
    send("of another server, at its end", datagram(7, entry(4000, flags=0x100, state=4, server=2)))
    send("of another server, active", datagram(7, entry(4000, server=2)))
    send("of a server that is not there", datagram(7, entry(4001, server=3)))
    send("another sync id", datagram(8, entry(4002)))
    send("cut off", datagram(7, entry(4003))[:-1])
    send("two, the second malformed", datagram(7, entry(4004), entry(4005, kind=2), entry(4006)))
    send("two, the second skipped", datagram(7, entry(4007), entry(4008, state=11), entry(4009)))
    send("an unknown option", datagram(7, entry(4010, options=b"\x04\x01x"), entry(4011, options=b"\x44\x01x")))
    send("one packet, wrong protocol", datagram(7, entry(4012, flags=0x2000), entry(4013, protocol=1), entry(4014)))
    send("more entries than there are", datagram(7, entry(4015), count=3))
    send("a template", datagram(7, entry(0, flags=0x1100, state=1, timeout=300, protocol=17)))
    pair.backup.ipvs("--stop-daemon backup")


def mutated(chance, message):
    """The message with some bytes changed, cut, doubled or put in; mostly with a length that is right."""
    message = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(message))
        match chance.randrange(4):
            case 0 | 1:
                message[at] = chance.choice((0, 1, 2, 0x40, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 2:
                del message[max(at, 4):]
            case _:
                message[at:at] = chance.randbytes(chance.randint(1, 40))
    if chance.random() < 0.9:
        message[2:4] = len(message).to_bytes(2)
    if chance.random() < 0.9:
        message[1] = 7
    return bytes(message)


def events(director):
    return {name: int(count) for name, count in map(str.split, director.read("/proc/net/ip_vs_sync").splitlines())}


@scenario(rust_only=True)
def mutated_messages_to_a_backup_break_nothing(t):
    pair, chance, most, count = Pair(((), SERVICES)), random.Random(7), 500, 20000
    pair.backup.ipvs_sysctl("conn_max", most)
    send = to_the_backup(pair)
    version_0 = bytes((2, 7, 0, 52)) + (bytes((0, 6)) + bytes(range(18)) + bytes((1, 0, 0, 1))) * 2
    plain = [datagram(7, entry(4000), entry(4001, flags=0x100, state=4), entry(4002, options=b"\x01\x18" + bytes(24))),
             datagram(7, entry(0, flags=0x1100, timeout=300), entry(4003, options=b"\x02\x03abc\x03\x03sip")), version_0]
    for number in range(1, count + 1):
        send(mutated(chance, chance.choice(plain)))
        if number % 100 == 0:
            wait_until(lambda number=number: events(pair.backup)["received_datagrams"] == number, 20, f"{number} messages")
    found = events(pair.backup)
    print("#", ", ".join(f"{name} {number}" for name, number in found.items() if number))
    check(len(rows(pair.backup)) <= most, "there are more connections than conn_max")
    for name in ("wrong_length", "unknown_option", "wrong_flags", "unknown_protocol", "unknown_state", "unknown_engine", "cut_off",
                 "malformed", "new", "conn_max", "other_sync_id", "updated"):
        check(found[name], f"no message was counted as {name}")
    pair.backup.ipvs_sysctl("conn_max", 1000000)
    send(datagram(7, entry(5000)))
    wait_until(lambda: any(" 1388 " in row for row in rows(pair.backup)), 5, "the connection of a good message")
    t.note(count, "mutated messages, and the next good one is taken")
