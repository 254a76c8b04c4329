# SPDX-License-Identifier: GPL-2.0
"""The persistence engine for SIP: the messages of one call go to one server."""

import socket
import time

import dual
import kernel
from dual import VERSIONS, Dual, end
from lab import CLIENT, VIP, remove, remove_all, server_address
from packets import SYN, fragments, tcp, udp
from scenario import check, equal, scenario
from scenarios.j_modules import BUSY, built, changes, insert
from scenarios.n_helpers import end_connections
from scenarios.o_lookup import mark
from scenarios.x_daemons import Pair
from traffic import reached
from views import connections, table, wait_until
from wire import Wires, lines

MODULE = "ip_vs_pe_sip"
PORT = 5060
SERVICE = f"-u {VIP}:{PORT}"
OTHER = "10.0.0.77"
FIRST_LINE = b"INVITE sip:bob@example.com SIP/2.0\r\n"

# What is behind the first line.
HEADERS = {
    "plain": b"Call-ID: a1@192.0.2.2\r\n", "short": b"i: a2\r\n", "small letters": b"call-id: a3\r\n",
    "after others": b"Via: SIP/2.0/UDP x\r\nTo: <sip:y@z>\r\nCall-ID: a4\r\n\r\n", "no blank": b"Call-ID:a5\r\n",
    "many blanks": b"Call-ID   :    a6\r\n", "folded before the value": b"Call-ID:\r\n a7\r\n",
    "folded by a tab": b"Call-ID:\r\n\ta8\r\n", "folded before the colon": b"Call-ID\r\n : a9\r\n",
    "folded twice": b"Call-ID:\r\n \r\n  b1\r\n", "folded by LF": b"Call-ID:\n b2\r\n", "folded by CR": b"Call-ID:\r b3\r\n",
    "line ends LF": b"Via: x\nCall-ID: b4\n", "line ends CR": b"Via: x\rCall-ID: b5\r", "in the body": b"\r\nCall-ID: b6\r\n",
    "in the body after LF LF": b"Via: x\n\nCall-ID: b7\n", "in the body after CR CR": b"Via: x\r\rCall-ID: b8\r",
    "in the body after LF CR": b"Via: x\n\rCall-ID: b9\r\n", "after many empty lines": b"\r\n\r\n\r\n\n\n\r\rCall-ID: c1\r\n",
    "tab before the value": b"Call-ID:\tc2\r\n", "tab before the colon": b"Call-ID\t: c3\r\n",
    "tab and blank before the value": b"Call-ID: \tc4\r\n", "blank after folding by a tab": b"Call-ID:\r\n\t c5\r\n",
    "no colon": b"Call-ID c6\r\n", "no colon, then one": b"Call-ID c7\r\nCall-ID: c8\r\n", "short without colon": b"i d1\r\n",
    "name alone": b"Call-ID\r\nCall-ID: d2\r\n", "short name alone": b"i\r\ni: d3\r\n", "name at the end": b"Call-ID",
    "short name and a letter": b"in: d4\r\n", "short name and a digit": b"i1: d5\r\n", "short name and a sign": b"i-: d6\r\n",
    "longer name": b"Call-IDs: d7\r\n", "longer name with a sign": b"Call-ID-x: d8\r\n", "name inside another": b"X-Call-ID: d9\r\n",
    "blank before the name": b" Call-ID: e1\r\n", "blank before the name, then one": b" Call-ID: e2\r\nCall-ID: e3\r\n",
    "folded header before it": b"Subject: x\r\n y\r\nCall-ID: e4\r\n", "two": b"Call-ID: e5\r\nCall-ID: e6\r\n",
    "empty, then one": b"Call-ID: \r\nCall-ID: e7\r\n", "nothing after the sign": b"Call-ID: e8@\r\nCall-ID: e9\r\n",
    "nothing before the sign": b"Call-ID: @f1\r\nCall-ID: f2\r\n", "two signs": b"Call-ID: f3@x@y\r\n", "comma": b"Call-ID: f4,x\r\n",
    "comma, then one": b"Call-ID: f5,x\r\nCall-ID: f6\r\n", "blank behind": b"Call-ID: f7 \r\n", "tab behind": b"Call-ID: f8\t\r\n",
    "signs": b"Call-ID: g1!\"%()*+-./:<>?[\\]_`{}~'@g1!\"%()*+-./:<>?[\\]_`{}~'\r\n", "no line end": b"Call-ID: g2",
    "NUL behind": b"Call-ID: g3\0\r\n", "NUL before": b"\0Call-ID: g4\r\n", "NUL line before": b"\0\r\nCall-ID: g5\r\n",
    "letters from 0xC0": b"Call-ID: g6\xc0\xd0\xe9\xff\r\n", "0xD7 and 0xF7": b"Call-ID: g7\xd7\xf7\r\n", "0xAA": b"Call-ID: g8\xaa\r\n",
    "UTF-8": "Call-ID: g9é\r\n".encode(), "letters from 0xC0 after the sign": b"Call-ID: h1@\xc0\r\n",
    "only letters from 0xC0": b"Call-ID: \xc0\xc1\r\n", "short name and 0xC0": b"i\xc0: h2\r\n", "short name and 0xD7": b"i\xd7: h3\r\n",
    "name and 0xC0": b"Call-ID\xc0: h4\r\n",
    "255 bytes": b"i: " + b"x" * 255 + b"\r\n", "256 bytes": b"i: " + b"x" * 256 + b"\r\ni: h5\r\n",
    "127 and 127": b"i: " + b"y" * 127 + b"@" + b"y" * 127 + b"\r\n", "128 and 127": b"i: " + b"z" * 128 + b"@" + b"z" * 127 + b"\r\n",
    "two colons": b"Call-ID:: h6\r\n", "colon in the next line": b"Call-ID\r\n: h7\r\n", "value in the next line": b"Call-ID:\r\nh8\r\n",
    "nothing": b"", "only line ends": b"\r\n\r\n\r\n", "ends after the colon": b"Call-ID:", "ends after a blank": b"Call-ID: ",
    "ends in a fold": b"Call-ID:\r\n ", "ends after CR": b"Call-ID: h9\r", "ends after LF": b"Call-ID: i1\n",
    "ends after the sign": b"Call-ID: i2@", "other case of i": b"I: i3\r\n", "short, folded": b"i\r\n : i4\r\n",
    "short, in capitals with blanks": b"I   : i5\r\n", "same name behind a tab line": b"\tx\r\nCall-ID: i6\r\n",
    "CR LF CR": b"Via: x\r\n\rCall-ID: i7\r\n", "LF CR LF": b"Via: x\n\r\nCall-ID: i8\r\n",
    "fold of the first line": b" Call-ID: i9\r\nCall-ID: j1\r\n", "folded before the colon by a tab": b"Call-ID\r\n\t: j2\r\n",
    "two folds before the colon": b"Call-ID\r\n \r\n : j3\r\n", "fold, then nothing": b"Call-ID:\r\n \r\nCall-ID: j4\r\n",
    "fold, then another name": b"Call-ID:\r\n \r\nVia: x\r\nCall-ID: j5\r\n", "blank line in a fold": b"Call-ID:\r\n\r\n j6\r\n",
    "longer name, then one": b"Call-IDs: k1\r\nCall-ID: k2\r\n", "longer name with a sign, then one": b"Call-ID-x: k3\r\nCall-ID: k4\r\n",
    "short name and a letter, then one": b"in: k5\r\ni: k6\r\n", "short name and a digit, then one": b"i1: k7\r\ni: k8\r\n",
    "value in the next line, then one": b"Call-ID:\r\nl1\r\nCall-ID: l2\r\n", "comma alone, then one": b"Call-ID: ,\r\nCall-ID: l3\r\n",
    "comma alone in a fold, then one": b"Call-ID:\r\n ,\r\n Call-ID: l4\r\nCall-ID: l5\r\n", "short, empty, then one": b"i: \r\ni: l6\r\n",
    "sign alone, then one": b"Call-ID: @\r\nCall-ID: l7\r\n", "the name in a fold": b"Call-ID:\r\n Call-ID:l8\r\n",
    "nothing after the sign but an empty line": b"Call-ID: l9@\n\nCall-ID: m1\r\nCall-ID: m2\r\n",
    "fold, no blank behind": b"Call-ID: \r\n\r\nCall-ID: m3\r\n", "LF before a fold": b"Call-ID\n :\n m4\n",
    "short name and 0xC0, then one": b"i\xc0: m5\r\ni: m6\r\n", "short name and 0xD7, then one": b"i\xd7: m7\r\ni: m8\r\n",
    "0xB5": b"Call-ID: m9\xb5\r\n", "0xDF": b"Call-ID: n1\xdf\r\n", "0x7F": b"Call-ID: n2\x7f\r\n", "one letter": b"i:n\n",
    "name in the middle of a line": b"Via: Call-ID: n3\r\n", "empty line of LF before a line": b"\nVia: x\r\nCall-ID: n4\r\n",
    "vertical tab": b"Call-ID:\x0bj7\r\n", "form feed": b"Call-ID:\x0cj8\r\n", "no-break space": b"Call-ID:\xa0j9\r\n",
}
# Whole datagrams.
WHOLE = {
    "in the first line": b"Call-ID: o1\r\n", "in the first and the second": b"Call-ID: o2\r\nCall-ID: o3\r\n",
    "empty first line": b"\r\nCall-ID: o4\r\n", "LF first": b"\nCall-ID: o5\r\n", "CR first": b"\rCall-ID: o6\r\n",
    "LF CR first": b"\n\rCall-ID: o7\r\n", "LF LF first": b"\n\nCall-ID: o8\r\n", "one byte": b"x", "empty": b"",
    "keep-alive": b"\r\n\r\n", "no line end": b"OPTIONS sip:x SIP/2.0 Call-ID: o9",
}


