# SPDX-License-Identifier: GPL-2.0
"""The synchronisation daemon of a director, and the connections that the director knows."""

import os
import re

import dissect
from node import LINK
from scenario import Failed

SYNC_ID = 7


def plain(address):
    """An address in the digits of /proc alone."""
    return address.strip("[]").replace(":", "").upper()


class Row:
    """A line of /proc/net/ip_vs_conn_sync."""

    def __init__(self, line):
        words = line.split()
        self.protocol, self.server = words[0], plain(words[5])
        self.key = tuple(words[:5])
        self.client_port, self.state, self.origin = int(words[2], 16), words[7], words[8]
        self.seconds = int(words[9])

    def is_template(self):
        return self.client_port == 0

    def is_active(self):
        """Whether it counts as an active one of its server."""
        return self.state in ("ESTABLISHED", "SYN_RECV")


class Sync:
    """The daemon of a director, and what the director shows. `host` is the director."""

    host = None

    def start(self, role, version, group, eager=False):
        """Starts the daemon of a role, which sends messages of a version, to a group or the default one; ours by the rule of
        the C module, or by its own."""
        self.host.ipvs_sysctl("sync_version", version)
        if self.is_ours():
            self.host.ipvs_sysctl("sync_eager", int(eager))
        said = self.host.ipvsadm("--start-daemon", role, "--mcast-interface", LINK, "--syncid", str(SYNC_ID),
                                 *(["--mcast-group", group] if group else []))
        if said:
            raise Failed(f"to start the {role} says: {said.strip()}")

    def is_ours(self):
        """Whether the director has our module."""
        with self.host:
            return os.path.exists("/proc/sys/net/ipv4/vs/sync_eager")

    def link(self):
        """What passed on the link, and what UDP made of it, for who looks for a loss."""
        text = self.host.run("ip", "-s", "link", "show", LINK)
        text += self.host.read("/proc/net/snmp6") + self.host.read("/proc/net/snmp")
        return [line for line in text.splitlines() if "Udp" in line or "Ip6In" in line or not line[0].isalpha()]

    def rows(self):
        """The connections, templates too."""
        return [Row(line) for line in self.host.read("/proc/net/ip_vs_conn_sync").splitlines()[1:]]

    def counts(self):
        """{server's address: [templates, active, inactive connections]} as ipvsadm shows them."""
        counts = {}
        for line in self.host.ipvsadm("-Ln", "--persistent-conn").splitlines():
            found = re.match(r"  -> (\S+):\d+ +\d+ +(\d+) +(\d+) +(\d+)", line)
            if found:
                sums = counts.setdefault(dissect.to_bytes(found[1].strip("[]")).hex().upper(), [0, 0, 0])
                sums[:] = [one + int(other) for one, other in zip(sums, found.groups()[1:])]
        return counts
