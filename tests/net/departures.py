# SPDX-License-Identifier: GPL-2.0
"""A director with each way to a server there is, each by a device of its own, and devices that go.

A way is a forwarding method, the version of IP of the service and that of the server, and the kind of the service; the
device by which it leaves has its name. A device is gone when whoever deletes it is done: so long as anything keeps it, the
kernel waits."""

import subprocess
import time

import lab as hosts
from dissect import udp
from dual import GUE_PORT, VERSIONS, DualWires, awaken, client, end, vip
from kernel import PATIENCE
from lab import mac
from scenario import Failed, check, equal

METHODS = {"nat": "-m", "dr": "-g", "ipip": "-i", "gue": f"-i --tun-type gue --tun-port {GUE_PORT}", "gre": "-i --tun-type gre"}
TUNNELS = ("ipip", "gue", "gre")
KINDS = {"": "", "p": "-p 300", "m": ""}
# What the kernel may take to let a device or a namespace go, in seconds.
LIMIT = 3 * PATIENCE
FIRST_PORT = 2000


class Way:
    """One of them; its number is in its addresses, its service's port and its mark."""

    def __init__(self, number, method, version, inner, kind, place="on"):
        self.number, self.method, self.version, self.inner, self.kind = number, method, version, inner, kind
        self.place, self.name = place, f"{method}{version}{inner if inner != version else ''}{kind}{number}"
        self.port = FIRST_PORT + number

    def __str__(self):
        return self.name

    def address(self, host, version=None, net=20):
        """The director (1) or the server (2) on the way's device."""
        return f"172.{net}.{self.number}.{host}" if (version or self.inner) == 4 else f"2001:db8:{net}:{self.number}::{host}"

    def far(self):
        """Where the server is: on the device's wire, behind a router there, or here, with the device's address."""
        return {"on": self.address(2), "behind": self.address(2, net=21), "here": self.address(1)}[self.place]

    def service(self):
        if self.kind == "m" or self.method == "bypass":
            return f"-f {self.number}" + (" -6" if self.version == 6 else "")
        return f"-u {end(vip(self.version), self.port)}"

    def commands(self):
        """What configures it."""
        lines = [f"-A {self.service()} -s rr {KINDS[self.kind]}"]
        if self.method != "bypass":
            lines.append(f"-a {self.service()} -r {self.server()} {METHODS[self.method]}")
        return lines

    def server(self):
        return end(self.far(), 0 if self.kind == "m" else self.port)

    def links(self):
        return [f"link add {self.name} type dummy", f"link set {self.name} up"]

    def addresses(self):
        lines = [f"addr add {self.address(1, version)}/{24 if version == 4 else 64} dev {self.name}"
                 + (" nodad" if version == 6 else "") for version in {self.version, self.inner}]
        if self.place == "behind":
            lines.append(f"route add {self.far()} via {self.address(2)}")
        return lines

    def packets(self):
        """Of two connections; the first is heard of again."""
        target = vip(self.version) if self.method != "bypass" else self.far()
        return [udp(client(self.version), port, target, self.port, b"x") for port in (5000, 5000, 5001)]


def all_ways():
    """Methods, versions, kinds; and no method."""
    rows = [(method, version, inner, kind) for kind in KINDS for method in METHODS for version in VERSIONS for inner in VERSIONS
            if inner == version or method in TUNNELS]
    rows += [("bypass", version, version, "") for version in VERSIONS]
    return [Way(number, *row) for number, row in enumerate(rows, 1)]


def simple_ways(times, places=("on",)):
    """Each method with one tunnel of each version, so many times for each place."""
    rows = [(method, version, version, "", place) for place in places for _ in range(times) for method in ("nat", "dr", "ipip")
            for version in VERSIONS]
    return [Way(number, *row) for number, row in enumerate(rows, 1)]


def mark(director, ways):
    """Gives packets the marks of their ways."""
    elements = ", ".join(f"{way.port} : {way.number}" for way in ways)
    director.run("nft", "-f", "-", text=f"table inet marks {{ chain before {{ type filter hook prerouting priority mangle;\n"
                                        f"meta mark set udp dport map {{ {elements} }};\n}}\n}}\n")


class Director(DualWires):
    """A bare topology whose director has a device for each way, and has sent by it."""

    def __init__(self, ways, tag=""):
        super().__init__(servers=1, tag=tag)
        self.ways = ways
        self.director.ip(*(line for way in ways for line in way.links()))
        awaken(self.director, [way.name for way in ways])
        self.director.ip(*(line for way in ways for line in way.addresses()))
        marked = [way for way in ways if way.service().startswith("-f")]
        if marked:
            mark(self.director, marked)
        self.director.ipvs_sysctl("cache_bypass", 1)
        self.director.ipvs(*self.services())

    def services(self):
        """What configures all of them."""
        return [line for way in self.ways for line in way.commands()]

    def send(self):
        for way in self.ways:
            for packet in way.packets():
                self.from_client.send(packet)

    def sent(self):
        """How many packets left by each device."""
        rows = self.director.read("/proc/net/dev").splitlines()[2:]
        counts = {row.split(":")[0].strip(): int(row.split(":")[1].split()[9]) for row in rows}
        return {way.name: counts.get(way.name) for way in self.ways}

    def use(self):
        """Lets packets go all ways."""
        before = self.sent()
        self.send()
        self.collect()
        after = self.sent()
        lost = [way.name for way in self.ways if way.place != "here" and after[way.name] - before[way.name] < 3]
        check(not lost, f"less than three packets left by {lost}")


def kept(director, *lines, services=()):
    """Runs iproute2 commands after which devices are gone, and returns whether they are kept: then they go with all services,
    and these are made again."""
    with director:
        deleter = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
    try:
        deleter.communicate("".join(line + "\n" for line in lines), timeout=LIMIT)
        equal(deleter.returncode, 0, f"the status of {lines}")
        return False
    except subprocess.TimeoutExpired:
        director.ipvs("-C")
        try:
            deleter.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{lines}: not even without services is it done") from None
        director.ipvs(*services)
        return True


def namespace_goes(lab, seconds=LIMIT):
    """Ends the director's namespace; its end of the client's wire goes last of all that can be seen from elsewhere."""
    hosts.remove(lab.director)
    over = time.monotonic() + seconds
    while lab.client.run("ip", "link", "show", "c0", check=False).startswith(tuple("0123456789")):
        check(time.monotonic() < over, f"the namespace is not gone after {seconds} s")
        time.sleep(0.02)
