# SPDX-License-Identifier: GPL-2.0
"""Connections are saved, the module is replaced, and the connections are made again."""

import hashlib
import os
import socket
import struct
import threading
import time

import contained
import dissect
import kernel
import lab
import sctp as chunks
from additions import BATCH, DATAGRAM, ENTRIES, ENTRY, RESTORE_CONN, SAVE_CONN, TEMPLATE, Additions, datagram, is_template, nest, number
from additions import CONN, EXPIRES, IN_PACKETS, PROTOCOL
from dual import Dual, DualWires, client, end, server, vip
from genl import ACK as WITH_ANSWER
from genl import DUMP, Client, attribute, u16, u32
from lab import CLIENT, VIP, Topology, server_address
from packets import ACK, FIN, SYN
from scenario import check, equal, scenario
from scenarios.q_bulk import shortcut, unwrap
from views import wait_until

# How much the time of a connection may differ, in seconds.
LATE = 2
NAT_PORT = 8000
# The bytes of an entry behind type, protocol, length and flags, up to the options.
AFTER_FLAGS, FIXED = ENTRY.size, {4: 36, 6: 72}
SYNC, NFCT = 0x20, 0x10000

SERVICES = [
    ("-t", 4, 80, "-m", ""), ("-t", 4, 8080, "-g", ""), ("-t", 4, 8443, "-i", ""), ("-u", 4, 53, "-m", ""),
    ("--sctp-service", 4, 132, "-m", ""), ("-t", 6, 80, "-m", ""), ("-t", 6, 8080, "-g", ""), ("-u", 6, 53, "-m", ""),
    ("-t", 4, 81, "-m", "-p 360 -M 255.255.255.0"), ("-t", 6, 81, "-m", "-p 300 -M 64"), ("-u", 4, 54, "-g", "-o"),
]
MARKED, MARKED_PERSISTENT, SERVERLESS = 86, 85, 87


def rules():
    """The services of the usual table, each with two servers."""
    lines = []
    for letter, version, port, method, more in SERVICES:
        lines.append(f"-A {letter} {end(vip(version), port)} -s rr {more}")
        lines += [f"-a {letter} {end(vip(version), port)} -r {end(server(version, one), NAT_PORT if method == '-m' else port)} {method}"
                  for one in (1, 2)]
    # A tunnel of IPv4 to servers of IPv6.
    lines += [f"-A -t {VIP}:8444 -s rr", f"-a -t {VIP}:8444 -r {end(server(6, 1), 8444)} -i"]
    lines += [f"-A -f {MARKED} -s rr", *(f"-a -f {MARKED} -r {server(4, one)}:{NAT_PORT} -m" for one in (1, 2)),
              f"-A -f {MARKED_PERSISTENT} -s rr -p 300", *(f"-a -f {MARKED_PERSISTENT} -r {server(4, one)} -g" for one in (1, 2))]
    # Connections to others, which bypass a service without servers.
    lines += [f"-A -f {SERVERLESS} -s rr"]
    return lines + [f"-A -t {VIP}:82 -s rr -p 100", f"-a -t {VIP}:82 -r {server(4, 1)}:82 -g"]


def configure(director):
    director.ipvs(*rules())
    director.run("nft", "-f", "-", text="table ip marks { chain arriving { type filter hook prerouting priority mangle;\n"
                 f"tcp dport 8084 meta mark set {MARKED};\ntcp dport 8085 meta mark set {MARKED_PERSISTENT};\n"
                 f"tcp dport 8087 meta mark set {SERVERLESS};\n}}; }}\n")
    director.ip(f"rule add fwmark {SERVERLESS} lookup 100", "route add local default dev lo table 100")
    director.ipvs_sysctl("cache_bypass", 1)


def fill(wires):
    """Connections of each kind, in different states and with different times left."""
    wires.from_client.send(dissect.tcp(CLIENT, 2000, VIP, 82, SYN))
    wires.from_client.send(dissect.tcp(CLIENT, 2000, server_address(1), 8087, SYN))
    for letter, version, port, _, _ in [*SERVICES, ("-t", 4, 8444, "", ""), ("-t", 4, 8084, "", ""), ("-t", 4, 8085, "", "")]:
        ends = (vip(version), port)
        if letter == "-u":
            wires.from_client.send(dissect.udp(client(version), 2000, *ends, b"question"))
        elif letter == "-t":
            for source, flags in ((2000, [SYN]), (2001, [SYN, ACK]), (2002, [SYN, ACK, ACK]), (2003, [SYN, ACK, FIN | ACK])):
                for one in flags:
                    wires.from_client.send(dissect.tcp(client(version), source, *ends, one))
    wires.collect()
    time.sleep(3 * LATE)
    # These have a few seconds only.
    for source, kinds in ((2000, [chunks.INIT]), (2001, [chunks.INIT, chunks.COOKIE_ECHO])):
        for kind in kinds:
            wires.from_client.send(dissect.sctp(CLIENT, source, VIP, 132, kind))
    wires.collect()


