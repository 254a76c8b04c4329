# SPDX-License-Identifier: GPL-2.0
"""Which of several services a packet is for."""

import time

import kernel
from genl import Client, u32
from lab import CLIENT, VIP, server_address, server_gateway
from packets import ACK, SYN, tcp, udp
from scenario import equal, scenario
from scenarios.h_netlink import SERVICE_KEY, dest, service
from views import connections, listing, table
from wire import Wires, lines


def mark(lab, *rules):
    """Marks packets that come from the client; a rule is "match: mark"."""
    text = "".join(f"{match} meta mark set {value};\n" for match, value in (rule.split(": ") for rule in rules))
    lab.director.run("nft", "-f", "-", text="table ip marks { chain pre { type filter hook prerouting priority 0;\n"
                     f"{text} }}; }}\n")


def add(lab, name, number, flags="", port=0):
    """A service and its only server."""
    lab.director.ipvs(f"-A {name} -s rr {flags}", f"-a {name} -r {server_address(number)}:{port} -m")


def syn(port, sport=2000, flags=SYN):
    return tcp(CLIENT, sport, VIP, port, flags)


@scenario
def marks_come_before_addresses_and_addresses_before_port_zero(t):
    lab = Wires(servers=3)
    add(lab, f"-t {VIP}:0", 3, "-p 100")
    t.note("port zero:", lab.chosen(syn(80, 2000), syn(81, 2000), syn(1, 2001), udp(CLIENT, 2000, VIP, 80)))
    add(lab, f"-t {VIP}:80", 2, port=80)
    t.note("and port 80:", lab.chosen(syn(80, 2100), syn(81, 2100)))
    mark(lab, "tcp sport 2200-2299: 7", "tcp sport 2300-2399: 8")
    t.note("marks without a service:", lab.chosen(syn(80, 2250), syn(81, 2250)))
    add(lab, "-f 7", 1)
    t.note("and mark 7:", lab.chosen(syn(80, 2200), syn(81, 2200), syn(80, 2300), syn(81, 2300)))
    lab.director.ipvs(f"-D -t {VIP}:80", f"-D -t {VIP}:0")
    t.note("mark 7 alone:", lab.chosen(syn(80, 2201), syn(81, 2201), syn(80, 2301), syn(81, 2301)))
    t.block("table", table(lab.director))


@scenario
def a_mark_without_persistence_schedules_every_port(t):
    lab = Wires(servers=2)
    lab.director.ipvs("-A -f 7 -s rr", f"-a -f 7 -r {server_address(1)}:0 -m", f"-a -f 7 -r {server_address(2)}:99 -m")
    mark(lab, "ip protocol tcp: 7", "ip protocol udp: 7")
    t.block("sees", lines(lab.client_sends(syn(80), syn(81), syn(80, 2001), syn(20), syn(21),
                                           udp(CLIENT, 2000, VIP, 80), udp(CLIENT, 2000, VIP, 81))))
    t.block("connections", connections(lab.director))


@scenario
def port_zero_without_persistence_schedules_nothing(t):
    lab = Wires()
    client = Client(lab.director)
    equal(client.do("NEW_SERVICE", service(port=0))[0], "ok", "NEW_SERVICE")
    equal(client.do("NEW_DEST", service(SERVICE_KEY, port=0) + dest(port=0))[0], "ok", "NEW_DEST")
    t.block("services", listing(lab.director))
    # The kernel writes ten of such lines in five seconds, and leaves out the others: those of another scenario do not count.
    time.sleep(6)
    log = kernel.Log()
    t.block("sees", lines(lab.client_sends(syn(80), syn(0, 2001), syn(20, 2002), syn(2000, 2003, ACK))))
    t.block("log", [line for line in log.new_lines() if "IPVS" in line and "ests per chain" not in line])
    t.block("connections", connections(lab.director))
    equal(client.do("SET_SERVICE", service(port=0, a7=u32(1) + u32(1), a8=u32(50)))[0], "ok", "SET_SERVICE")
    t.block("made persistent", lines(lab.client_sends(syn(80))))
    t.block("connections", connections(lab.director))


def ftp_ports(lab, base):
    """What becomes of a SYN to each of these ports."""
    return {port: lab.chosen(syn(port, base + number))[0]
            for number, port in enumerate((21, 20, 22, 80, 1023, 1024, 1999, 2000, 65535))}


@scenario
def ports_of_ftp_data_are_for_the_service_of_port_21(t):
    lab = Wires(servers=2)
    add(lab, f"-t {VIP}:21", 1, "-p 100", port=21)
    t.note("persistent:", ftp_ports(lab, 3000))
    lab.director.sysctl("net/ipv4/ip_unprivileged_port_start", 2000)
    t.note("unprivileged from 2000 on:", ftp_ports(lab, 3100))
    add(lab, f"-t {VIP}:0", 2, "-p 100")
    t.note("with port zero:", ftp_ports(lab, 3200))
    add(lab, f"-t {VIP}:2000", 2, port=2000)
    t.note("with port 2000:", ftp_ports(lab, 3300))
    t.note("UDP:", lab.chosen(*(udp(CLIENT, 3400, VIP, port) for port in (20, 21, 5000))))
    lab.director.ipvs(f"-D -t {VIP}:21")
    t.note("without port 21:", ftp_ports(lab, 3500))
    t.block("connections", connections(lab.director))


@scenario
def ftp_data_without_persistence_goes_to_the_director(t):
    lab = Wires()
    add(lab, f"-t {VIP}:21", 1, port=21)
    for port in (21, 20, 1023, 1024):
        t.block(f"port {port}", lines(lab.client_sends(syn(port, 3000 + port % 100))))
    lab.director.ipvs(f"-d -t {VIP}:21 -r {server_address(1)}:21")
    for port in (21, 20, 1024):
        t.block(f"port {port} without a server", lines(lab.client_sends(syn(port, 4000 + port % 100))))
    lab.director.ipvs(f"-E -t {VIP}:21 -s rr -p 100")
    for port in (21, 20, 1024):
        t.block(f"port {port} persistent without a server", lines(lab.client_sends(syn(port, 5000 + port % 100))))
    t.block("an answer of active FTP", lines(lab.client_sends(syn(5000, 20, SYN | ACK))))
    t.block("connections", connections(lab.director))


@scenario
def other_protocols_have_port_zero_of_their_own(t):
    lab = Wires(servers=2)
    add(lab, f"-t {VIP}:0", 1, "-p 100")
    add(lab, f"-u {VIP}:0", 2, "-p 100")
    t.note(lab.chosen(syn(80), udp(CLIENT, 2000, VIP, 80), syn(53), udp(CLIENT, 2000, VIP, 53)))
    t.block("connections", connections(lab.director))


@scenario
def the_address_of_a_server_may_be_that_of_a_service(t):
    """What a client sends there is against the answers that it gets from there by the other service."""
    lab = Wires(servers=2)
    local = server_gateway(1)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {local}:53 -m",
                      f"-A -u {local}:53 -s rr", f"-a -u {local}:53 -r {server_address(2)}:53 -m")
    ports = range(3000, 3024)
    for port in ports:
        first, second = (VIP, local) if port % 2 else (local, VIP)
        lab.client_sends(udp(CLIENT, port, first, 53), udp(CLIENT, port, second, 53))
    t.block("sees", lines(lab.client_sends(*(udp(CLIENT, port, local, 53) for port in ports))))
    t.block("connections", connections(lab.director))
