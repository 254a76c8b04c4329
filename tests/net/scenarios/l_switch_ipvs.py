# SPDX-License-Identifier: GPL-2.0
"""The layer-7 switch beside the layer-4 one: IPVS in front of it, behind it, and at the same address."""

import hashlib

import switch
from lab import GATEWAY, VIP, Topology, server_address
from scenario import equal, scenario
from switch import Server, configure, receive_all, web


def get(host, address, port, target="/x"):
    """The answer to a request on a connection of its own."""
    return host.run("curl", "-sS", "-m", "20", "-H", "Connection: close", f"http://{address}:{port}{target}", check=False).strip()


def digest_is_right(client, port):
    """Whether 10 MB come back, with their digest, from a service that leads to switch.digest."""
    data = bytes(range(256)) * 40960
    with client.connect(VIP, port) as one:
        one.settimeout(120)
        one.sendall(data)
        one.shutdown(1)
        answer = receive_all(one)
    return answer[:64].decode() == hashlib.sha256(data).hexdigest() and len(answer) == 64 + len(data)


@scenario(rust_only=True)
def ipvs_and_the_switch_work_together(t):
    with switch.loaded():
        hosts = Topology(servers=4)
        client, director = hosts.client, hosts.director
        servers = [Server(host, server_address(number), 80, web(f"server{number}"))
                   for number, host in zip(hosts.numbers[:2], hosts.servers)]
        servers.append(Server(hosts.servers[0], server_address(1), 9, switch.digest))
        # IPVS in front of the switch on the same host: NAT to a listener at another address and port.
        configure(director, f"-A -i web -l {GATEWAY}:8080", f"-a -i web -r {server_address(1)}:80", f"-a -i web -r {server_address(2)}:80",
                  f"--add-rule -i web -p ^/one -r {server_address(1)}:80", f"--add-rule -i web -p .* -r {server_address(2)}:80",
                  f"-A -i bulk -s wlc -l {GATEWAY}:8009", f"-a -i bulk -r {server_address(1)}:9", "--start")
        director.ipvs(f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {GATEWAY}:8080 -m",
                      f"-A -t {VIP}:9 -s rr", f"-a -t {VIP}:9 -r {GATEWAY}:8009 -m")
        t.note("NAT to the same host", get(client, VIP, 80, "/one"), get(client, VIP, 80))
        equal(digest_is_right(client, 9), True, "10 MB through IPVS and the switch")
        # IPVS in front of two hosts with the switch: NAT to one, direct routing to the other, which has the VIP, too.
        for number, host, address in ((3, hosts.servers[2], server_address(3)), (4, hosts.servers[3], VIP)):
            configure(host, f"-A -i web -l {address}:83", f"-a -i web -r {server_address(number - 2)}:80",
                      f"--add-rule -i web -p .* -r {server_address(number - 2)}:80", "--start")
        # It listened before there was such an address.
        hosts.servers[3].ip(f"addr add {VIP}/32 dev lo")
        for device in ("all", "s4"):
            director.sysctl(f"net/ipv4/conf/{device}/rp_filter", 0)
            director.sysctl(f"net/ipv4/conf/{device}/accept_local", 1)
        director.ipvs(f"-A -t {VIP}:83 -s rr", f"-a -t {VIP}:83 -r {server_address(3)}:83 -m", f"-a -t {VIP}:83 -r {server_address(4)}:83 -g")
        t.note("two hosts with the switch", *sorted(get(client, VIP, 83) for _ in range(4)))
        # IPVS behind the switch: a server that is a service of IPVS, whose two servers answer in turn.
        director.ipvs(f"-A -t {VIP}:84 -s rr", *(f"-a -t {VIP}:84 -r {server_address(number)}:80 -m" for number in (1, 2)))
        configure(director, f"-A -i behind -l {GATEWAY}:84", f"-a -i behind -r {VIP}:84", f"--add-rule -i behind -p .* -r {VIP}:84",
                  "--start -i behind")
        t.note("a server of the switch that is a service", *sorted(get(client, GATEWAY, 84) for _ in range(4)))
        # The same address and port in both: IPVS sees the packets first.
        configure(director, f"-A -i both -s wlc -l {VIP}:85", f"-a -i both -r {server_address(1)}:80", "--start -i both")
        t.note("at the same address, before IPVS", get(client, VIP, 85))
        director.ipvs(f"-A -t {VIP}:85 -s rr", f"-a -t {VIP}:85 -r {server_address(2)}:80 -m")
        t.note("at the same address, with IPVS", get(client, VIP, 85))
        director.ipvs(f"-D -t {VIP}:85")
        t.note("at the same address, after IPVS", get(client, VIP, 85))
        for one in servers:
            one.close()