def message(call, port, client=CLIENT, body=b"", **options):
    """A message of a call, from a port of the client."""
    return udp(client, port, VIP, PORT, FIRST_LINE + b"Via: SIP/2.0/UDP x\r\nCall-ID: " + call.encode() + b"\r\n\r\n" + body, **options)


def serve(lab, options="-p 300 --pe sip", method="-m"):
    lab.director.ipvs(f"-A {SERVICE} -s rr {options}",
                      *(f"-a {SERVICE} -r {server_address(number)}:{PORT} {method}" for number in lab.numbers))


def calls(director):
    """The Call-IDs of templates in the list of connections, as bytes."""
    with director, open("/proc/net/ip_vs_conn", "rb") as file:
        rows = file.read().split(b"\n")
    return sorted(row.split(b" sip ", 1)[1] for row in rows if b" sip " in row)


def goes():
    """The module is removed, once all references to it are given back."""
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the module")


@scenario
def call_ids_are_read_as_ever(t):
    lab = Wires(servers=1)
    serve(lab)
    known = []
    for number, (title, headers) in enumerate([*((title, FIRST_LINE + headers) for title, headers in HEADERS.items()), *WHOLE.items()]):
        lab.from_client.send(udp(CLIENT, 2000 + number, VIP, PORT, headers))
        lab.collect()
        now = calls(lab.director)
        new = [call for call in now if call not in known]
        known = now
        t.note(f"{title}:", repr(new[0])[1:] if new else "none")
    remove(lab.director)
    goes()


