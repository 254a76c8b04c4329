# SPDX-License-Identifier: GPL-2.0
"""Clients that come back to the server they had: templates, what they cover, and when they end."""

import re
import time

from genl import Client, u32
from lab import VIP, remove_all, server_address
from packets import ACK, FIN, RST, SYN, tcp, udp
from scenario import check, equal, scenario
from scenarios.h_netlink import service
from scenarios.o_lookup import mark
from views import connections, listing, table, wait_until
from wire import Wires, lines

WEB = f"-t {VIP}:80"
DNS = f"-u {VIP}:53"


def client(number):
    return f"10.0.0.{number}"


def server(number, port=80):
    return f"{server_address(number)}:{port}"


def syn(sport, port=80, who=2, flags=SYN):
    return tcp(client(who), sport, VIP, port, flags)


def request(sport, port=53, who=2):
    return udp(client(who), sport, VIP, port, b"hello")


def web_lab(flags="-p 100", servers=3, port=80, method="-m"):
    lab = Wires(servers=servers)
    # The director answers none of these clients; it only has to know where they are.
    lab.director.ip(*(f"neigh add {client(number)} lladdr 02:00:00:00:01:00 dev c0" for number in range(3, 11)))
    lab.director.ipvs(f"-A {WEB} -s rr {flags}",
                      *(f"-a {WEB} -r {server(number, port)} {method}" for number in lab.numbers))
    return lab


def dns_lab(flags, servers=2):
    lab = Wires(servers=servers)
    lab.director.ipvs(f"-A {DNS} -s rr {flags}", *(f"-a {DNS} -r {server(number, 53)} -m" for number in lab.numbers))
    return lab


def templates(lab):
    """The lines of /proc/net/ip_vs_conn that are templates."""
    return [line for line in connections(lab.director) if line.split()[7] in ("NONE", "ASSURED")]


def counts(lab):
    return [line.rstrip("$").rstrip() for line in listing(lab.director, "--persistent-conn")[3:]]


@scenario
def connections_of_one_client_go_to_one_server(t):
    lab = web_lab(port=8080)
    t.note("client 2:", lab.chosen(*(syn(port) for port in range(2000, 2005))))
    t.note("client 3:", lab.chosen(*(syn(port, who=3) for port in range(2000, 2003))))
    t.note("both:", lab.chosen(syn(3000), syn(3000, who=3), syn(3001)))
    t.block("connections", connections(lab.director))
    t.block("table", table(lab.director))
    t.block("persistent connections", counts(lab))


@scenario
def a_netmask_makes_one_client_of_many(t):
    for mask in ("255.255.255.252", "255.255.255.0", "0.0.0.0", "255.255.255.255"):
        lab = web_lab(f"-p 100 -M {mask}")
        t.note(mask, lab.chosen(*(syn(2000, who=number) for number in (2, 3, 4, 5, 7, 8, 9))))
        t.block("templates", templates(lab))
        remove_all()


@scenario
def a_template_is_assured_by_its_connections(t):
    lab = web_lab(servers=1)
    lab.director.ipvs(f"-A {DNS} -s rr -p 100", f"-a {DNS} -r {server(1, 53)} -m")
    steps = [("SYN", lambda: lab.client_sends(syn(2000))),
             ("SYN+ACK", lambda: lab.server_sends(tcp(server_address(1), 80, client(2), 2000, SYN | ACK))),
             ("ACK", lambda: lab.client_sends(syn(2000, flags=ACK))),
             ("request", lambda: lab.client_sends(request(2000))),
             ("another request", lambda: lab.client_sends(request(2000))),
             ("answer", lambda: lab.server_sends(udp(server_address(1), 53, client(2), 2000, b"answer")))]
    for title, step in steps:
        step()
        t.block(title, templates(lab))


@scenario
def direct_routing_assures_a_template_too(t):
    lab = web_lab(servers=1, method="-g")
    for flags in (SYN, ACK):
        lab.client_sends(syn(2000, flags=flags))
        t.block(str(flags), connections(lab.director))


@scenario
def a_mark_binds_all_its_ports_together(t):
    lab = Wires(servers=3)
    lab.director.ipvs("-A -f 7 -s rr -p 100 -M 255.255.255.0",
                      *(f"-a -f 7 -r {server(number, 8080 if number == 2 else 0)} -m" for number in lab.numbers))
    mark(lab, "ip protocol tcp: 7", "ip protocol udp: 7")
    order = lab.chosen(syn(2000, 80), syn(2000, 443), request(2000), syn(2001, 80), syn(2001, 21), syn(2002, 20),
                       syn(2000, 0))
    t.note("servers:", order)
    t.block("connections", connections(lab.director))
    t.block("persistent connections", counts(lab))
    t.block("table", table(lab.director))


