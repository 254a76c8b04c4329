# SPDX-License-Identifier: GPL-2.0
"""Directors in namespaces of their own: independent of each other, and gone with all they had."""

import threading

import lab as hosts
from lab import CLIENT, VIP, server_address
from packets import SYN, tcp, udp
from scenario import check, equal, scenario
from views import connections, table
from wire import Wires

DNS = f"-u {VIP}:53"


def server(number=1, port=53):
    return f"{server_address(number)}:{port}"


def requests(first, count):
    return [udp(CLIENT, port, VIP, 53, b"x") for port in range(first, first + count)]


@scenario
def two_directors_at_once_do_not_know_each_other(t):
    one, other = Wires(tag="a"), Wires(tag="b")
    one.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server()} -m", "--set 10 20 30")
    equal(len(other.client_sends(*requests(2000, 1))), 1, "answers of a director without services")
    equal(connections(other.director), [], "connections of the director without services")
    other.director.ipvs(f"-A {DNS} -s wlc", f"-a {DNS} -r {server(port=54)} -m -w 3")
    for name, lab in (("first", one), ("second", other)):
        t.note(f"{name}:", lab.client_sends(*requests(3000, 2)))
    one.director.ipvs_sysctl("conn_max", 3)
    t.note("first, limited:", one.chosen(*requests(4000, 3)))
    t.note("second, not limited:", other.chosen(*requests(4000, 3)))
    for name, lab in (("first", one), ("second", other)):
        t.block(name, table(lab.director) + connections(lab.director)
                + [lab.director.ipvsadm("-L", "--timeout").strip()])
    one.director.ipvs("-C")
    t.block("second after a flush of the first", table(other.director))
    t.note("second still works:", other.chosen(*requests(5000, 2)))
    t.note("the first namespace of the VM has", hosts.run("ipvsadm", "-Ln").splitlines()[3:], "services")


@scenario
def a_namespace_disappears_with_services_and_connections(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m", f"-a {DNS} -r {server(2)} -m",
                      f"-A -t {VIP}:80 -s wlc", f"-a -t {VIP}:80 -r {server(1, 80)} -m")
    check(0 not in lab.chosen(*requests(2000, 40)), "a request got lost")
    lab.client_sends(*(tcp(CLIENT, port, VIP, 80, SYN) for port in range(2000, 2040)))
    lab.director.ipvs(f"-d {DNS} -r {server(2)}")
    t.note(len(connections(lab.director)), "connections, a deleted server that they still use, and then the end")


@scenario
def a_namespace_disappears_under_traffic(t):
    for round_number in range(5):
        lab = Wires(tag=f"x{round_number}")
        lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server()} -m")
        over = threading.Event()

        def shoot(wire=lab.from_client, over=over):
            port = 0
            while not over.is_set():
                port = (port + 1) & 0xFFF
                try:
                    wire.send(udp(CLIENT, 2000 + port, VIP, 53, b"x"))
                except OSError:
                    return

        hosts.use_all_processors()
        thread = threading.Thread(target=shoot)
        thread.start()
        hosts.remove(lab.director)
        over.set()
        thread.join()
        hosts.remove_all()
    t.note("5 directors gone")


@scenario
def servers_are_deleted_and_added_under_traffic(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m", f"-a {DNS} -r {server(2)} -m")
    over = threading.Event()

    def shoot():
        port = 0
        while not over.is_set():
            port = (port + 1) % 5000
            lab.from_client.send(udp(CLIENT, 2000 + port, VIP, 53, b"x"))

    hosts.use_all_processors()
    threads = [threading.Thread(target=shoot) for _ in range(2)]
    for thread in threads:
        thread.start()
    commands = []
    for _ in range(30):
        commands += [f"-d {DNS} -r {server(1)}", f"-a {DNS} -r {server(1)} -m -w 2", f"-e {DNS} -r {server(2)} -m -w 0",
                     f"-e {DNS} -r {server(2)} -m -x 50 -y 20", f"-E {DNS} -s wlc", f"-e {DNS} -r {server(2)} -m",
                     f"-E {DNS} -s rr"]
    lab.director.ipvs(*commands)
    lab.director.ipvs(f"-D {DNS}", f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m")
    over.set()
    for thread in threads:
        thread.join()
    t.block("table", [line for line in table(lab.director)[3:] if "->" not in line])
    check(len(connections(lab.director)) > 10, "there was no traffic")