def titled(number, port, client=CLIENT):
    """A message of call `number`, whose first 8 bytes tell it."""
    return udp(client, port, VIP, PORT, b"call%04d\r\nCall-ID: c%d@x\r\n" % (number, number))


def calls_at(seen):
    """{host name: the calls whose messages it saw, sorted}."""
    found = {}
    for name, words in seen:
        found.setdefault(name, []).append(int(bytes.fromhex(words.split(" data ")[1].split()[0])[4:]))
    return {name: sorted(numbers) for name, numbers in found.items()}


@scenario
def a_thousand_calls_of_one_client_spread_over_servers(t):
    lab = Wires(servers=3)
    many = 1000 // kernel.LESS
    for options in ("-o -p 300 --pe sip", "-p 300 --pe sip"):
        serve(lab, options)
        # One port for all of them, or one for each: a connection keeps its server, whatever the call.
        first, other = (lambda n: 2000, lambda n: 2001) if "-o" in options else (lambda n: 2000 + n, lambda n: 4000 + n)
        begin = calls_at(lab.client_sends(*(titled(n, first(n)) for n in range(many))))
        t.note(f"{options}: calls of each server:", [len(numbers) for _, numbers in sorted(begin.items())])
        again = calls_at(lab.client_sends(*(titled(n, other(n)) for n in range(many))))
        equal(again, begin, "the servers of the same calls from another port")
        equal(len(calls(lab.director)), many, "templates")
        if "-o" not in options:
            t.note("all calls from one port go to:", [len(numbers) for numbers in calls_at(
                lab.client_sends(*(titled(n, 9999) for n in range(50)))).values()])
        remove(lab.director, lab.client, *lab.servers)
        goes()
        lab = Wires(servers=3)