class View:
    """What is known of all connections, and of their servers' counts."""

    def __init__(self, director):
        found, outcome = Additions(director).conns()
        equal(outcome, "ok", "the listing of connections")
        origins = [line.split() for line in director.read("/proc/net/ip_vs_conn_sync").splitlines()[1:]]
        self.origins = sorted(" ".join(words[:9]) for words in origins)
        self.seconds = {str(one): number(one.values[EXPIRES]) for one in found}
        self.lines = sorted(f"{one} packets {number(one.values[IN_PACKETS])} of {sorted(one.service.items())}" for one in found)
        self.counts = sorted(director.ipvsadm("-Ln", "--persistent-conn").splitlines()[3:])

    def compare(self, before):
        """Fails unless it was so before, but for a little time."""
        equal(self.lines, before.lines, "connections")
        equal(self.origins, before.origins, "connections in /proc")
        equal(self.counts, before.counts, "counts of servers")
        for key, seconds in before.seconds.items():
            check(abs(self.seconds[key] - seconds) <= LATE, f"{key}: {self.seconds[key]} s instead of {seconds}")


def replace_module(director):
    """Removes all modules of IPVS, and what they stand on, and loads them again."""
    director.ipvs("-C")
    kernel.unload_all()
    equal(kernel.unload(kernel.BASE), "ok", "removing the base")
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)


def saved_and_gone(director):
    """The saved connections and rules of a director whose module was replaced."""
    saving = Additions(director)
    entries, text = saving.save(), director.ipvsadm("-S", "-n")
    saving.socket.close()
    replace_module(director)
    return entries, text.splitlines()


def of_directors(entry):
    """The same entry, as another director tells it: with its flag of origin."""
    kind, protocol, length, flags = ENTRY.unpack_from(entry)
    return ENTRY.pack(kind, protocol, length, flags | SYNC) + entry[AFTER_FLAGS:]


def client_port(entry, port):
    """The same entry with another client's port."""
    return entry[:10] + struct.pack("!H", port) + entry[12:]


@scenario(rust_only=True)
def the_table_is_the_same_after_the_module_was_replaced(t):
    wires = DualWires(servers=2)
    configure(wires.director)
    fill(wires)
    # One that is tracked, and one that another director has told of.
    wires.director.ipvs_sysctl("conntrack", 1)
    wires.from_client.send(dissect.tcp(CLIENT, 2010, VIP, 80, SYN))
    wires.collect()
    wires.director.ipvs_sysctl("conntrack", 0)
    saving = Additions(wires.director)
    told = client_port(of_directors(next(one for one in saving.save() if one[1] == 17)), 2011)
    equal(saving.restore([told]), {"new": 1}, "one of another director")
    before = View(wires.director)
    text = "\n".join(before.origins)
    for word in ("TCP", "UDP", "SCTP", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "INIT1", "SYNC", "LOCAL", "NONE", "ASSURED", "00000000 0000"):
        check(word in text, f"there is none with {word}: {text}")
    check(any(f"flags {flags:#x}" in line for line in before.lines for flags in (NFCT, NFCT | 0x100)), "none is tracked")
    saving.socket.close()
    entries, text = saved_and_gone(wires.director)
    equal(len(entries), len(before.lines), "saved entries")
    wires.director.ipvs(*text)
    restoring = Additions(wires.director)
    equal(restoring.save(), [], "connections of the new module")
    equal(restoring.restore(entries), {"new": len(entries)}, "restoring")
    View(wires.director).compare(before)
    equal([one[:FIXED[6 if one[0] else 4]] for one in restoring.save()],
          [one[:FIXED[6 if one[0] else 4]] for one in entries], "what would be saved")
    equal(restoring.restore(entries), {"late": len(entries)}, "restoring again")
    View(wires.director).compare(before)
    t.note(f"{len(entries)} are as they were")
    # Packets of the restored connections reach their servers, and no other connection is made.
    wires.from_client.send(dissect.tcp(CLIENT, 2001, VIP, 80, ACK))
    wires.from_client.send(dissect.udp(CLIENT, 2000, VIP, 53, b"again"))
    wires.from_client.send(dissect.tcp(CLIENT, 2001, VIP, 8444, ACK))
    wires.from_client.send(dissect.tcp(CLIENT, 2000, server_address(1), 8087, ACK))
    check(sum(name.startswith("server") for name, _ in wires.collect()) == 4, "packets do not reach the servers")
    equal(len(View(wires.director).lines), len(before.lines), "connections after more packets")


