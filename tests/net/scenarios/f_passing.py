# SPDX-License-Identifier: GPL-2.0
"""Packets that are none of IPVS's business, and limits that turn packets away."""

from lab import CLIENT, VIP, Topology, server_address
from packets import ACK, RST, SYN, icmp, tcp, udp
from scenario import check, equal, scenario
from views import connections, table
from wire import Wires, lines

SERVER = server_address(1)
DNS = [f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:53 -m"]
WEB = [f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:80 -m"]


def request(port):
    return udp(CLIENT, port, VIP, 53, b"hello")


@scenario
def traffic_without_a_service_passes_untouched(t):
    lab = Wires()
    lab.director.ipvs(*DNS, *WEB)
    cases = {
        "forwarded datagram": udp(CLIENT, 2000, SERVER, 53, b"x"),
        "forwarded datagram without checksum": udp(CLIENT, 2000, SERVER, 53, b"x", zero_checksum=True),
        "forwarded segment": tcp(CLIENT, 2000, SERVER, 80, SYN),
        "segment to a port without service": tcp(CLIENT, 2000, VIP, 81, SYN),
        "datagram to a port without service": udp(CLIENT, 2000, VIP, 54, b"x"),
        "datagram to the port of the TCP service": udp(CLIENT, 2000, VIP, 80, b"x"),
        "segment to the port of the UDP service": tcp(CLIENT, 2000, VIP, 53, SYN),
        "segment to the director's other address": tcp(CLIENT, 2000, "10.0.0.1", 80, SYN),
        "echo request to the virtual address": icmp(CLIENT, VIP, 8, 0, b"\0\1\0\2", b"ping"),
        "reset of nothing": tcp(CLIENT, 2001, VIP, 80, RST),
        "segment in the middle of nothing": tcp(CLIENT, 2002, VIP, 80, ACK, b"data"),
    }
    for title, packet in cases.items():
        t.block(title, lines(lab.client_sends(packet)))
    answers = {
        "forwarded answer": udp(SERVER, 53, CLIENT, 2000, b"x"),
        "forwarded segment of the server": tcp(SERVER, 80, CLIENT, 2000, SYN | ACK),
    }
    for title, packet in answers.items():
        t.block(title, lines(lab.server_sends(packet)))
    equal(connections(lab.director), [], "connections")


@scenario
def the_source_port_20_is_never_scheduled(t):
    lab = Wires()
    lab.director.ipvs(*DNS, *WEB)
    for port in (19, 20, 21):
        t.block(f"datagram from port {port}", lines(lab.client_sends(udp(CLIENT, port, VIP, 53, b"x"))))
        t.block(f"segment from port {port}", lines(lab.client_sends(tcp(CLIENT, port, VIP, 80, SYN))))
    t.block("connections", connections(lab.director))


@scenario
def the_limit_of_connections_drops_new_ones(t):
    lab = Wires()
    lab.director.ipvs(*DNS)
    lab.director.ipvs_sysctl("conn_max", 3)
    t.note("servers of 5 connections:", lab.chosen(*(request(port) for port in range(2000, 2005))))
    t.note("known ones still pass:", lab.chosen(request(2000), request(2002)))
    t.block("what a new client gets", lines(lab.client_sends(request(2010))))
    t.block("table", table(lab.director))
    lab.director.ipvs_sysctl("conn_max", 4)
    t.note("one more:", lab.chosen(request(2003), request(2004)))
    lab.director.ipvs_sysctl("conn_max", 0)
    t.note("none at all:", lab.chosen(request(2005), request(2000)))
    for value in ("-1", str(1 << 30), str((1 << 30) + 1), "x"):
        try:
            lab.director.ipvs_sysctl("conn_max", value)
            t.note("conn_max", value, "accepted")
        except OSError as error:
            t.note("conn_max", value, error.strerror)


def hooks(lab):
    """Family, hook and priority of every hook function of IPVS; its name is the module's own affair."""
    found, family, place = [], "", ""
    for line in lab.director.run("nft", "list", "hooks", check=False).splitlines():
        words = line.split()
        if words and words[0] == "family":
            family = words[1]
        elif words and words[0] == "hook":
            place = words[1]
        elif "[ip_vs]" in line:
            found.append(f"{family} {place} {int(words[0])}")
    return sorted(found)


@scenario
def hooks_exist_while_services_do(t):
    lab = Topology()
    t.block("without a service", hooks(lab))
    lab.director.ipvs(*DNS)
    t.block("with one", hooks(lab))
    check(hooks(lab), "no hooks with a service")
    lab.director.ipvs(*WEB)
    t.block("with two", hooks(lab))
    lab.director.ipvs(f"-D -u {VIP}:53")
    t.block("with one again", hooks(lab))
    lab.director.ipvs("-C")
    t.block("after a flush", hooks(lab))
    check(not hooks(lab), "hooks without a service")
    lab.director.ipvs(*DNS)
    lab.director.ipvs(f"-D -u {VIP}:53")
    t.block("after the last one was deleted", hooks(lab))


@scenario
def a_director_that_does_not_forward(t):
    lab = Wires(forward=0)
    # The marker needs forwarding: look at the server's wire only.
    lab.director.ipvs(*DNS)
    lab.from_client.send(request(2000))
    packet, _ = lab.from_server[0].receive()
    t.note("the server is reached without ip_forward:", packet[16:20].hex(), packet[8])
    lab.from_server[0].send(udp(SERVER, 53, CLIENT, 2000, b"answer"))
    lab.from_client.socket.settimeout(0.3)
    try:
        lab.from_client.receive()
        t.note("the answer comes through")
    except TimeoutError:
        t.note("the answer does not come through")


@scenario
def a_server_without_a_route(t):
    lab = Wires()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r 203.0.113.7:53 -m", *WEB)
    t.block("a datagram", lines(lab.client_sends(request(2000))))
    t.block("connections", connections(lab.director))
    lab.director.ip("route add 203.0.113.7/32 via 172.16.1.2")
    t.block("with a route", lines(lab.client_sends(request(2000))))
    lab.director.ip("route del 203.0.113.7/32", "route add unreachable 203.0.113.7/32")
    t.block("unreachable", lines(lab.client_sends(request(2000))))


@scenario
def a_packet_that_arrives_for_another_host(t):
    lab = Wires()
    lab.director.ipvs(*DNS)
    header = lab.from_client.header
    lab.from_client.header = bytes.fromhex("02ffffffffff") + header[6:]
    lab.from_client.send(request(2000))
    lab.from_client.header = b"\xff" * 6 + header[6:]
    lab.from_client.send(request(2001))
    lab.from_client.header = header
    t.block("foreign and broadcast MAC", lines(lab.collect()))
    t.block("connections", connections(lab.director))
