# SPDX-License-Identifier: GPL-2.0
"""Rates: they come with traffic, go without, and come again; nobody computes them where no CPU may."""

import os
import time

from lab import CLIENT, VIP, server_address
from packets import udp
from scenario import check, scenario
from views import wait_until
from wire import Wires

DNS = f"-u {VIP}:53"


class Rates:
    """A service with a busy server and an idle one."""

    def __init__(self):
        self.lab = Wires(servers=2)
        self.port = 2000
        self.lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server_address(1)}:53 -m",
                               f"-a {DNS} -r {server_address(2)}:53 -m -w 0")

    def shown(self):
        """Which lines of the list have a rate of connections that is not zero."""
        lines = self.lab.director.ipvsadm("-Ln", "--rate", "--exact").splitlines()[3:]
        return [int(line.split()[2]) > 0 for line in lines]

    def work(self):
        """Eighty connections at once: twenty a second, as the next estimation sees it, of which it takes a quarter."""
        for _ in range(4):
            self.lab.client_sends(*(udp(CLIENT, self.port + number, VIP, 53, b"x") for number in range(20)))
            self.port += 20


@scenario
def rates_rise_and_fall_with_traffic(t):
    rates = Rates()
    t.note("in the beginning:", rates.shown())
    for turn in ("first", "second"):
        rates.work()
        wait_until(lambda: any(rates.shown()), 20, "a rate")
        t.note(f"{turn} traffic:", sorted(rates.shown()))
        check(not all(rates.shown()), "an idle server has a rate")
        wait_until(lambda: not any(rates.shown()), 120, "the end of the rate", every=1)
        # Long enough for what is scaled up to come down to nothing, too.
        time.sleep(150)
        t.note("after a rest:", rates.shown())
    # The connections are still there, so that packets alone are enough.
    rates.lab.director.ipvs("-Z")
    for port in range(2000, 2160):
        rates.lab.client_sends(udp(CLIENT, port, VIP, 53, b"x"))
    wait_until(lambda: packets_per_second(rates), 20, "a rate of packets")
    t.note("packets of old connections have a rate")


def packets_per_second(rates):
    lines = rates.lab.director.ipvsadm("-Ln", "--rate", "--exact").splitlines()[3:]
    return int(lines[0].split()[3])


@scenario
def rates_need_a_cpu(t):
    rates = Rates()
    director = rates.lab.director
    director.sysctl("net/ipv4/vs/est_cpulist", "")
    t.note("list:", repr(director.read("/proc/sys/net/ipv4/vs/est_cpulist")))
    time.sleep(4)
    rates.work()
    time.sleep(8)
    t.note("without a CPU:", rates.shown())
    director.sysctl("net/ipv4/vs/est_cpulist", "0")
    t.note("list:", repr(director.read("/proc/sys/net/ipv4/vs/est_cpulist")))
    director.sysctl("net/ipv4/vs/est_nice", "5")
    time.sleep(4)
    for _ in range(2):
        rates.work()
        time.sleep(1)
    wait_until(lambda: any(rates.shown()), 30, "a rate")
    t.note("with a CPU:", sorted(rates.shown()))


def nices():
    """The priorities of the kernel's threads that may compute rates: those of the C module, and workers."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    comm, rest = file.read().rsplit(")", 1)
            except OSError:
                continue
            if "(ipvs-e" in comm or "(kworker" in comm:
                found.add(int(rest.split()[16]))
    return found


@scenario
def rates_are_computed_with_the_priority_that_is_set(t):
    rates = Rates()
    director = rates.lab.director
    # So many that it takes a while, and this program can look meanwhile.
    director.ipvs(*(f"-A -f {mark} -s rr" for mark in range(1, 4001)))
    director.sysctl("net/ipv4/vs/est_nice", "17")
    for _ in range(40):
        rates.work()
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            if 17 in nices():
                director.sysctl("net/ipv4/vs/est_nice", "0")
                t.note("a thread with that priority")
                time.sleep(4)
                check(17 not in nices(), "the priority is taken back")
                return
    check(False, "no thread has the priority")