@scenario
def a_call_is_of_a_client_a_service_and_an_engine(t):
    lab = Wires(servers=3)
    lab.director.ip(f"neigh add {OTHER} lladdr 02:00:00:00:01:00 dev c0", "neigh add 10.0.0.78 lladdr 02:00:00:00:01:00 dev c0")
    serve(lab, "-o -p 300 --pe sip")
    for title, some in {"one call": ["a"] * 3, "three calls": ["b", "c", "d"], "letters of another case": ["B", "C", "D"],
                        "the first again": ["a", "b", "c", "d"]}.items():
        t.note(f"{title}:", lab.chosen(*(message(call, 2000 + n) for n, call in enumerate(some))))
    t.note("the same call of another address:", lab.chosen(*(message("a", 2000, client=OTHER) for _ in range(2))))
    t.note("in fragments:", lines(lab.client_sends(*fragments(message("frag", 2000, body=bytes(3000)), 1480)))[:1])
    t.note("without a checksum:", lab.chosen(message("a", 2000, zero_checksum=True)))
    lab.director.ipvs(f"-A -t {VIP}:{PORT} -s rr -p 300 --pe sip", f"-a -t {VIP}:{PORT} -r {server_address(1)}:{PORT} -m")
    t.block("a segment", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, PORT, SYN, b"x\r\nCall-ID: t\r\n"))))
    t.block("no call", lines(lab.client_sends(udp(CLIENT, 2000, VIP, PORT, b"x\r\n\r\n"))))
    t.block("table", table(lab.director))
    t.block("connections", connections(lab.director))
    t.block("list", [" ".join(line.split()) for line in sorted(lab.director.ipvsadm("-Lnc", "--persistent-conn").splitlines()[1:])
                     if not line.startswith("pro")])
    t.block("services", [line for line in lab.director.ipvsadm("-Sn").splitlines() if line.startswith("-A")])
    lab.director.ipvs(f"-E {SERVICE} -s rr -o -p 300 -M 255.255.255.0 --pe sip")
    t.note("one call of three addresses under a netmask:", lab.chosen(
        *(message("m", 2000, client=address) for address in (CLIENT, OTHER, "10.0.0.78"))))
    lab.director.ipvs(f"-E {SERVICE} -s rr -o -p 300")
    t.note("without the engine:", lab.chosen(message("a", 2000), message("b", 2000), message("new", 2000)))
    t.block("services", [line for line in lab.director.ipvsadm("-Sn").splitlines() if line.startswith("-A")])
    equal(kernel.unload(MODULE), BUSY, "removing the module of templates")
    lab.director.ipvs(f"-E {SERVICE} -s rr -o --pe sip")
    t.note("without persistence:", lab.chosen(*(message("a", 2000) for _ in range(3)), udp(CLIENT, 2000, VIP, PORT, b"no call")))
    remove(lab.director)
    goes()


@scenario
def calls_of_a_firewall_mark(t):
    lab = Wires(servers=3)
    mark(lab, "ip protocol udp: 7", "ip protocol tcp: 7")
    lab.director.ipvs("-A -f 7 -s rr -p 300 --pe sip", *(f"-a -f 7 -r {server_address(number)}:0 -m" for number in lab.numbers))
    t.note("calls from two ports each:", lab.chosen(*(message(call, 2000 + n) for n, call in enumerate("abcabc"))))
    t.note("to another port:", lab.chosen(*(udp(CLIENT, 3000 + n, VIP, 5080, b"x\r\ni: %s\r\n" % call.encode())
                                            for n, call in enumerate("abc"))))
    t.block("a segment", lines(lab.client_sends(tcp(CLIENT, 2000, VIP, PORT, SYN))))
    t.block("connections", connections(lab.director))
    remove(lab.director)
    goes()


