# SPDX-License-Identifier: GPL-2.0
"""The commands that the C module lacks: events, connections."""

import errno
import socket
import struct

from additions import (ALL, CLIENT_ADDR, CLIENT_PORT, CONN, CONN_FLAGS, DEL_CONN, FAMILY, FLAGS, GET_CONN,
                       PROTOCOL, SERVER_ADDR, SETTING, STATE, VALUE, VIRTUAL_PORT, Additions, Conn, Listener, nest, port, words)
from genl import (ACK, DUMP, GENL_HEADER, HEADER, MULTI_DONE, SERVICE, Client, address, attribute, be16, message, name,
                  u16, u32)
from lab import CLIENT, VIP, Topology, server_address
from scenario import check, equal, scenario
from views import wait_until

# Pages that no machine has.
PLENTY = 2**31 - 1


def key(number=80, protocol=6):
    """The nest that identifies a service of the usual address."""
    return nest(SERVICE, attribute(1, u16(2)), attribute(2, u16(protocol)), attribute(3, address(VIP)),
                attribute(4, be16(number)))


def packets(lab, number, count, first=40000):
    """One UDP packet from each of some ports of the client."""
    for source in range(first, first + count):
        one = lab.client.udp(CLIENT, source)
        one.sendto(b"x", (VIP, number))
        one.close()


@scenario(rust_only=True)
def who_listens_is_told_of_each_change(t):
    lab = Topology()
    listener, client = Listener(lab.director), Additions(lab.director)
    director = lab.director

    def heard(what):
        for action, asker, changed, body in listener.hear():
            who = "us" if asker == client.port else "nobody" if asker == 0 else "another"
            shown = "" if changed is None else f" changed {changed:#x}"
            t.note(f"{what}: {action} by {who}{shown} {words(body)}")

    for line in (f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server_address(1)}:80 -m",
                 f"-E -t {VIP}:80 -s wlc", f"-E -t {VIP}:80 -s wlc", f"-E -t {VIP}:80 -s wlc -p 60 -M 255.255.255.0",
                 f"-e -t {VIP}:80 -r {server_address(1)}:80 -m -w 5", f"-e -t {VIP}:80 -r {server_address(1)}:80 -m -w 5",
                 f"-e -t {VIP}:80 -r {server_address(1)}:80 -i -x 9 -y 8", f"-d -t {VIP}:80 -r {server_address(1)}:80",
                 "-A -f 7 -s none", "-D -f 7"):
        director.ipvs(line)
        heard(line)
    for words_ in (("--set", "100", "0", "50"), ("--set", "100", "0", "50"), ("-Z",), ("-C",), ("-C",)):
        director.ipvsadm(*words_)
        heard(" ".join(words_))
    director.ipvsadm("-D", "-t", f"{VIP}:81")
    heard("a request that fails")
    director.ipvs(f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server_address(1)}:80 -m")
    listener.hear()
    director.ipvsadm("-Z", "-t", f"{VIP}:80")
    heard("-Z of one service")
    director.ipvsadm("-C")
    listener.hear()
    equal(client.do("SET_CONFIG", attribute(4, u32(77)))[0], "ok", "a request of ours")
    heard("ours")


@scenario(rust_only=True)
def who_listens_is_told_of_each_setting(t):
    lab = Topology()
    listener, director = Listener(lab.director), lab.director

    def heard(what):
        events = listener.hear()
        t.note(f"{what}: {len(events)} told")
        for action, asker, changed, body in events:
            equal(set(body), {SETTING, VALUE}, "what is told of a sysctl")
            equal(asker, 0, "the port of who wrote to a file")
            setting, value = (body[kind].decode().removesuffix("\0") for kind in (SETTING, VALUE))
            t.note(f"    {action} changed {changed:#x} {setting} = {value!r}")
            equal(value, director.read(f"/proc/sys/net/ipv4/vs/{setting}").rstrip("\n"), "what the file says")

    def write(setting, *values):
        for value in values:
            outcome = "ok"
            try:
                director.ipvs_sysctl(setting, value)
            except OSError as error:
                outcome = errno.errorcode[error.errno]
            heard(f"{setting} {value} ({outcome})")

    write("drop_entry", 1, 1, "+2", 4, "many", 0)
    write("conn_max", 1000, 1000, -1)
    write("sync_threshold", "5 60", "5", "9 8")
    write("sync_qlen_max", 4096, 4096)
    write("est_cpulist", 0, "none")
    write("est_nice", -3)
    write("conn_lfactor", -5)
    director.ipvs(f"-A -t {VIP}:80 -s lblc")
    listener.hear()
    write("lblc_expiration", 60, 60)
    director.read("/proc/sys/net/ipv4/vs/drop_entry")
    heard("reading")


