# SPDX-License-Identifier: GPL-2.0
"""Devices that go down, and away, while packets leave by them."""

import threading

import lab as hosts
from dissect import udp
from dual import GUE_PORT, VERSIONS, DualWire, DualWires, awaken, client, end, gateway, server, vip
from lab import mac
from scenario import check, equal, scenario

METHODS = {53: "-m", 54: "-g", 55: "-i", 56: f"-i --tun-type gue --tun-port {GUE_PORT}", 57: "-i --tun-type gre"}
ROUNDS = 12
# Clients' ports: some connections are old, some begin.
PORTS = range(2000, 2500)


def configure(lab):
    """A service for each method and version, all with server 2, whose wire it is about."""
    lab.director.ipvs(*(line for version in VERSIONS for port, options in METHODS.items()
                        for line in (f"-A -u {end(vip(version), port)} -s rr",
                                     f"-a -u {end(vip(version), port)} -r {end(server(version, 2), port)} {options}")))


def shoot(lab, over, part):
    """Packets of clients, to all services, until it is over."""
    while not over.is_set():
        for number in PORTS[part::2]:
            for version in VERSIONS:
                lab.from_client.send(udp(client(version), number, vip(version), 53 + number // 2 % len(METHODS), b"x"))


def connect(lab):
    """A wire to server 2, which had one before."""
    host = lab.servers[1]
    host.ip(f"link add s0 address {mac(3, 2)} type veth peer s2 netns {lab.director.name} address {mac(4, 2)}",
            "link set s0 up")
    awaken(lab.director, ["s2"])
    raise_up(lab)


def raise_up(lab):
    lab.director.ip("link set s2 up",
                    *(line for version in VERSIONS
                      for line in (f"addr replace {gateway(version, 2)}/{24 if version == 4 else 64} dev s2"
                                   + (" nodad" if version == 6 else ""),
                                   f"neigh replace {server(version, 2)} lladdr {mac(3, 2)} dev s2")))


def change(lab, number):
    """The device goes down and comes back, or goes away; before that some of the servers are deleted, not their
    connections."""
    if number % 3 == 0:
        lab.director.ipvs(*(f"-d -u {end(vip(version), port)} -r {end(server(version, 2), port)}"
                            for version in VERSIONS for port in METHODS))
    if number % 2 == 0:
        lab.director.ip("link set s2 down")
        raise_up(lab)
    else:
        lab.director.ip("link del s2")
        connect(lab)
    if number % 3 == 0:
        lab.director.ipvs(*(f"-a -u {end(vip(version), port)} -r {end(server(version, 2), port)} {options}"
                            for version in VERSIONS for port, options in METHODS.items()))


@scenario
def devices_go_down_and_away_under_traffic(t):
    lab = DualWires(servers=2)
    configure(lab)
    lab.from_server[1].socket.close()
    over = threading.Event()
    hosts.use_all_processors()
    threads = [threading.Thread(target=shoot, args=(lab, over, part)) for part in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(ROUNDS):
            change(lab, number)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    check(len(lab.director.read("/proc/net/ip_vs_conn").splitlines()) > len(METHODS), "there was no traffic")
    lab.from_client = DualWire(lab.client, "c0", mac(1), mac(2))
    lab.from_server = [DualWire(host, "s0", mac(3, number), mac(4, number)) for number, host in enumerate(lab.servers, 1)]
    for version in VERSIONS:
        for port, options in METHODS.items():
            # A connection of before, and a new one.
            for number in (next(one for one in PORTS if 53 + one // 2 % len(METHODS) == port), 9000):
                seen = lab.client_sends(udp(client(version), number, vip(version), port, b"x"))
                equal([name for name, _ in seen], ["server2"], f"who gets a packet by {options} of IPv{version}")
    t.note(f"{ROUNDS} times; then each method and version reaches the server by the new device")