@scenario
def port_zero_binds_all_ports_of_an_address_together(t):
    lab = Wires(servers=3)
    lab.director.ipvs(f"-A -t {VIP}:0 -s rr -p 100",
                      *(f"-a -t {VIP}:0 -r {server(number, 8080 if number == 2 else 0)} -m" for number in lab.numbers))
    t.note("servers:", lab.chosen(syn(2000, 80), syn(2000, 443), syn(2001, 22), syn(2000, 80, who=3),
                                  syn(2000, 0, who=4), syn(2000, 80, who=4)))
    t.block("connections", connections(lab.director))


@scenario
def ftp_control_and_data_go_to_one_server(t):
    lab = Wires(servers=3)
    name = f"-t {VIP}:21"
    lab.director.ipvs(f"-A {name} -s rr -p 100", *(f"-a {name} -r {server(number, 21)} -m" for number in lab.numbers))
    t.note("client 2:", lab.chosen(syn(2000, 21), syn(2001, 30000), syn(2002, 20), syn(2003, 21)))
    t.note("client 3, data first:", lab.chosen(syn(2001, 30000, who=3), syn(2000, 21, who=3)))
    t.block("connections", connections(lab.director))


@scenario
def a_template_without_connections_ends_in_time(t):
    lab = dns_lab("-p 3")
    lab.director.ipvsadm("--set", "0", "0", "1")
    first = lab.chosen(request(2000))
    # Whole seconds, of which one may have just gone by.
    rows = [re.sub(r"\b[23]$", "N", row) for row in templates(lab)]
    t.block("with a connection", rows + counts(lab))
    start = time.monotonic()
    wait_until(lambda: not connections(lab.director), 10, "the end of the template")
    check(time.monotonic() - start > 1, "the template ended too early")
    t.note(first, "then", lab.chosen(request(2001), request(2002)))
    t.block("persistent connections", counts(lab))


@scenario
def a_template_outlives_its_connections_by_a_minute(t):
    lab = dns_lab("-p 1")
    first = lab.chosen(request(2000))
    wait_until(lambda: templates(lab)[0].split()[8] == "60", 10, "the 60 s of a template that is still needed")
    t.note("the same server as", first, lab.chosen(request(2001), request(2002)))
    t.block("a new connection does not bring the time of the service back", connections(lab.director))
    lab.director.ipvs(f"-E {DNS} -s rr -p 300")
    lab.chosen(request(2003))
    t.block("nor does a new time", templates(lab))


@scenario
def each_new_connection_starts_the_time_of_a_template_anew(t):
    lab = dns_lab("-p 4")
    lab.director.ipvsadm("--set", "0", "0", "1")
    order = lab.chosen(request(2000))
    for step in range(1, 5):
        time.sleep(1.5)
        order += lab.chosen(request(2000 + step))
    t.note("servers over 6 s:", order)
    equal(len(set(order)), 1, "servers")


@scenario
def packets_do_not_start_the_time_of_a_template_anew(t):
    lab = dns_lab("-p 3")
    lab.director.ipvsadm("--set", "0", "0", "2")
    lab.client_sends(request(2000))
    for _ in range(3):
        time.sleep(1.2)
        lab.client_sends(request(2000))
    t.block("after more than 3 s", templates(lab))


@scenario
def a_service_that_is_edited_makes_other_templates(t):
    lab = web_lab("-p 50")
    order = lab.chosen(syn(2000))
    t.block("50 s", connections(lab.director))
    lab.director.ipvs(f"-E {WEB} -s rr -p 110 -M 255.255.255.0")
    order += lab.chosen(syn(2001), syn(2001, who=3))
    t.block("110 s and a netmask", connections(lab.director))
    lab.director.ipvs(f"-E {WEB} -s rr")
    order += lab.chosen(syn(2002), syn(2003), syn(2004))
    t.note("servers, at last without persistence:", order)
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-D {WEB}")
    t.block("without the service", templates(lab))