@scenario(rust_only=True)
def who_listens_is_told_of_each_mode_that_changes_by_itself(t):
    lab = Topology()
    listener, director = Listener(lab.director), lab.director

    def heard(what, count):
        said = []
        wait_until(lambda: said.extend(listener.hear()) or len(said) >= count, 5, what)
        t.block(what, sorted(f"{body[SETTING][:-1].decode()} = {body[VALUE][:-1].decode()} by {asker}" for _, asker, _, body in said))

    for setting in ("drop_entry", "drop_packet"):
        director.ipvs_sysctl(setting, 1)
    heard("automatic, with memory enough", 2)
    director.ipvs_sysctl("amemthresh", PLENTY)
    heard("memory is short", 3)
    # Whoever writes tells of his own file; the others are as they are to be.
    director.ipvs_sysctl("secure_tcp", 1)
    heard("one more", 1)
    director.ipvs_sysctl("amemthresh", 0)
    heard("memory is there again", 4)
    director.ipvs_sysctl("secure_tcp", 0)
    heard("off", 1)


@scenario(rust_only=True)
def a_change_is_told_in_its_namespace_only(t):
    here, there = Topology(), Topology(tag="2")
    one, other = Listener(here.director), Listener(there.director)
    here.director.ipvs(f"-A -t {VIP}:80 -s rr")
    here.director.ipvs_sysctl("drop_entry", 1)
    equal(len(one.hear()), 2, "events where the change is")
    equal(len(other.hear()), 0, "events elsewhere")
    t.note("told here, not there")


@scenario(rust_only=True)
def a_listener_that_does_not_read_is_told_that_it_missed_something(t):
    lab = Topology()
    listener, client = Listener(lab.director), Client(lab.director)
    for turn in range(2000):
        equal(client.do("SET_CONFIG", attribute(4, u32(100 + turn)))[0], "ok", "the change")
    try:
        while True:
            listener.socket.recv(1 << 17)
    except OSError as error:
        t.note("the reader was told:", error.strerror)
    listener.hear()
    client.do("SET_CONFIG", attribute(4, u32(99)))
    t.note("and hears again:", len(listener.hear()))


@scenario(rust_only=True)
def connections_are_listed_and_ended_by_what_they_are(t):
    lab = Topology(servers=2)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m",
                      f"-A -u {VIP}:54 -s rr -p 300", f"-a -u {VIP}:54 -r {server_address(2)}:5454 -m",
                      f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server_address(1)}:80 -m")
    client = Additions(lab.director)
    packets(lab, 53, 5)
    packets(lab, 54, 3)
    server = lab.servers[0].listen(server_address(1), 80)
    session = lab.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    session.bind((CLIENT, 45000))
    session.connect((VIP, 80))

    def show(what, *filters):
        found, outcome = client.conns(*filters)
        t.block(f"{what}: {outcome}", sorted(str(conn) for conn in found))
        return found

    proc = lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]
    equal(len(show("all")), len(proc), "as many as in /proc")
    show("of a service", key(53, 17))
    show("of a client's port", nest(CONN, attribute(CLIENT_PORT, be16(40001))))
    show("of a client", nest(CONN, attribute(CLIENT_ADDR, address(CLIENT)), attribute(PROTOCOL, u16(6))))
    show("of a server", nest(CONN, attribute(SERVER_ADDR, address(server_address(2)))))
    show("in a state", nest(CONN, attribute(STATE, name("ESTABLISHED"))))
    show("of IPv6", nest(CONN, attribute(FAMILY, u16(10))))
    show("of a service that is not there", key(99))
    t.note("ended of a server:", client.end(nest(CONN, attribute(SERVER_ADDR, address(server_address(2))))))
    show("what is left")
    t.note("ended of a service:", client.end(key(53, 17)), "then", client.end(key(53, 17)))
    t.note("ended all:", client.end(attribute(FLAGS, u32(ALL))))
    equal(lab.director.read("/proc/net/ip_vs_conn").count("\n"), 1, "lines of a table without connections")
    t.block("the counts of the servers", sorted(line.rstrip() for line in
                                                lab.director.read("/proc/net/ip_vs").splitlines() if "  -> AC" in line))
    session.close()
    server.close()