BLOCK, BLOCKS, PAUSE_SECONDS = 2000, 200, 0.02
DOWNLOADS = [("-t", 4, 80, "-m"), ("-t", 6, 80, "-m"), ("-t", 4, 8080, "-g"), ("-t", 6, 8080, "-g"), ("-t", 4, 8443, "-i")]
QUIET = """table inet replacing {
  chain arriving {
    type filter hook prerouting priority -500
    ip daddr %s drop
    ip6 daddr %s drop
    ip saddr %s drop
    ip6 saddr %s drop
  }
}
"""
# Lets the kernel track connections, and only those pass that it knows.
TRACKING = """table inet tracking {
  chain forwarding {
    type filter hook forward priority 0
    ct state invalid drop
  }
}
"""


def serve(far):
    """Sends a file slowly, a block now and then."""
    random = os.urandom(BLOCK * BLOCKS)
    sent = hashlib.sha256(random).hexdigest()

    def run():
        far.settimeout(60)
        for at in range(0, len(random), BLOCK):
            far.sendall(random[at:at + BLOCK])
            time.sleep(PAUSE_SECONDS)
        far.close()
    threading.Thread(target=run, daemon=True).start()
    return sent


def fetch(near, results, index):
    """Takes all that comes, in a thread."""
    def run():
        got, count = hashlib.sha256(), 0
        near.settimeout(60)
        try:
            while part := near.recv(1 << 16):
                got.update(part)
                count += len(part)
        except OSError as error:
            results[index] = f"{error} after {count} bytes"
            return
        results[index] = got.hexdigest()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def download_meanwhile(t, downloads, tracked):
    """Slow downloads go on while the module of their director is replaced by the steps of the manual."""
    topology = Dual(virtual=True)
    # Before the way past the director, by which only answers without translation may go.
    shortcut(topology)
    unwrap(topology, "ipip", 4)
    host, director = topology.servers[0], topology.director
    for version in (4, 6):
        host.run("ip", f"-{version}", "rule", "add", "from", server(version), "lookup", "100")
        host.ip(f"route add {'default' if version == 4 else '::/0'} via "
                f"{lab.server_gateway(1) if version == 4 else '2001:db8:16:1::1'} dev s0 table 100")
    nears, sums = [], []
    if tracked:
        director.run("nft", "-f", "-", text=TRACKING)
        director.ipvs_sysctl("conntrack", 1)
    for letter, version, port, method in downloads:
        to = NAT_PORT if method == "-m" else port
        director.ipvs(f"-A {letter} {end(vip(version), port)} -s rr",
                      f"-a {letter} {end(vip(version), port)} -r {end(server(version), to)} {method}")
        listener = topology.listen(host, version, to)
        nears.append(topology.connect(version, port))
        far, _ = listener.accept()
        listener.close()
        sums.append(serve(far))
    results = [None] * len(nears)
    threads = [fetch(near, results, index) for index, near in enumerate(nears)]
    time.sleep(30 * PAUSE_SECONDS)
    # As the manual says.
    director.run("nft", "-f", "-", text=QUIET % (vip(4), vip(6), server(4), server(6)))
    before = View(director)
    entries, text = saved_and_gone(director)
    equal(len(entries), len(downloads), "connections of downloads")
    if tracked:
        director.ipvs_sysctl("conntrack", 1)
    director.ipvs(*text)
    equal(Additions(director).restore(entries), {"new": len(entries)}, "restoring")
    View(director).compare(before)
    director.run("nft", "delete", "table", "inet", "replacing")
    check(not any(results), f"a download was over before: {results}")
    for thread in threads:
        thread.join(60 * kernel.PATIENCE)
    equal(results, sums, "checksums of the downloads")
    t.note(f"{len(results)} downloads are whole")


@scenario(rust_only=True)
def downloads_go_on_while_the_module_is_replaced(t):
    download_meanwhile(t, DOWNLOADS, False)


@scenario(rust_only=True)
def tracked_downloads_go_on_while_the_module_is_replaced(t):
    download_meanwhile(t, DOWNLOADS[:2], True)


