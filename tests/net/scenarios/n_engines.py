# SPDX-License-Identifier: GPL-2.0
"""The persistence engine of CONTRIBUTING.md: datagrams of one user, `USER mary`, go to one server."""

import re

import kernel
from lab import CLIENT, VIP, remove, server_address
from packets import SYN, tcp, udp
from scenario import check, equal, scenario
from scenarios.j_modules import BUSY
from scenarios.n_helpers import end_connections
from scenarios.r_drops import drops
from scenarios.x_daemons import Pair
from views import connections, listing, wait_until
from wire import Wires

MODULE = "ip_vs_pe_user"
PORT = 7001
SERVICE = f"-u {VIP}:{PORT}"
OTHER = "10.0.0.77"
SERVERS = 3


def user(name, port, client=CLIENT, **options):
    return udp(client, port, VIP, PORT, f"USER {name}\nhello".encode(), **options)


def serve(lab, options="--pe user"):
    lab.director.ipvs(f"-A {SERVICE} -s rr -p 300 {options}",
                      *(f"-a {SERVICE} -r {server_address(number)}:{PORT} -m" for number in lab.numbers))


def goes():
    """The module is removed, once all references to it are given back."""
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the module")


def data(director):
    """The data of templates in the list of connections."""
    return sorted(line.split(" user ")[1] for line in connections(director) if " user " in line)


@scenario(rust_only=True)
def an_engine_from_the_contributors_page(t):
    lab = Wires(servers=SERVERS)
    equal(MODULE in kernel.modules(), False, "the module before a service names it")
    serve(lab)
    equal(kernel.use_count(MODULE), 1, "references with a service")
    check("pe user" in " ".join(listing(lab.director)), "the service is listed with its engine")
    check(f"-A {SERVICE} -s rr -p 300 --pe user" in lab.director.ipvsadm("-Sn"), "the service is saved with its engine")
    names = ["mary", "john", "x" * 100, "a", "b", "c"]
    first = lab.chosen(*(user(name, 2000 + number) for number, name in enumerate(names)))
    equal(sorted(first), [1, 1, 2, 2, 3, 3], "the servers of six users behind one address")
    again = lab.chosen(*(user(name, 3000 + number) for number, name in enumerate(names)))
    equal(again, first, "their servers, from other ports")
    equal(data(lab.director), sorted(names), "the data of the templates")
    equal(kernel.use_count(MODULE), 1 + len(names), "references with templates")
    check(lab.chosen(user("mary", 4000, client=OTHER)) != [0], "a user of the same name at another address is served")
    equal(data(lab.director), sorted(names + ["mary"]), "and has a template of its own")
    equal(lab.chosen(user("Mary", 4001)) != [0] and data(lab.director).count("Mary"), 1, "letters of another case are other data")
    equal(lab.chosen(*(user(name, 2000 + number) for number, name in enumerate(names))), first, "connections that exist")
    listed = lab.director.ipvsadm("-Lnc", "--persistent-conn")
    check(re.search(r":7001  user +mary\n", listed), f"the list of the tool: {listed}")
    equal(drops(lab), {}, "drops")
    equal(kernel.unload(MODULE), BUSY, "removing the module of a service")
    lab.director.ipvs("-C")
    equal(kernel.unload(MODULE), BUSY, "removing the module of templates")
    end_connections(lab)
    goes()


@scenario(rust_only=True)
def packets_without_data_of_the_engine_are_dropped(t):
    lab = Wires(servers=2)
    serve(lab)
    count = 0
    for payload in (b"", b"USER", b"USER ", b"USER mary", b"USER \n", b"HELLO", b"USER " + b"x" * 256 + b"\n"):
        equal(lab.chosen(udp(CLIENT, 2000 + count, VIP, PORT, payload)), [0], f"the server of {payload[:8]}")
        count += 1
        equal(drops(lab), {"engine": count}, "drops")
    equal(connections(lab.director), [], "connections")
    equal(lab.chosen(user("mary", 2000)) != [0], True, "a packet with data")
    lab.director.ipvs(f"-A -t {VIP}:80 -s rr -p 300 --pe user", f"-a -t {VIP}:80 -r {server_address(1)}:80 -m")
    equal(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN)), [], "a segment, whose payload the engine does not read")
    equal(drops(lab), {"engine": count + 1}, "drops")
    lab.director.ipvs(f"-E -t {VIP}:80 -s rr --pe user")
    check(lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN)) != [], "a segment to the service without persistence")
    # The engine goes with an edit that does not name it, and clients are known by their address alone.
    lab.director.ipvs(f"-E {SERVICE} -s rr -p 300")
    check(lab.chosen(udp(CLIENT, 2900, VIP, PORT, b"HELLO")) != [0], "a packet without data, after the edit")
    equal(data(lab.director), ["mary"], "the template of before")
    lab.director.ipvs(f"-E {SERVICE} -s rr -p 300 --pe user")
    check(lab.chosen(user("x" * 255, 2901)) != [0], "a packet with as many bytes of data as there can be")
    equal(data(lab.director), ["mary", "x" * 255], "templates")
    lab.director.ipvs("-C")
    end_connections(lab)
    goes()


@scenario(rust_only=True)
def an_engine_that_is_not_there_is_refused(t):
    lab = Wires(servers=1)
    said = lab.director.ipvsadm(*f"-A {SERVICE} -s rr -p 300 --pe nosuch".split())
    t.block("an engine that is not there", said.splitlines())
    equal(listing(lab.director)[3:], [], "services")
    serve(lab)
    said = lab.director.ipvsadm(*f"-E {SERVICE} -s rr -p 300 --pe nosuch".split())
    t.block("an edit", said.splitlines())
    check("pe user" in " ".join(listing(lab.director)), "the service keeps its engine")
    lab.director.ipvs("-C")
    equal(kernel.unload(MODULE), "ok", "removing the module at once")


@scenario(rust_only=True)
def a_namespace_ends_with_templates_of_an_engine(t):
    lab = Wires(servers=2)
    serve(lab)
    lab.chosen(*(user(f"u{number}", 2000 + number) for number in range(50)))
    equal(kernel.use_count(MODULE), 51, "references")
    remove(lab.director)
    goes()


@scenario(rust_only=True)
def an_engine_comes_and_goes_under_traffic(t):
    lab = Wires(servers=2)
    for turn in range(20):
        serve(lab)
        for number in range(20):
            lab.from_client.send(user(f"u{number}", 2000 + 20 * turn + number))
        end_connections(lab)
        wait_until(lambda: kernel.unload(MODULE) == "ok", what="the module goes")
    lab.collect()


@scenario(rust_only=True)
def a_backup_has_the_data_of_an_engine(t):
    pair = Pair()
    for director in (pair.master, pair.backup):
        director.ipvs(f"-A {SERVICE} -s rr -p 300 --pe user",
                      *(f"-a {SERVICE} -r {server_address(number)}:{PORT} -m" for number in (1, 2)))
    pair.start()
    names = [f"u{number}" for number in range(10)]
    for name in names:
        # Each from a port of its own.
        client = pair.lab.client.udp()
        client.sendto(f"USER {name}\n".encode(), (VIP, PORT))
    wait_until(lambda: len(data(pair.backup)) == len(names), what="the templates on the backup")

    def templates(director):
        return [" ".join(line.split()[:7] + line.split()[9:]) for line in connections(director) if " user " in line]

    equal(templates(pair.backup), templates(pair.master), "the templates of the backup")
    pair.stop()
    for director in (pair.master, pair.backup):
        remove(director)
    goes()
