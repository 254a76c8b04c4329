# SPDX-License-Identifier: GPL-2.0
"""A director of a pair that knows the calls of SIP by their Call-ID."""

import kernel
from dual import DualWires, server, vip
from lab import CLIENT, remove
from node import join
from packets import udp
from sync import Sync
from views import wait_until

PORT = 5060
ENGINE = "ip_vs_pe_sip"


class Exchange(DualWires, Sync):
    """A bare topology whose director has a service for calls. Its servers take turns in this order."""

    def __init__(self, number, order, options):
        super().__init__(servers=2)
        self.host = self.director
        join(self.host, number)
        service = f"-u {vip(4)}:{PORT}"
        self.host.ipvs(f"-A {service} -s rr -p 300 --pe sip {options}",
                       *(f"-a {service} -r {server(4, number)}:{PORT} -m" for number in order))

    def call(self, numbers, first_port):
        """The servers that a message of each call reaches, from a port of its own."""
        text = b"INVITE sip:x SIP/2.0\r\nCall-ID: call-%d@x\r\n\r\n"
        return self.chosen(*(udp(CLIENT, first_port + number, vip(4), PORT, text % number) for number in numbers))

    def templates(self):
        """{Call-ID: server} of the templates that have one."""
        rows = [line.split() for line in self.host.read("/proc/net/ip_vs_conn").splitlines()[1:]]
        return {row[10]: row[5] for row in rows if "sip" in row[9:10]}

    def end(self):
        """Ends the director, and removes the engine."""
        remove(self.director)
        wait_until(lambda: kernel.use_count(ENGINE) == 0, what="the references are given back")
        return kernel.unload(ENGINE)