def web(servers=1, more="", ports=()):
    """A director with a service of HTTP, and connections to it."""
    wires = DualWires(servers=servers)
    lines = [f"-A -t {VIP}:80 -s rr {more}", *(f"-a -t {VIP}:80 -r {server_address(one)}:80 -m" for one in range(1, servers + 1))]
    wires.director.ipvs(*lines)
    for port in ports:
        wires.from_client.send(dissect.tcp(CLIENT, port, VIP, 80, SYN))
    wires.collect()
    return wires, lines


@scenario(rust_only=True)
def connections_are_restored_within_conn_max(t):
    wires, lines = web(ports=range(2000, 2300))
    entries, _ = saved_and_gone(wires.director)
    equal(len(entries), 300, "saved entries")
    wires.director.ipvs(*lines)
    wires.director.ipvs_sysctl("conn_max", 120)
    restoring = Additions(wires.director)
    t.note("300 with conn_max 120:", restoring.restore(entries))
    equal(len(View(wires.director).lines), 120, "connections")
    wires.director.ipvs_sysctl("conn_max", 1000)
    t.note("and with 1000:", restoring.restore(entries))
    equal(len(View(wires.director).lines), 300, "connections")
    t.block("counts", (line.strip() for line in View(wires.director).counts))


@scenario(rust_only=True)
def connections_without_a_server_get_it_later(t):
    wires, lines = web(more="-p 300", ports=range(2000, 2005))
    entries, _ = saved_and_gone(wires.director)
    restoring, director = Additions(wires.director), wires.director
    t.note("without services:", restoring.restore(entries))
    t.note("again:", restoring.restore(entries))
    director.ipvs(f"-A -t {VIP}:81 -s rr")
    # With any service there are hooks; a packet goes to the server by the method of the connection.
    t.block("a packet of one of them", (f"{name}: {words}" for name, words in wires.client_sends(
        dissect.tcp(CLIENT, 2000, VIP, 80, ACK, b"more"))))
    director.ipvs(f"-D -t {VIP}:81", *lines)
    counts = [line.strip() for line in View(director).counts]
    t.block("counts before", counts)
    states = sorted(line.split()[7] for line in director.read("/proc/net/ip_vs_conn").splitlines()[1:])
    t.note("with services:", restoring.restore(entries))
    t.note("again:", restoring.restore(entries))
    t.block("counts after", (line.strip() for line in View(director).counts))
    equal(sorted(line.split()[7] for line in director.read("/proc/net/ip_vs_conn").splitlines()[1:]), states, "states")
    # They are under their template again, and a client that comes back meets the server that it had.
    after = [one for one in restoring.save() if not is_template(one)]
    equal([one[-16:] for one in after], [one[-16:] for one in entries if not is_template(one)], "the template of each")


@scenario(rust_only=True)
def a_restored_template_lives_as_long_as_its_connections(t):
    wires, lines = web(servers=2, more="-p 2", ports=[2000])
    entries, _ = saved_and_gone(wires.director)
    equal([is_template(one) for one in entries], [True, False], "what is saved")
    wires.director.ipvs(*lines)
    restoring = Additions(wires.director)
    equal(restoring.restore(entries), {"new": 2}, "restoring")
    time.sleep(3)
    rows = sorted(line.split()[7] for line in wires.director.read("/proc/net/ip_vs_conn").splitlines()[1:])
    t.note("with its connection, after its time:", rows)
    equal(restoring.end(nest(CONN, attribute(PROTOCOL, u16(6)))), 2, "what was ended")
    equal(restoring.restore(entries[:1]), {"new": 1}, "the template alone")
    time.sleep(3)
    t.note("alone, after its time:", wires.director.read("/proc/net/ip_vs_conn").splitlines()[1:])
    # Without the template the connection has none.
    equal(restoring.restore(entries[1:]), {"new": 1}, "the connection alone")
    equal(len(restoring.save()), 1, "what is there")


