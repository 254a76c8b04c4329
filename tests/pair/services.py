# SPDX-License-Identifier: GPL-2.0
"""The services that both directors of a pair have: each forwarding method, version of IP and protocol, persistence and marks."""

from dual import end, server, vip

NAT, ROUTE, TUNNEL = "-m", "-g", "-i"
# To the names of ipvsadm's letters and of the protocol in /proc/net/ip_vs_conn_sync.
LETTERS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}
NAT_PORT = 8000


class Service:
    """A virtual service with both servers behind it. A mark takes the place of its address and port."""

    def __init__(self, name, port, method=NAT, *, protocol="TCP", version=4, mark=0, persistent=""):
        self.name, self.port, self.method, self.protocol = name, port, method, protocol
        self.version, self.mark, self.persistent = version, mark, persistent
        # Where a client goes; a service of all ports is met at one that no other service has.
        self.client_port = port or 9000

    def lines(self):
        """ipvsadm's lines."""
        own = f"-f {self.mark}" if self.mark else f"{LETTERS[self.protocol]} {end(vip(self.version), self.port)}"
        port = 0 if self.mark and self.persistent or not self.port else self.port if self.method != NAT else NAT_PORT
        return [f"-A {own} -s rr {self.persistent}",
                *(f"-a {own} -r {end(server(self.version, number), port)} {self.method}" for number in (1, 2))]


SERVICES = [
    Service("NAT", 80),
    Service("DR", 8080, ROUTE),
    Service("TUN", 8443, TUNNEL),
    Service("UDP", 53, protocol="UDP"),
    Service("SCTP", 132, protocol="SCTP"),
    Service("NAT6", 80, version=6),
    Service("DR6", 8080, ROUTE, version=6),
    Service("TUN6", 8443, TUNNEL, version=6),
    Service("persistent", 81, persistent="-p 360 -M 255.255.255.0"),
    Service("persistent6", 81, version=6, persistent="-p 300 -M 64"),
    Service("mark", 8084, mark=86),
    Service("persistent mark", 8081, ROUTE, mark=85, persistent="-p 300"),
    Service("all ports", 0, persistent="-p 300"),
]


def configure(director):
    """Sets the services up on a director, and what marks packets for them."""
    director.ipvs(*(line for service in SERVICES for line in service.lines()))
    rules = "".join(f"    ip daddr {vip(4)} tcp dport {one.port} meta mark set {one.mark}\n" for one in SERVICES if one.mark)
    director.run("nft", "-f", "-", text="table ip marks {\n  chain arriving {\n"
                 f"    type filter hook prerouting priority mangle\n{rules}  }}\n}}\n")
