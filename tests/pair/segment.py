# SPDX-License-Identifier: GPL-2.0
"""One Ethernet segment with a client, two servers, and both directors; the second one is in the other VM, across the link.

The addresses are those of the usual topology (lab.py, dual.py). The virtual addresses and the gateways of the client's and of the
servers' networks are with the director that is active; each director has an address of its own in all networks. Servers answer
past the director where it forwarded without NAT."""

import lab
import services
from dual import VIP6, awaken, client, gateway, server, vip
from lab import Host, mac
from node import LINK, lend, wait_for_ipv6
from sync import Sync

CLIENT_NETWORK = {4: "10.0.0.1", 6: "2001:db8::1"}
WIDTH = {4: 24, 6: 64}
VERSIONS = (4, 6)
NUMBERS = (1, 2)

UNTRANSLATED = """table inet untranslated {
  chain leaving {
    type filter hook postrouting priority 0
    ip saddr 172.16.0.0/16 ip daddr 10.0.0.0/24 drop
    ip6 saddr 2001:db8:16::/48 ip6 daddr 2001:db8::/64 drop
  }
}
"""


def director_mac(number):
    return mac(5, number)


def own(address, number):
    """A director's own address in the network of a gateway's address, which ends in 1."""
    return f"{address}{number}"


def local(address):
    """A link-local address for the owner of another one: who forwards for others asks for neighbours from there."""
    return f"fe80::{address.replace('::', ':').replace('2001:db8:', '')}/64"


def gateways(version):
    return [CLIENT_NETWORK[version], *(gateway(version, number) for number in NUMBERS)]


def addresses(version):
    """What the active director has, with the widths of the networks."""
    return [f"{vip(version)}/{32 if version == 4 else 128}", *(f"{one}/{WIDTH[version]}" for one in gateways(version))]


class Segment:
    """The switch with the client and the servers, in the first VM."""

    def __init__(self):
        names = ["switch", "client", "server1", "server2"]
        lab.run("ip", "-batch", "-", text="".join(f"netns add {name}\n" for name in names))
        self.switch, self.client, *self.servers = (Host(name) for name in names)
        lend(self.switch)
        self.switch.ip("link add bridge type bridge mcast_snooping 0", f"link set {LINK} master bridge up", "link set bridge up")
        self.plug(self.client, mac(1))
        self.configure(self.client, client, lambda version: CLIENT_NETWORK[version])
        for number, host in zip(NUMBERS, self.servers):
            self.plug(host, mac(3, number))
            self.configure(host, lambda version, n=number: server(version, n), lambda version, n=number: gateway(version, n))
            self.serve_virtual(host, number)

    def plug(self, host, address):
        """A wire from a host to the switch; the host's end has the name of the link."""
        self.switch.ip(f"link add {host.name} type veth peer {LINK} netns {host.name} address {address}",
                       f"link set {host.name} master bridge up")

    @staticmethod
    def configure(host, address, way):
        """Addresses of both versions, and the routes by the active director."""
        awaken(host, ["lo", LINK])
        host.ip("link set lo up", f"link set {LINK} up", f"addr add {local(address(6))} dev {LINK} nodad",
                *(f"addr add {address(version)}/{WIDTH[version]} dev {LINK}" for version in VERSIONS),
                *(f"route add default via {way(version)}" for version in VERSIONS))
        for name in ("all", LINK):
            host.sysctl(f"net/ipv4/conf/{name}/accept_redirects", 0)
            host.sysctl(f"net/ipv6/conf/{name}/accept_redirects", 0)

    @staticmethod
    def serve_virtual(host, number):
        """The server has the virtual addresses too, unwraps tunnels, and answers from there without the director."""
        lab.run("modprobe", "-a", "sit", "ip6_tunnel")
        host.ip(f"link add t4 type sit local {server(4, number)} mode any", f"link add t6 type ip6tnl local {server(6, number)} mode any")
        awaken(host, ["t4", "t6"])
        host.sysctl("net/ipv4/conf/all/arp_ignore", 1)
        host.ip("link set t4 up", "link set t6 up", f"addr add {vip(4)}/32 dev lo", f"addr add {VIP6}/128 dev lo")
        for version in VERSIONS:
            host.ip(f"neigh add {client(version)} lladdr {mac(1)} dev {LINK}",
                    f"route add {'default' if version == 4 else '::/0'} dev {LINK} table 100")
            host.run("ip", f"-{version}", "rule", "add", "from", vip(version), "lookup", "100")

    def show(self, t):
        """Notes what one wants to know of the hosts when nothing comes through."""
        for host in (self.client, *self.servers):
            t.block(f"the {host.name}", (host.run("ip", "neigh") + host.run("ip", "-6", "neigh") + host.run("ss", "-tni")).splitlines())

    def turn_to(self, number):
        """The client and the servers look for the gateways at a director, as if it had announced itself."""
        for host, way in [(self.client, CLIENT_NETWORK.get),
                          *((host, lambda version, n=n: gateway(version, n)) for n, host in zip(NUMBERS, self.servers))]:
            host.ip(*(f"neigh replace {way(version)} lladdr {director_mac(number)} dev {LINK} nud reachable" for version in VERSIONS))


class Router(Sync):
    """A director on the segment: the first one by a wire to the switch, the second one by the link."""

    def __init__(self, number, switch=None):
        lab.run("ip", "netns", "add", "director")
        self.host, self.number = Host("director"), number
        if switch:
            switch.plug(self.host, director_mac(number))
        else:
            lend(self.host)
            self.host.ip(f"link set {LINK} address {director_mac(number)}")
        awaken(self.host, ["lo", LINK])
        self.host.ip("link set lo up", f"link set {LINK} up", f"addr add {local(own(CLIENT_NETWORK[6], number))} dev {LINK} nodad",
                     *(f"addr add {own(one, number)}/{WIDTH[version]} dev {LINK}" for version in VERSIONS for one in gateways(version)))
        wait_for_ipv6(self.host)
        for name in ("all", LINK):
            self.host.sysctl(f"net/ipv4/conf/{name}/send_redirects", 0)
        # A director that has no services any more, but gets a server's packets a moment longer, would pass them on as they are: the
        # client would answer with a reset, and the connection would be lost to the other director.
        self.host.run("nft", "-f", "-", text=UNTRANSLATED)
        self.host.sysctl("net/ipv4/ip_forward", 1)
        self.host.sysctl("net/ipv6/conf/all/forwarding", 1)

    def configure(self):
        """Sets up the services, for who has no keepalived to do it."""
        services.configure(self.host)

    def look(self):
        """The same of this director."""
        return [line for command in (f"ip addr show dev {LINK}", "ip neigh", "ip -6 neigh", "ipvsadm -Ln", "ipvsadm -Lnc")
                for line in self.host.run(*command.split(), check=False).splitlines()]

    def take(self):
        """Becomes the active one."""
        self.host.ip(*(f"addr add {one} dev {LINK}" for version in VERSIONS for one in addresses(version)))

    def fail(self):
        """Is gone from the segment, with all addresses."""
        self.host.ip(f"link set {LINK} down")