@scenario
def a_server_of_a_call_that_is_deleted_or_quiesced(t):
    lab = Wires(servers=2)
    serve(lab, "-o -p 300 --pe sip")
    t.note("two calls:", lab.chosen(message("a", 2000), message("b", 2000)))
    lab.director.ipvs(f"-e {SERVICE} -r {server_address(2)}:{PORT} -m -w 0")
    t.note("a weight of 0:", lab.chosen(message("a", 2000), message("b", 2000), message("c", 2000)))
    lab.director.ipvs_sysctl("expire_quiescent_template", 1)
    t.note("expired:", lab.chosen(message("a", 2000), message("b", 2000)))
    lab.director.ipvs(f"-e {SERVICE} -r {server_address(2)}:{PORT} -m -w 1")
    t.note("a weight of 1:", lab.chosen(message("a", 2000), message("b", 2000), message("d", 2000), message("e", 2000)))
    lab.director.ipvs(f"-d {SERVICE} -r {server_address(1)}:{PORT}")
    t.note("deleted:", lab.chosen(*(message(call, 2000) for call in "abcde")))
    t.block("connections", connections(lab.director))
    remove(lab.director)
    goes()


@scenario
def the_engine_is_loaded_by_name_and_kept_while_it_is_used(t):
    lab = Wires(servers=2)
    t.note("before a service names it:", MODULE in kernel.modules())
    serve(lab)
    loaded = kernel.modules()
    t.note("loaded:", MODULE in loaded, "references:", loaded.get(MODULE))
    t.note("rmmod with a service:", kernel.unload(MODULE))
    lab.chosen(message("a", 2000), message("b", 2001), message("a", 2002))
    t.note("two calls:", changes(loaded))
    lab.director.ipvs("-C")
    t.note("without services:", changes(loaded))
    t.note("rmmod with templates:", kernel.unload(MODULE))
    remove(lab.director)
    goes()


@scenario
def namespaces_end_with_calls(t):
    for _ in range(3):
        lab = Wires(servers=2)
        serve(lab, "-o -p 300 --pe sip")
        lab.client_sends(*(titled(number, 2000) for number in range(50)))
        equal(kernel.use_count(MODULE), 51, "references")
        remove(lab.client, lab.director, *lab.servers)
    goes()


@scenario(rust_only=True)
def an_engine_of_another_build_is_refused(t):
    said = insert(built("stale/ip_vs_pe_sip.ko.stale", "stale-scheduler.sh"))
    check(MODULE not in kernel.modules(), "an engine with another interface was loaded")
    t.note("insmod of a stale engine:", said)


@scenario(rust_only=True)
def the_engine_goes_under_traffic(t):
    lab = Wires(servers=2)
    for turn in range(20):
        serve(lab, "-o -p 300 --pe sip" if turn % 2 else "-p 300 --pe sip")
        for number in range(20):
            lab.from_client.send(titled(number, 2000 + 20 * turn + number))
            lab.from_server[0].send(udp(server_address(1), PORT, CLIENT, 2000 + number, b"x\r\ni: s%d\r\n" % number))
        end_connections(lab)
        wait_until(lambda: kernel.unload(MODULE) == "ok", what="the module goes")
    lab.collect()


