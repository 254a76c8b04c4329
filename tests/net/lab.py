# SPDX-License-Identifier: GPL-2.0
"""Hosts made of network namespaces inside the test VM, and the usual topology:

    client 10.0.0.2 --- 10.0.0.1 director (VIP on lo) 172.16.N.1 --- 172.16.N.2 server N

Hosts of a *bare* topology have no addresses: their kernels answer nothing, and everything that the director sends can
be seen on the wires (see wire.py). MAC addresses are fixed, and the director knows all neighbours."""

import os
import socket
import subprocess

from scenario import Failed

VIP = "10.0.1.1"
CLIENT, GATEWAY = "10.0.0.2", "10.0.0.1"
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
HOSTS = []
# A namespace gets the settings of the first one: no IPv6 chatter, no limit on ICMP errors. It has no tunnels that nobody asked
# for: to make and to end the seven of a kernel with all kinds takes half of the time of an ordinary scenario there.
PREPARATION = {"net/core/devconf_inherit_init_net": 1, "net/ipv6/conf/all/disable_ipv6": 1,
               "net/ipv6/conf/default/disable_ipv6": 1, "net/ipv4/icmp_msgs_per_sec": 1000000,
               "net/ipv4/icmp_msgs_burst": 1000000, "kernel/printk_ratelimit": 0,
               "net/core/fb_tunnels_only_for_init_net": 1}


def run(*command, text=None, check=True):
    """Runs a program and returns what it printed, stderr too when a failure is expected (check=False)."""
    done = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if check and done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def write_sysctl(name, value):
    with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def prepare_kernel():
    """Settings of the whole VM."""
    for name, value in PREPARATION.items():
        if os.path.exists(f"/proc/sys/{name}"):
            write_sysctl(name, value)


def server_address(number):
    return f"172.16.{number}.2"


def server_gateway(number):
    return f"172.16.{number}.1"


def mac(owner, number=0):
    """The MAC address of the client's, a server's, or the director's end of a wire."""
    return f"02:00:00:00:{owner:02x}:{number:02x}"


class Host:
    """A network namespace. `with host:` runs the process inside."""

    def __init__(self, name):
        self.name = name
        self.descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
        HOSTS.append(self)

    def __enter__(self):
        os.setns(self.descriptor, os.CLONE_NEWNET)
        return self

    def __exit__(self, *error):
        os.setns(HOME, os.CLONE_NEWNET)

    def run(self, *command, **options):
        """Runs a program in this host."""
        with self:
            return run(*command, **options)

    def ip(self, *lines):
        """Runs iproute2 commands."""
        self.run("ip", "-batch", "-", text="\n".join(lines) + "\n")

    def ipvs(self, *lines):
        """Runs ipvsadm commands, all in one process; any complaint is a failure."""
        said = self.run("ipvsadm", "-R", text="\n".join(lines) + "\n", check=False)
        if said:
            raise Failed(f"ipvsadm said: {said.strip()}")

    def ipvsadm(self, *words):
        """Runs one ipvsadm command and returns what it printed, whatever its status."""
        return self.run("ipvsadm", *words, check=False)

    def sysctl(self, name, value):
        with self:
            write_sysctl(name, value)

    def ipvs_sysctl(self, name, value):
        self.sysctl(f"net/ipv4/vs/{name}", value)

    def read(self, path):
        """The text of a file as seen from here."""
        with self, open(path, encoding="utf-8") as file:
            return file.read()

    def socket(self, *arguments):
        """A socket of this host, with a time limit."""
        with self:
            one = socket.socket(*arguments)
        one.settimeout(5)
        return one

    def udp(self, address="", port=0):
        """A UDP socket bound to an address."""
        one = self.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, port))
        return one

    def listen(self, address, port):
        """A listening TCP socket."""
        one = self.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        one.listen(16)
        return one

    def connect(self, address, port):
        """A connected TCP socket."""
        one = self.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.connect((address, port))
        return one


class Topology:
    """A client, a director and some servers; the names of the hosts end in the tag."""

    def __init__(self, servers=1, bare=False, tag="", forward=1):
        self.numbers = range(1, servers + 1)
        names = [f"client{tag}", f"director{tag}", *(f"server{number}{tag}" for number in self.numbers)]
        run("ip", "-batch", "-", text="".join(f"netns add {name}\n" for name in names) + self.links(names))
        self.client, self.director, *self.servers = (Host(name) for name in names)
        self.configure_director(forward)
        if not bare:
            self.client.ip("link set lo up", f"addr add {CLIENT}/24 dev c0", "link set c0 up",
                           f"route add default via {GATEWAY}")
            for number, server in zip(self.numbers, self.servers):
                server.ip("link set lo up", f"addr add {server_address(number)}/24 dev s0", "link set s0 up",
                          f"route add default via {server_gateway(number)}")
        else:
            for host, device in [(self.client, "c0"), *((server, "s0") for server in self.servers)]:
                host.ip(f"link set {device} up")

    def links(self, names):
        """The wires: c0 on the client's side, sN (director) and s0 (server) on the others."""
        client, director, *servers = names
        lines = [f"link add c0 netns {client} address {mac(1)} type veth peer c0 netns {director} address {mac(2)}\n"]
        lines += [f"link add s0 netns {server} address {mac(3, number)} type veth "
                  f"peer s{number} netns {director} address {mac(4, number)}\n"
                  for number, server in zip(self.numbers, servers)]
        return "".join(lines)

    def configure_director(self, forward):
        lines = ["link set lo up", f"addr add {VIP}/32 dev lo", f"addr add {GATEWAY}/24 dev c0", "link set c0 up",
                 f"neigh add {CLIENT} lladdr {mac(1)} dev c0"]
        for number in self.numbers:
            lines += [f"addr add {server_gateway(number)}/24 dev s{number}", f"link set s{number} up",
                      f"neigh add {server_address(number)} lladdr {mac(3, number)} dev s{number}"]
        self.director.ip(*lines)
        with self.director:
            write_sysctl("net/ipv4/ip_forward", forward)
            write_sysctl("net/ipv4/icmp_ratelimit", 0)


def use_all_processors():
    """Undoes the pinning of a bare topology."""
    os.sched_setaffinity(0, range(os.cpu_count()))


def remove(*some):
    """Removes hosts."""
    if some:
        run("ip", "-batch", "-", text="".join(f"netns del {host.name}\n" for host in some))
    for host in some:
        os.close(host.descriptor)
        HOSTS.remove(host)


def remove_all():
    """Removes all hosts of a scenario and lets the process run on all CPUs again."""
    use_all_processors()
    os.setns(HOME, os.CLONE_NEWNET)
    remove(*HOSTS)
