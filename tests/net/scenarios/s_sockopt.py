# SPDX-License-Identifier: GPL-2.0
"""The sockopt interface: every command, right and wrong, what the kernel says to it, and what it answers, to the byte."""

import socket
import struct

import genl
from lab import CLIENT, VIP, Topology, server_address
from packets import udp
from scenario import equal, scenario
from sockopt import (BASE, DEST_ENTRY_SIZE, GET, SERVICE_ENTRY_SIZE, SET, Client, CompatClient, dest, dests_header,
                     service)
from views import connections, table
from wire import Wires, lines

WEB, SERVER = service(VIP, 80), dest(server_address(1), 80)
FILL = b"\xa5"


def hexed(data):
    """Bytes in lines of 16, equal lines once."""
    rows = [data[at:at + 16].hex(" ", 4) for at in range(0, len(data), 16)]
    return [f"{number * 16:4} {row}" for number, row in enumerate(rows)]


class Prober:
    """Sets options of a director in a known state, notes errors and any change of the state."""

    def __init__(self, t, host, kind=Client):
        self.t, self.client, self.netlink = t, kind(host), genl.Client(host)
        self.reset()
        self.home = self.netlink.state()

    def reset(self):
        """One service with one server, and the default time-outs."""
        for name, value in (("FLUSH", b""), ("TIMEOUT", struct.pack("=iii", 900, 120, 300)), ("ADD", WEB),
                            ("ADDDEST", WEB + SERVER)):
            equal(self.client.set(name, value), "ok", name)

    def set(self, title, name, value=b"", **options):
        self.t.note(f"set {name} {title}: {self.client.set(name, value, **options)}")
        after = self.netlink.state()
        if after != self.home:
            for line in sorted(set(self.home) ^ set(after)):
                self.t.note(f"    {'+' if line in after else '-'} {line}")
            self.reset()
            equal(self.netlink.state(), self.home, "the usual state")

    def get(self, title, name, value, **options):
        outcome, told, data = self.client.get(name, value, **options)
        self.t.note(f"get {name} {title}: {outcome}, length {told} of {len(value)}")
        if data != value:
            self.t.block("  the buffer", hexed(data))


def lengths(right):
    """Lengths around the right one."""
    return sorted({0, 1, 4, 8, max(right - 1, 0), right + 1, right + 4, right + 8, 2 * right, 4096})


@scenario
def sockopt_lengths(t):
    prober = Prober(t, Topology().director)
    values = {"ADD": service(VIP, 81), "EDIT": WEB, "DEL": WEB, "ZERO": WEB, "FLUSH": b"", "ADDDEST": WEB + SERVER,
              "DELDEST": WEB + SERVER, "EDITDEST": WEB + SERVER, "TIMEOUT": struct.pack("=iii", 1, 2, 3),
              "STARTDAEMON": bytes(24), "STOPDAEMON": bytes(24)}
    for name in SET:
        value = values.get(name, b"")
        for length in lengths(len(value)):
            prober.set(f"with {length} bytes", name, (value + bytes(length))[:length])
        error = prober.client.call_set(SET[name], 0, len(value))
        t.note(f"set {name} from nowhere: {genl.outcome(error)}")
        prober.reset()
    for option in (BASE - 1, BASE + 16):
        prober.set("beyond", option, WEB)
    for name, right in {"VERSION": 64, "INFO": 12, "SERVICES": 8, "SERVICE": 104, "DESTS": 24, "DEST": 24,
                        "TIMEOUT": 12, "DAEMON": 48}.items():
        for length in lengths(right):
            prober.get(f"with {length} bytes", name, FILL * length)
        for length in (-1, -2 ** 31):
            prober.get(f"with {length} bytes", name, b"", length=length)
        error, told = prober.client.call_get(GET[name], 0, right)
        t.note(f"get {name} to nowhere: {genl.outcome(error)}, length {told}")
    for option in (BASE - 1, BASE + 8):
        prober.get("beyond", option, FILL * 64)