@scenario
def a_backup_has_the_calls(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        director.ipvs(f"-A {SERVICE} -s rr -p 300 --pe sip",
                      *(f"-a {SERVICE} -r {server_address(number)}:{PORT} -m" for number in (1, 2)))
    pair.start()

    def chosen(lab, numbers):
        """The servers of these calls, each from a port of its own."""
        servers = [host.udp(server_address(number), PORT) for number, host in zip(lab.numbers, lab.servers)]
        found = []
        for number in numbers:
            client = lab.client.udp()
            client.sendto(b"x\r\nCall-ID: c%d\r\n" % number, (VIP, PORT))
            found.append(reached(servers) + 1)
            servers[found[-1] - 1].recv(100)
        return found

    before = chosen(pair.lab, range(10))
    wait_until(lambda: len(calls(pair.backup)) == 10, what="the templates on the backup")
    t.block("templates", [" ".join(line.split()[:7] + line.split()[9:]) for line in connections(pair.backup) if " sip " in line])
    pair.stop()
    # The scheduler of the backup would take turns from the beginning.
    equal(chosen(pair.other, [9, 3, 5, 4, 6, 0, 1]), [before[number] for number in (9, 3, 5, 4, 6, 0, 1)], "the servers at the backup")
    for director in (pair.master, pair.backup):
        remove(director)
    goes()


def begun(call, number=1, sport=PORT, client=CLIENT, port=2000, text=None):
    """A message that a server sends from its own port."""
    return udp(server_address(number), sport, client, port, b"x\r\ni: %s\r\n" % call.encode() if text is None else text)


def what_servers_begin(t, options, protocol="-u", target=f"{VIP}:{PORT}"):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {protocol} {target} -s rr {options}",
                      *(f"-a {protocol} {target} -r {server_address(number)}:{PORT} -m" for number in lab.numbers))

    def sends(title, *some, number=1):
        t.block(title, lines(lab.server_sends(*some, number=number)))
        t.block("  connections", connections(lab.director))

    sends("a call", begun("a"))
    sends("the same again", begun("a"))
    sends("to another port", begun("a", port=2001))
    sends("another call to the first port", begun("b"))
    sends("the call, from the other server", begun("a", 2, port=2002), number=2)
    sends("no call", begun("", port=2003, text=b"x\r\n\r\n"))
    sends("nothing", begun("", port=2004, text=b""))
    sends("another port of the server", begun("c", sport=5070, port=2005))
    sends("a segment", tcp(server_address(1), PORT, CLIENT, 2006, SYN))
    t.note("the client's requests go to:", lab.chosen(message("a", 2000), message("b", 2001), message("a", 2009), message("b", 2009)))
    if "-o" in options:
        sends("an answer of the first server", begun("a", port=2009))
        sends("an answer of the second server", begun("b", 2, port=2009), number=2)
    lab.director.ipvs_sysctl("nat_icmp_send", 1)
    sends("with nat_icmp_send, a call", begun("d", port=2010))
    sends("with nat_icmp_send, no call", begun("", port=2011, text=b"x\r\n"))
    lab.director.ipvs_sysctl("nat_icmp_send", 0)
    t.block("table", table(lab.director))
    time.sleep(4)
    t.block("connections that were counted", [" ".join(line.split()[:3]) for line in lab.director.ipvsadm("-Ln", "--stats").splitlines()[3:]])
    remove(lab.director)
    if MODULE in kernel.modules():
        goes()


@scenario
def servers_begin_calls(t):
    what_servers_begin(t, "-p 300 --pe sip")


@scenario
def servers_begin_calls_of_one_packet(t):
    what_servers_begin(t, "-o -p 300 --pe sip")


@scenario
def servers_begin_calls_of_a_mark(t):
    what_servers_begin(t, "-p 300 --pe sip", "-f", "7")


@scenario
def servers_begin_calls_for_all_ports(t):
    what_servers_begin(t, "-p 300 --pe sip", target=f"{VIP}:0")


@scenario
def a_server_begins_a_call_with_a_client_of_another(t):
    lab = Wires(servers=2)
    serve(lab)
    t.note("requests from one port go to:", lab.chosen(message("a", 2000), message("b", 2000)))
    t.block("the first server begins", lines(lab.server_sends(begun("c"))))
    t.note("its answer goes to:", lab.chosen(message("c", 2000)))
    t.block("connections", [line for line in connections(lab.director) if " 07D0 " in line])
    t.block("the second server goes on", lines(lab.server_sends(begun("a", 2), number=2)))
    t.note("the next request goes to:", lab.chosen(message("a", 2000)))
    remove(lab.director)
    goes()


@scenario
def servers_begin_calls_without_persistence(t):
    lab = Wires(servers=2)
    serve(lab)
    lab.director.ipvs(f"-E {SERVICE} -s rr --pe sip")
    t.block("a call", lines(lab.server_sends(begun("a"))))
    t.block("no call", lines(lab.server_sends(begun("", port=2001, text=b"x"))))
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-E {SERVICE} -s rr -o --pe sip")
    t.block("one packet", lines(lab.server_sends(begun("b", port=2002), begun("", 1, port=2002, text=b"y"))))
    t.block("connections", connections(lab.director))
    t.block("services", [line for line in lab.director.ipvsadm("-Sn").splitlines() if line.startswith("-A")])
    remove(lab.director)
    goes()


