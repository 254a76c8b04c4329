# SPDX-License-Identifier: GPL-2.0
"""NAT as clients and servers with real IP stacks see it."""

from lab import VIP, Topology, server_address, server_gateway
from scenario import Failed, check, equal, scenario
from traffic import ask_udp, bulk, close_tcp, open_tcp, talk_tcp
from views import connections, table

WEB, DNS = (VIP, 80), (VIP, 53)
# The payload of a full TCP segment on Ethernet, with the usual time stamps.
SEGMENT = 1448


def service(letter, scheduler, *servers, port=80, to_port=8080):
    """ipvsadm lines for a NAT service."""
    name = f"-{letter} {VIP}:{port}"
    return [f"-A {name} -s {scheduler}", *(f"-a {name} -r {server}:{to_port} -m" for server in servers)]


def two_servers(lab, letter, scheduler, port=80):
    lab.director.ipvs(*service(letter, scheduler, server_address(1), server_address(2), port=port))


def tcp_conversations(t, lab, client):
    """Four connections, each talked on and closed; notes which servers served them."""
    listeners = [server.listen("", 8080) for server in lab.servers]
    order = []
    for _ in range(4):
        index, near, far = open_tcp(client, WEB, listeners)
        equal(near.getpeername(), WEB, "the client's peer")
        talk_tcp(near, far)
        close_tcp(near, far)
        order.append(index + 1)
    t.note("servers in turn:", order)
    t.block("table", table(lab.director))


def udp_conversations(t, lab, client):
    """Six datagrams from three client ports; notes which servers answered them."""
    servers = [server.udp("", 8080) for server in lab.servers]
    for _ in range(3):
        one = client.udp()
        t.note("servers of one client port:", [ask_udp(one, DNS, servers) + 1 for _ in range(2)])
    t.block("table", table(lab.director))


@scenario
def nat_tcp_from_a_remote_client_with_rr(t):
    lab = Topology(servers=2)
    two_servers(lab, "t", "rr")
    tcp_conversations(t, lab, lab.client)


@scenario
def nat_tcp_from_a_remote_client_with_wlc(t):
    lab = Topology(servers=2)
    two_servers(lab, "t", "wlc")
    tcp_conversations(t, lab, lab.client)


@scenario
def nat_udp_from_a_remote_client_with_rr(t):
    lab = Topology(servers=2)
    two_servers(lab, "u", "rr", port=53)
    udp_conversations(t, lab, lab.client)


@scenario
def nat_udp_from_a_remote_client_with_wlc(t):
    lab = Topology(servers=2)
    two_servers(lab, "u", "wlc", port=53)
    udp_conversations(t, lab, lab.client)


@scenario
def nat_tcp_from_the_director_itself(t):
    lab = Topology(servers=2)
    two_servers(lab, "t", "rr")
    tcp_conversations(t, lab, lab.director)


@scenario
def nat_udp_from_the_director_itself(t):
    lab = Topology(servers=2)
    two_servers(lab, "u", "wlc", port=53)
    udp_conversations(t, lab, lab.director)


@scenario
def nat_to_a_real_server_on_the_director(t):
    lab = Topology()
    lab.director.ipvs(*service("t", "rr", server_gateway(1)), *service("u", "rr", server_gateway(1), port=53))
    listener, server = lab.director.listen("", 8080), lab.director.udp(server_gateway(1), 8080)
    for host in (lab.client, lab.director):
        _, near, far = open_tcp(host, WEB, [listener])
        t.note(f"{host.name}: the server sees its own address as", far.getsockname())
        talk_tcp(near, far)
        close_tcp(near, far)
        one = host.udp("", 5000)
        for _ in range(2):
            ask_udp(one, DNS, [server])
        one.close()
    t.block("table", table(lab.director))


@scenario
def nat_to_a_loopback_address_is_for_local_clients_only(t):
    lab = Topology()
    lab.director.ipvs(*service("u", "rr", "127.0.0.1", port=53))
    server = lab.director.udp("127.0.0.1", 8080)
    local = lab.director.udp("", 5001)
    local.sendto(b"hello", DNS)
    t.note("local client reaches the server:", server.recvfrom(100)[0])
    lab.client.udp("", 5002).sendto(b"hello", DNS)
    server.settimeout(0.5)
    try:
        t.note("remote client reaches the server:", server.recvfrom(100)[0])
    except TimeoutError:
        t.note("remote client does not reach the server")
    t.block("connections", [line for line in connections(lab.director) if "138A" in line])


@scenario
def nat_udp_to_a_server_port_of_zero_keeps_the_port(t):
    lab = Topology()
    lab.director.ipvs(*service("u", "rr", server_address(1), port=53, to_port=53))
    ask_udp(lab.client.udp("", 5003), DNS, [lab.servers[0].udp("", 53)])
    t.block("connections", connections(lab.director))


def packets_received(host, device):
    """How many packets arrived on a device."""
    for line in host.read("/proc/net/dev").splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == device:
            return int(counters.split()[1])
    raise Failed(f"{host.name} has no {device}")


def transfer(lab, size):
    """A bulk transfer in both directions over one connection; returns how many packets the server received."""
    lab.director.ipvs(*service("t", "rr", server_address(1)))
    _, near, far = open_tcp(lab.client, WEB, [lab.servers[0].listen("", 8080)])
    bulk(near, far, size)
    bulk(far, near, size)
    close_tcp(near, far)
    return packets_received(lab.servers[0], "s0")


@scenario
def bulk_transfer_with_segmentation_offload_arrives_intact(t):
    size = 6 << 20
    count = transfer(Topology(), size)
    check(count < size / SEGMENT, f"{count} packets for {size} bytes: nothing was offloaded")
    t.note("arrived")


@scenario
def bulk_transfer_without_offloads_arrives_intact(t):
    lab, size = Topology(), 1 << 20
    for host, devices in ((lab.client, ["c0"]), (lab.director, ["c0", "s1"]), (lab.servers[0], ["s0"])):
        for device in devices:
            host.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
    count = transfer(lab, size)
    check(count > size / SEGMENT, f"{count} packets for {size} bytes: there still is an offload")
    t.note("arrived")