@scenario
def sockopt_values(t):
    prober = Prober(t, Topology().director)
    there = {"ADD": 81, "EDIT": 80}
    for command, port in there.items():
        for title, changes in {
                "as it should be": {}, "protocol 0": {"protocol": 0}, "protocol 17": {"protocol": 17},
                "protocol 132": {"protocol": 132}, "protocol 51": {"protocol": 51},
                "protocol 262": {"protocol": 262}, "port 0": {"port": 0}, "address 0": {"address": "0.0.0.0"},
                "unknown scheduler": {"scheduler": b"nonesuch"}, "no scheduler": {"scheduler": b""},
                "scheduler none": {"scheduler": b"none"}, "scheduler of 15": {"scheduler": b"a" * 15},
                "scheduler of 16": {"scheduler": b"a" * 16}, "text behind the scheduler": {"scheduler": b"rr\0wlc"},
                "scheduler of 16 and protocol 0": {"scheduler": b"a" * 16, "protocol": 0},
                "all flags": {"flags": 0xFFFFFFFF}, "persistent": {"flags": 1, "timeout": 30, "netmask": 0x00FFFFFF},
                "timeout max": {"timeout": 0x7FFFFFFF // 250}, "netmask 0": {"netmask": 0},
                "mark 5": {"mark": 5}, "mark 5, udp": {"mark": 5, "protocol": 17},
                "mark 5, protocol 0": {"mark": 5, "protocol": 0},
        }.items():
            prober.set(title, command, service(**{"address": VIP, "port": port, **changes}))
    for command in ("ADDDEST", "EDITDEST", "DELDEST"):
        for title, changes in {
                "as it should be": {}, "weight -1": {"weight": -1}, "weight max": {"weight": 0x7FFFFFFF},
                "weight 0": {"weight": 0}, "upper": {"upper": 9, "lower": 4}, "lower > upper": {"upper": 3, "lower": 4},
                "upper above": {"upper": 0x80000000}, **{f"flags {flags:#x}": {"flags": flags} for flags in (
                    1, 2, 3, 4, 5, 7, 8, 0x100, 0x80, 0x2000, 0x10000, 0x12003, 0xFFFFFFFF)},
                "multicast": {"address": "224.0.0.1"}, "broadcast": {"address": "255.255.255.255"},
                "address 0": {"address": "0.0.0.0"}, "local": {"address": VIP}, "absent": {"port": 99},
        }.items():
            port = 81 if command == "ADDDEST" else 80
            server = dest(**{"address": server_address(1), "port": port, **changes})
            prober.set(title, command, WEB + server)
    for title, who in {"absent": service(VIP, 99), "of another protocol": service(VIP, 80, protocol=17),
                       "by mark": service(mark=80), "of protocol 1": service(VIP, 80, protocol=1)}.items():
        for command in ("EDIT", "DEL", "ZERO"):
            prober.set(f"service {title}", command, who)
        for command in ("ADDDEST", "EDITDEST", "DELDEST"):
            prober.set(f"service {title}", command, who + SERVER)
            prober.set(f"service {title}, server wrong", command, who + dest("224.0.0.1", weight=-1))
    prober.set("that is there", "ADD", WEB)
    prober.set("that is there, with an unknown scheduler", "ADD", service(VIP, 80, scheduler=b"nonesuch"))
    prober.set("of nothing", "ZERO", service(protocol=0))
    prober.set("of nothing but a scheduler without end", "ZERO", service(protocol=0, scheduler=b"z" * 16))
    for values in ((0, 0, 0), (10, 0, 0), (0, 11, 0), (0, 0, 12), (-1, 0, 0), (10, -1, 0), (0, 0, 0x7FFFFFFF // 250),
                   (0, 0, 0x7FFFFFFF // 250 + 1)):
        prober.set(f"{values}", "TIMEOUT", struct.pack("=iii", *values))
    for title, state, name, syncid in (("right but for the interface", 1, b"nonesuch", 1), ("unnamed", 1, b"", 1),
                                       ("without an end", 1, b"c" * 16, 1), ("of state 3", 3, b"c0", 1),
                                       ("of state 0", 0, b"c0", 1), ("of state 3, no interface", 3, b"none", 1)):
        value = struct.pack("=i16si", state, name, syncid)
        prober.set(title, "STARTDAEMON", value)
        prober.set(title, "STOPDAEMON", value)


def populate(director, client):
    """Four services, of IPv4 but for one, with servers of all kinds."""
    director.sysctl("net/ipv6/conf/all/disable_ipv6", 0)
    director.sysctl("net/ipv6/conf/lo/disable_ipv6", 0)
    director.ipvs(f"-A -t {VIP}:80 -s wlc -p 300 -M 255.255.255.0", f"-a -t {VIP}:80 -r {server_address(1)}:8080 -m -w 7",
                  f"-a -t {VIP}:80 -r {server_address(2)}:0 -i -w 0 -x 9 -y 3 --tun-type gue --tun-port 6080",
                  f"-A -u {VIP}:53 -s rr -o", f"-a -u {VIP}:53 -r {server_address(1)}:53 -g", "-A -f 7 -s sh -b sh-port",
                  "-A -t [::1]:80 -s rr")
    equal(client.set("ADDDEST", service(VIP, 53, protocol=17) + dest(server_address(2), 53, 0x12003, 5)), "ok", "ADDDEST")
    marked = service("10.0.9.9", 99, mark=8, protocol=17, scheduler=b"none", flags=1, timeout=50)
    equal(client.set("ADD", marked), "ok", "ADD")


def entries(data, header, size):
    """The header and the sorted entries of a reply, as the kernel's order is random."""
    rest = [data[at:at + size] for at in range(header, len(data), size)]
    return data[:header], sorted(rest)


def look(t, client):
    """Everything that can be got."""
    for name, size in (("VERSION", 64), ("INFO", 12), ("TIMEOUT", 12), ("DAEMON", 48)):
        outcome, told, data = client.get(name, FILL * (size + 3))
        t.block(f"{name}: {outcome}, length {told}", hexed(data))
    for count in (0, 1, 4, 6):
        outcome, told, data = client.get("SERVICES", struct.pack("=II", count, 0x77) + FILL * SERVICE_ENTRY_SIZE * count)
        head, rest = entries(data, 8, SERVICE_ENTRY_SIZE)
        t.note(f"SERVICES with room for {count}: {outcome}, length {told}, header {head.hex()}")
        if count >= 4:
            for entry in rest:
                t.block("entry", hexed(entry))
    keys = {"web": {"address": VIP, "port": 80}, "dns": {"address": VIP, "port": 53, "protocol": 17},
            "mark": {"mark": 7}, "mark, said to be udp": {"mark": 7, "protocol": 17}, "udp mark": {"mark": 8},
            "absent": {"address": VIP, "port": 99}, "of protocol 0": {"address": VIP, "port": 80, "protocol": 0}}
    for title, key in keys.items():
        asked = bytearray(service(**key) + FILL * 60)
        asked[2:4] = asked[10:12] = FILL * 2
        asked[16:20] = FILL * 4
        outcome, told, data = client.get("SERVICE", bytes(asked))
        t.block(f"SERVICE {title}: {outcome}, length {told}", hexed(data))
        for count in (0, 1, 2, 3):
            outcome, told, data = client.get("DESTS", dests_header(**key, count=count) + FILL * DEST_ENTRY_SIZE * count)
            t.block(f"DESTS {title} with room for {count}: {outcome}, length {told}", hexed(data))
    for title, name, value in (("SERVICES", "SERVICES", struct.pack("=II", 3, 0)),
                               ("SERVICES, a huge count", "SERVICES", struct.pack("=II", 0x0295FAD5, 0)),
                               ("SERVICES, all ones", "SERVICES", struct.pack("=II", 0xFFFFFFFF, 0)),
                               ("DESTS", "DESTS", dests_header(VIP, 80, count=9)),
                               ("DESTS, all ones", "DESTS", dests_header(VIP, 80, count=0xFFFFFFFF))):
        for more in (-1, 0, 1, 96, 104):
            outcome, told, _ = client.get(name, (value + FILL * 104)[:len(value) + more])
            t.note(f"{title} of a wrong length, {more}: {outcome}, length {told}")


@scenario
def sockopt_replies_byte_by_byte(t):
    director = Topology(servers=2).director
    client = Client(director)
    for name, size in (("VERSION", 64), ("INFO", 12), ("SERVICES", 8), ("TIMEOUT", 12)):
        outcome, told, data = client.get(name, bytes(size))
        t.block(f"{name} without services: {outcome}, length {told}", hexed(data))
    populate(director, client)
    look(t, client)
    t.block("table", table(director))
    netlink = genl.Client(director)
    t.block("as netlink tells it", netlink.state())


@scenario
def sockopt_calls_of_32_bit_programs(t):
    director = Topology(servers=2).director
    client = CompatClient(director)
    prober = Prober(t, director, CompatClient)
    for title, name, value in (("right", "ADD", service(VIP, 81)), ("right", "EDIT", service(VIP, 80, scheduler=b"wlc")),
                               ("right", "ADDDEST", WEB + dest(server_address(2), 80)), ("right", "DEL", WEB),
                               ("too short", "ADD", service(VIP, 81)[:40]), ("nothing", "FLUSH", b"")):
        prober.set(title, name, value)
    prober.client.set("FLUSH")
    populate(director, client)
    look(t, client)


@scenario
def sockopt_counts_and_flags_take_effect(t):
    lab = Wires(servers=2)
    client = Client(lab.director)
    dns = service(VIP, 53, protocol=17)
    equal(client.set("ADD", dns), "ok", "ADD")
    equal(client.set("ADDDEST", dns + dest(server_address(1), 53)), "ok", "ADDDEST")
    t.block("two requests", lines(lab.client_sends(*(udp(CLIENT, port, VIP, 53, b"x") for port in (2000, 2001)))))
    t.block("connections", connections(lab.director))
    equal(client.set("EDITDEST", dns + dest(server_address(1), 53, flags=0x2000)), "ok", "EDITDEST")
    t.block("two more, each on its own", lines(lab.client_sends(
        *(udp(CLIENT, port, VIP, 53, b"x") for port in (3000, 3001)))))
    t.block("connections", connections(lab.director))
    equal(client.set("EDITDEST", dns + dest(server_address(1), 53)), "ok", "EDITDEST")
    t.block("one more", lines(lab.client_sends(udp(CLIENT, 4000, VIP, 53, b"x"))))
    t.block("connections", connections(lab.director))


@scenario
def sockopt_of_sockets_of_every_kind(t):
    director = Topology().director
    for title, kind, protocol in (("tcp", socket.SOCK_STREAM, 0), ("udp", socket.SOCK_DGRAM, 0),
                                  ("raw icmp", socket.SOCK_RAW, socket.IPPROTO_ICMP)):
        client = Client(director, kind, protocol)
        t.note(f"{title}: set {client.set('ADD', WEB)}, get {client.get('INFO', bytes(12))[::2]}, "
               f"flush {client.set('FLUSH')}")