@scenario
def servers_begin_calls_where_others_are_too(t):
    lab = Wires(servers=2)
    serve(lab)
    first = f"{server_address(1)}:{PORT}"
    for title, command in {"a weight of 0": f"-e {SERVICE} -r {first} -m -w 0", "direct routing": f"-e {SERVICE} -r {first} -g",
                           "NAT again": f"-e {SERVICE} -r {first} -m -w 1", "without the engine": f"-E {SERVICE} -s rr -p 300",
                           "with it again": f"-E {SERVICE} -s rr -p 300 --pe sip", "deleted": f"-d {SERVICE} -r {first}",
                           "in another service too": f"-A -u {VIP}:5070 -s rr",
                           "of the other service": f"-a -u {VIP}:5070 -r {first} -m",
                           "of both": f"-a {SERVICE} -r {first} -m", "one more at most": f"-e {SERVICE} -r {first} -m -x 1"}.items():
        lab.director.ipvs(command)
        number = 3000 + 10 * len(t.lines)
        t.note(f"{title}:", lines(lab.server_sends(begun("a", port=number), begun(f"x{number}", port=number + 1))))
    lab.director.ipvs_sysctl("conn_max", 5)
    t.note("five connections at most:", lines(lab.server_sends(*(begun(f"y{number}", port=4000 + number) for number in range(4)))))
    t.block("connections", [line for line in connections(lab.director) if "5060" not in line])
    remove(lab.director)
    goes()


class Phone:
    """One end of calls: a socket that sends messages and answers them, and what it has heard."""

    def __init__(self, socket):
        self.socket = socket

    def ask(self, target, number):
        self.socket.sendto(b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP y\r\nCall-ID: n%d@y\r\nCSeq: 1 INVITE\r\n\r\n" % number, target)

    def answer(self):
        """Answers the next request; the request and its sender."""
        data, peer = self.socket.recvfrom(65536)
        self.socket.sendto(data.replace(b"INVITE sip:x SIP/2.0", b"SIP/2.0 200 OK"), peer[:2])
        return data, peer[0]

    def hear(self):
        data, peer = self.socket.recvfrom(65536)
        return data.split(b"\r\n")[0].decode(), peer[0], peer[1]


def calls_between_hosts(t, version, options):
    lab = Dual(servers=2)
    service = end(dual.vip(version), PORT)
    lab.director.ipvs(f"-A -u {service} -s rr {options}",
                      *(f"-a -u {service} -r {end(dual.server(version, number), PORT)} -m" for number in lab.numbers))
    family = socket.AF_INET if version == 4 else socket.AF_INET6

    def phone(host, address, port):
        one = host.socket(family, socket.SOCK_DGRAM)
        one.bind((address, port))
        return Phone(one)

    client = phone(lab.client, dual.client(version), PORT)
    servers = [phone(host, dual.server(version, number), PORT) for number, host in zip(lab.numbers, lab.servers)]
    for number in (1, 2, 1, 2):
        client.ask((dual.vip(version), PORT), number)
        server = servers[reached([one.socket for one in servers])]
        t.note(f"IPv{version} {options}: call {number} reaches server", servers.index(server) + 1, "from", ":".join(map(str, server.answer()[1:])))
        t.note("  the client hears", *client.hear())
    servers[1].ask((dual.client(version), PORT), 3)
    data, peer = client.answer()
    t.note("server 2 asks, and the client sees", data.split(b"\r\n")[0].decode(), "from", peer)
    server = reached([one.socket for one in servers])
    t.note("the answer reaches server", server + 1, servers[server].hear())
    lines_of = sorted(" ".join(line.split()) for line in connections(lab.director))
    t.block("connections", lines_of)
    remove(lab.director)
    goes()


@scenario
def phones_call_each_other(t):
    for version in VERSIONS:
        for options in ("-o -p 300 --pe sip", "-p 300 --pe sip"):
            calls_between_hosts(t, version, options)
            remove_all()
