# SPDX-License-Identifier: GPL-2.0
"""What the kernel log says of services without a server, with the level of each line."""

import os
import re

import dissect
import kernel
import lab
import sctp
from dual import VERSIONS, VIP6, DualWires, client, end, vip
from lab import VIP, server_address
from packets import SYN
from scenario import scenario

ABOUT_RATES = re.compile(r"estimator thread|ests per chain")
SCHEDULERS = [name.removeprefix("ip_vs_") for name in kernel.SCHEDULERS_AT_START]
# Addresses of which each is written in another way: runs of zeros of all lengths and places, embedded addresses of IPv4.
ADDRESSES = ("::1", "2001:db8::1", "2001:db8:1:2:3:4:5:6", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "2001:db8::1:0:0:1",
             "1::", "0:0:0:1::", "2001:db8::abcd:12", "::102:304", "::ffff:1.2.3.4", "::ffff:0:102:304", "::5efe:1.2.3.4",
             "::5efe:0.0.0.0", "fe80::5efe:1.2.3.4", "fe80::200:5efe:1.2.3.4")


class Log:
    """The lines of IPVS from now on, with their levels."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def said(self):
        """The lines since the last call. What computes the rates is left out."""
        lines = []
        while True:
            try:
                head, text = os.read(self.file, 8192).decode().split(";", 1)
            except BlockingIOError:
                return lines
            text = text.split("\n", 1)[0]
            if text.startswith(("IPVS: ", "ip_vs")) and not ABOUT_RATES.search(text):
                lines.append(f"<{int(head.split(',')[0]) & 7}> {text}")


class LoggedWires(DualWires):
    """Both versions of IP, packets with marks, and a log that is not kept short."""

    def __init__(self):
        super().__init__()
        self.director.run("nft", "-f", "-", text=f"""table inet marks {{ chain arriving {{
            type filter hook prerouting priority mangle;
            udp dport 98 meta mark set 5; ip daddr {VIP} udp dport 99 meta mark set 4000000000;
            ip6 daddr {VIP6} udp dport 99 meta mark set 4000000001; }}; }}\n""")
        self.log = Log()

    def __enter__(self):
        lab.write_sysctl("net/core/message_cost", 0)
        return self

    def __exit__(self, *error):
        lab.write_sysctl("net/core/message_cost", 5)

    def says(self, *packets):
        """What is logged of packets of the client."""
        self.client_sends(*packets)
        return self.log.said()


def requests(version):
    """A first packet for each kind of service."""
    near, far = client(version), vip(version)
    yield from (dissect.udp(near, 2000, far, port, b"x") for port in (80, 81, 98, 99, 1234))
    yield from (dissect.tcp(near, 2000, far, port, SYN) for port in (80, 81))
    yield dissect.sctp(near, 2000, far, 80, sctp.chunk(sctp.INIT))


def services(version, scheduler):
    """Services of each kind, the last one for all ports."""
    option = " -6" if version == 6 else ""
    return [*(f"-A {protocol} {end(vip(version), 80)} -s {scheduler}" for protocol in ("-t", "-u", "--sctp-service")),
            *(f"-A {protocol} {end(vip(version), 81)} -s {scheduler} -p 60" for protocol in ("-t", "-u")),
            f"-A -f 5{option} -s {scheduler}", f"-A -f {4000000000 + (version == 6)}{option} -s {scheduler} -p 60",
            f"-A -u {end(vip(version), 0)} -s {scheduler} -p 60"]


@scenario
def services_without_servers_are_named_in_the_log(t):
    with LoggedWires() as wires:
        for scheduler in SCHEDULERS:
            wires.director.ipvs("-C", *(line for version in VERSIONS for line in services(version, scheduler)))
            for version in VERSIONS:
                t.block(f"{scheduler}, IPv{version}", wires.says(*requests(version)))


@scenario
def addresses_are_written_short_in_the_log(t):
    with LoggedWires() as wires:
        for address in ADDRESSES:
            wires.director.run("ip", "-6", "route", "replace", "local", address, "dev", "lo", "table", "local")
            wires.director.ipvs("-C", f"-A -u [{address}]:80 -s rr")
            # A packet to ::1 from outside comes to nobody.
            with wires.director, wires.director.socket(lab.socket.AF_INET6, lab.socket.SOCK_DGRAM) as inside:
                try:
                    inside.sendto(b"x", (address, 80))
                except OSError:
                    pass
            t.block(address, sorted(set(wires.log.said() + wires.says(dissect.udp(client(6), 2000, address, 80, b"x")))))


@scenario
def schedulers_say_why_there_is_no_server(t):
    with LoggedWires() as wires:
        for scheduler in SCHEDULERS:
            for title, options in {"of weight 0": "-w 0", "with too much to do": "-w 1 -x 1 -y 1"}.items():
                wires.director.ipvs("-C", f"-A -u {VIP}:80 -s {scheduler}",
                                    f"-a -u {VIP}:80 -r {server_address(1)}:80 -m {options}")
                t.block(f"{scheduler}, a server {title}", wires.says(*(
                    dissect.udp(client(4), port, VIP, 80, b"x") for port in range(2000, 2003))))
                # A destination that is known, whose server takes nobody else.
                wires.director.ipvs(f"-e -u {VIP}:80 -r {server_address(1)}:80 -m -w 1")
                wires.says(dissect.udp(client(4), 3000, VIP, 80, b"x"))
                wires.director.ipvs(f"-e -u {VIP}:80 -r {server_address(1)}:80 -m {options}")
                t.block(f"{scheduler}, a server {title} that had clients", wires.says(
                    dissect.udp(client(4), 3001, VIP, 80, b"x")))
