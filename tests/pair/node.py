# SPDX-License-Identifier: GPL-2.0
"""One of the two VMs: its modules, its kernel log, and its end of the link between the directors."""

import os

import kernel
import lab
from scenario import Failed
from views import wait_until

LINK = "eth1"


class Node:
    """The VM that this process runs in."""

    def __init__(self):
        kernel.load("virtio_net", "ip_vs", "nf_tables", *kernel.SCHEDULERS_AT_START)
        lab.prepare_kernel()
        self.log, self.counts = kernel.Log(), None

    def begin(self):
        """A scenario begins."""
        self.counts = kernel.modules()
        self.log.new_lines()

    def end(self):
        """A scenario ends; returns what is wrong with this VM afterwards, or None."""
        lab.remove_all()
        reason = None
        try:
            # A device that was lent to a namespace comes back when that is gone.
            wait_until(lambda: os.path.exists(f"/sys/class/net/{LINK}"), 20, f"the return of {LINK}")
            kernel.wait_for_modules(self.counts)
        except Failed as error:
            reason = str(error)
        trouble = self.log.trouble(self.log.new_lines())
        return f"kernel log: {trouble[0]}" if trouble else reason


def lend(host):
    """Puts this VM's end of the link into a host."""
    lab.run("ip", "link", "set", LINK, "netns", host.name)


def join(host, number):
    """Puts this VM's end of the link into a host; the addresses on it end in the VM's number."""
    lend(host)
    host.sysctl(f"net/ipv6/conf/{LINK}/addr_gen_mode", 1)
    host.sysctl(f"net/ipv6/conf/{LINK}/disable_ipv6", 0)
    host.ip(f"addr add 192.168.77.{number}/24 dev {LINK}", f"addr add fe80::{number}/64 dev {LINK} nodad", f"link set {LINK} up")
    wait_for_ipv6(host)


def wait_for_ipv6(host):
    """The kernel gives IPv6 its routes on a link some time after that is up; what comes to a group before is lost."""
    wait_until(lambda: f"ff00::/8 dev {LINK}" in host.run("ip", "-6", "route", "show", "table", "local"), 10, "IPv6 on the link")