@scenario(rust_only=True)
def requests_to_restore_that_make_no_sense_change_nothing(t):
    wires, _ = web(ports=[2000, 2001])
    director = wires.director
    restoring = Additions(director)
    good, other = restoring.save()
    restoring.end(nest(CONN, attribute(PROTOCOL, u16(6))))
    cut = datagram([good, other])
    cases = {
        "without entries": b"",
        "an empty attribute": attribute(ENTRIES, b""),
        "a byte": attribute(ENTRIES, b"\0"),
        "a header alone": attribute(ENTRIES, datagram([])),
        "a header that is cut": attribute(ENTRIES, datagram([good])[:7]),
        "another length": attribute(ENTRIES, datagram([good]) + b"\0"),
        "version 0": attribute(ENTRIES, bytes([0, 0, 0, 4])),
        "version 2": attribute(ENTRIES, datagram([good], version=2)),
        "a second entry that is cut": attribute(ENTRIES, DATAGRAM.pack(0, 0, len(cut) - 3, 2, 1, 0) + cut[DATAGRAM.size:-3]),
        "more entries than there are": attribute(ENTRIES, DATAGRAM.pack(0, 0, len(cut), 3, 1, 0) + cut[DATAGRAM.size:]),
        "a type of no family": attribute(ENTRIES, datagram([good, b"\2" + good[1:]])),
        "an option that is too long": attribute(ENTRIES, datagram([good[:37] + b"\xff" + good[38:]])),
        "too many bytes": attribute(ENTRIES, datagram([good] * 255) + bytes(32768)),
        "an unknown attribute": attribute(ENTRIES, datagram([good])) + attribute(40, b""),
        "an attribute of another command": attribute(ENTRIES, datagram([good])) + attribute(17, u32(1)),
    }
    for what, payload in cases.items():
        outcome, replies = restoring.ask(RESTORE_CONN, payload)
        t.note(f"{what}: {outcome}, {restoring.explanation[0]!r}, {len(replies)} answers")
        equal(director.read("/proc/net/ip_vs_conn").count("\n"), 1, f"{what}: lines of a table without connections")
    flags = {"of one packet": 0x2000, "a template without a port": 0x1800}
    for what, value in flags.items():
        odd = ENTRY.pack(*ENTRY.unpack_from(good)[:3], value) + good[AFTER_FLAGS:]
        t.note(f"{what}:", restoring.restore([odd]))
    t.note("of another protocol:", restoring.restore([good[:1] + b"\1" + good[2:]]))
    t.note("in a state that is none:", restoring.restore([good[:8] + b"\0\x0b" + good[10:]]))
    engine = b"\x02\x04call\x03\x03sip"
    kind, protocol, length, _ = ENTRY.unpack_from(good)
    odd = ENTRY.pack(kind, protocol, length + len(engine), TEMPLATE) + b"\0\0" + good[10:] + engine
    t.note("with a persistence engine:", restoring.restore([odd]))
    equal(director.read("/proc/net/ip_vs_conn").count("\n"), 1, "lines of a table without connections")
    t.note("a good one among them:", restoring.restore([odd, good, odd]))
    # A time of years is cut to what a timer can be set to, and what is left is never more than the whole.
    forever = client_port(good[:20] + b"\xff" * 4 + good[24:36] + b"\x48\x04" + b"\xff" * 4 + good[42:], 9)
    t.note("for ever:", restoring.restore([forever]))
    for command, flags in ((SAVE_CONN, WITH_ANSWER), (RESTORE_CONN, DUMP)):
        t.note(f"command {command} the other way:", restoring.ask(command, flags=flags)[0])
    t.note("to save with an attribute:", restoring.ask(SAVE_CONN, attribute(17, u32(1)), flags=DUMP)[0])


@scenario(rust_only=True)
def only_who_administers_the_machine_saves_and_restores(t):
    def attempts(place):
        asking = Client(place)
        return [asking.ask(SAVE_CONN, flags=DUMP)[0], asking.ask(RESTORE_CONN, attribute(ENTRIES, datagram([])))[0]]

    director = Topology().director
    with director:
        t.note("root:", contained.call(contained.as_is, attempts))
        for become in (contained.as_nobody, contained.in_container_on_host, contained.as_root_without_network_rights):
            t.note(become.__doc__.split(".", maxsplit=1)[0] + ":", contained.call(become, attempts))
    t.note("root of a container:", contained.call(contained.in_container, attempts))


@scenario(rust_only=True)
def many_connections_are_saved_while_others_come(t):
    wires, _ = web()
    restoring = Additions(wires.director)
    wires.from_client.send(dissect.tcp(CLIENT, 1999, VIP, 80, SYN))
    wires.collect()
    one, = restoring.save()
    clients = [client_port(one, port) for port in range(2000, 42000)]
    equal(restoring.restore(clients), {"new": len(clients)}, "restoring")
    saved = restoring.save()
    equal(len(set(saved)), len(clients) + 1, "saved, each once")
    equal(restoring.end(nest(CONN, attribute(PROTOCOL, u16(6)))), len(clients) + 1, "what was ended")
    wait_until(lambda: wires.director.read("/proc/net/ip_vs_conn").count("\n") == 1, 5, "the end of all")
    check(len(clients) > 100 * BATCH, "few batches")
    t.note("each once")