@scenario(rust_only=True)
def a_listing_of_connections_neither_skips_nor_repeats(t):
    lab = Topology()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
    client, other = Additions(lab.director), Additions(lab.director)
    packets(lab, 53, 1500, 20000)
    # The first pages are read, then others come and go, and the table grows.
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sender = lab.client.udp(CLIENT, 9)
    client.sequence += 1
    client.socket.send(message(client.family, GENL_HEADER.pack(GET_CONN, 1, 0), DUMP, client.sequence))
    seen, pages, done = [], 0, False
    while not done:
        data = client.socket.recv(1 << 17)
        pages += 1
        if pages == 3:
            packets(lab, 53, 1000, 30000)
            for source in range(30000, 30500):
                other.end(nest(CONN, attribute(CLIENT_PORT, be16(source))))
        while data:
            length, kind, _, _, _ = HEADER.unpack_from(data)
            body, data = data[HEADER.size:length], data[(length + 3) & ~3:]
            if kind == MULTI_DONE:
                done = True
                break
            seen.append(port(Conn(body[GENL_HEADER.size:]).values[CLIENT_PORT]))
    sender.close()
    old = [number for number in seen if number < 30000]
    equal(sorted(old), list(range(20000, 21500)), "those that were there all the time, each once")
    check(pages > 6, f"only {pages} pages")
    equal(len(seen), len(set(seen)), "others at most once")
    t.note("each once")


@scenario(rust_only=True)
def requests_about_connections_that_make_no_sense_are_refused(t):
    lab = Topology()
    client = Additions(lab.director)
    requests = {
        "DEL_CONN without a filter": (DEL_CONN, b"", ACK),
        "DEL_CONN with flags of 0": (DEL_CONN, attribute(FLAGS, u32(0)), ACK),
        "an unknown flag": (DEL_CONN, attribute(FLAGS, u32(2)), ACK),
        "flags of two bytes": (DEL_CONN, attribute(FLAGS, u16(1)), ACK),
        "GET_CONN with flags": (GET_CONN, attribute(FLAGS, u32(1)), DUMP),
        "GET_CONN without dump": (GET_CONN, b"", ACK),
        "DEL_CONN as a dump": (DEL_CONN, attribute(FLAGS, u32(1)), DUMP),
        "a nest without its flag": (GET_CONN, attribute(CONN, attribute(PROTOCOL, u16(6))), DUMP),
        "an unknown attribute": (GET_CONN, attribute(40, b""), DUMP),
        "an attribute of another command": (GET_CONN, attribute(4, u32(1)), DUMP),
        "an unknown attribute in a nest": (GET_CONN, nest(CONN, attribute(16, b"")), DUMP),
        "what only answers say": (GET_CONN, nest(CONN, attribute(CONN_FLAGS, u32(0))), DUMP),
        "a protocol of 256": (GET_CONN, nest(CONN, attribute(PROTOCOL, u16(256))), DUMP),
        "a port of 4 bytes": (GET_CONN, nest(CONN, attribute(VIRTUAL_PORT, u32(1))), DUMP),
        "an address of 3 bytes": (GET_CONN, nest(CONN, attribute(CLIENT_ADDR, b"abc")), DUMP),
        "an address of 5 bytes": (GET_CONN, nest(CONN, attribute(CLIENT_ADDR, b"abcde")), DUMP),
        "a family of 3": (GET_CONN, nest(CONN, attribute(FAMILY, u16(3))), DUMP),
        "a family of 11": (GET_CONN, nest(CONN, attribute(FAMILY, u16(11))), DUMP),
        "a state without end": (GET_CONN, nest(CONN, attribute(STATE, b"ESTABLISHED")), DUMP),
        "a state too long": (GET_CONN, nest(CONN, attribute(STATE, name("E" * 16))), DUMP),
        "a service without a port": (GET_CONN, nest(SERVICE, attribute(1, u16(2)), attribute(2, u16(6)),
                                                    attribute(3, address(VIP))), DUMP),
        "a service with a scheduler": (GET_CONN, nest(SERVICE, attribute(6, name("rr"))), DUMP),
        "bytes behind the end": (GET_CONN, b"\1", DUMP),
    }
    for what, (command, payload, flags) in requests.items():
        outcome, _ = client.ask(command, payload, flags=flags)
        text, offset = client.explanation
        t.note(f"{what}: {outcome}, {text!r} at {offset}")
    outcome, _ = client.ask(GET_CONN, raw=struct.pack("=BBH", GET_CONN, 1, 7), flags=DUMP)
    t.note("reserved bytes of the header:", outcome)
    for command in (63, 64, 66, 74, 255):
        t.note(f"command {command}:", client.ask(command)[0], client.ask(command, flags=DUMP)[0])
    equal(client.conns()[1], "ok", "a request that is right")