@scenario
def a_template_of_a_quiesced_server_is_kept_unless_expire_quiescent_template(t):
    lab = web_lab(servers=2)
    first = lab.chosen(syn(2000))[0]
    lab.director.ipvs(f"-e {WEB} -r {server(first)} -m -w 0")
    t.note("0: old server", lab.chosen(syn(2001), syn(2002, who=3)))
    lab.director.ipvs_sysctl("expire_quiescent_template", 1)
    t.note("1: new server, old connections stay:", lab.chosen(syn(2003), syn(2001), syn(2004)))
    t.block("connections", connections(lab.director))
    t.block("persistent connections", counts(lab))
    lab.director.ipvs(f"-e {WEB} -r {server(first)} -m -w 1")
    t.note("not back:", lab.chosen(syn(2005), syn(2006)))


@scenario
def a_template_of_a_deleted_server_is_not_used(t):
    lab = web_lab(servers=2)
    first = lab.chosen(syn(2000))[0]
    lab.director.ipvs(f"-d {WEB} -r {server(first)}")
    t.note("instead of", first, lab.chosen(syn(2001), syn(2002)))
    t.block("connections", connections(lab.director))
    lab.director.ipvs(f"-a {WEB} -r {server(first)} -m")
    t.note("after it is back:", lab.chosen(syn(2003)))
    t.block("persistent connections", counts(lab))


@scenario
def a_template_of_a_revived_server_is_used_again(t):
    lab = web_lab(servers=2)
    first = lab.chosen(syn(2000))[0]
    lab.director.ipvs(f"-d {WEB} -r {server(first)}", f"-a {WEB} -r {server(first)} -m")
    t.note(first, lab.chosen(syn(2001), syn(2002)))
    t.block("connections", connections(lab.director))
    t.block("persistent connections", counts(lab))


@scenario
def a_template_leads_to_an_overloaded_server(t):
    lab = web_lab(servers=2)
    first = lab.chosen(syn(2000))[0]
    lab.director.ipvs(f"-e {WEB} -r {server(first)} -m -x 2")
    t.note(first, lab.chosen(*(syn(port) for port in range(2001, 2005))), "others", lab.chosen(syn(2000, who=3),
                                                                                              syn(2000, who=4)))
    t.block("table", table(lab.director))


@scenario
def a_persistent_connection_never_gives_way(t):
    lab = web_lab(servers=2)
    lab.director.ipvs_sysctl("conn_reuse_mode", 3)
    lab.client_sends(syn(2000))
    lab.client_sends(syn(2000, flags=RST))
    lab.client_sends(syn(2000))
    t.block("SYN after RST", connections(lab.director))
    lab.client_sends(syn(2001), syn(2001, flags=FIN))
    lab.client_sends(syn(2001))
    t.block("SYN after FIN", connections(lab.director))


@scenario
def templates_count_among_the_connections_that_there_may_be(t):
    lab = web_lab(servers=2)
    for limit in (0, 1, 2, 3):
        lab.director.ipvs_sysctl("conn_max", limit)
        seen = lab.client_sends(syn(2000 + limit), syn(2100 + limit))
        t.block(f"limit {limit}", lines(seen) + connections(lab.director) + counts(lab))


@scenario
def persistence_without_a_server_answers_port_unreachable(t):
    lab = web_lab(servers=1)
    lab.director.ipvs(f"-e {WEB} -r {server(1)} -m -w 0")
    t.block("quiesced", lines(lab.client_sends(syn(2000))))
    lab.director.ipvs(f"-d {WEB} -r {server(1)}")
    t.block("none", lines(lab.client_sends(syn(2000))) + connections(lab.director))


@scenario
def expire_nodest_conn_forgets_templates_of_deleted_servers(t):
    lab = web_lab(servers=2)
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    first = lab.chosen(syn(2000), syn(2001))[0]
    t.block("before", connections(lab.director))
    lab.director.ipvs(f"-d {WEB} -r {server(first)}")
    time.sleep(0.5)
    t.block("after", connections(lab.director))
    t.note("then", lab.chosen(syn(2000), syn(2001)))


@scenario
def a_time_of_zero_is_a_minute(t):
    lab = Wires()
    genl = Client(lab.director)
    lab.director.ipvs(f"-A {WEB} -s rr -p 100", f"-a {WEB} -r {server(1)} -m")
    equal(genl.do("SET_SERVICE", service(a7=u32(1) + u32(1), a8=u32(0)))[0], "ok", "SET_SERVICE")
    t.block("sees", lines(lab.client_sends(syn(2000), syn(2001))))
    time.sleep(0.3)
    t.block("connections", connections(lab.director))
    t.block("services", listing(lab.director))
