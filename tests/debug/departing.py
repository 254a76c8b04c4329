# SPDX-License-Identifier: GPL-2.0
"""Actors of the storm whose devices and namespaces go while packets leave by them."""

import random
import socket
import subprocess
import threading

import departures
import lab as hosts
import nobody
import sockopt
from actor import BUSY, Actor
from lab import VIP
from scenario import Failed, check
from sleeping_reader import Here

PORTS = range(54, 62)
# Forwarding methods as sockopt numbers them: NAT, tunnel, direct routing.
METHODS = (0, 2, 3)
PERSISTENT = 1


class Devices(Actor):
    """A director with some ways to servers, whose devices go one by one, and the rest with the namespace."""

    def once(self):
        ways = random.sample(departures.all_ways(), 6)
        lab = departures.Director(ways, tag=f"d{self.count}")
        hosts.use_all_processors()
        lab.send()
        over = threading.Event()
        shooter = threading.Thread(target=self.shoot, args=(lab, over))
        shooter.start()
        try:
            for way in ways[:3]:
                check(not departures.kept(lab.director, f"link del {way}"), f"{way} keeps its device")
            departures.namespace_goes(lab)
        finally:
            over.set()
            shooter.join()
        hosts.remove(lab.client, *lab.servers)

    @staticmethod
    def shoot(lab, over):
        """Packets until it is over, or the director's end of the wire is gone."""
        while not over.is_set():
            try:
                lab.send()
            except OSError:
                return


class DevicesOfAnybody(Actor):
    """The same as a user without rights, who has sockopt only, and so IPv4."""

    def prepare(self):
        nobody.become()
        self.client = sockopt.Client(Here)
        subprocess.run(["ip", "addr", "add", f"{VIP}/32", "dev", "lo"], check=True)

    def set(self, name, value):
        outcome = self.client.set(name, value)
        check(outcome in BUSY, f"{name} gave {outcome}")

    def once(self):
        self.ip(*(line for port in PORTS for line in (f"link add w{port} type dummy", f"link set w{port} up",
                                                      f"addr add 172.22.{port}.1/24 dev w{port}")))
        for port in PORTS:
            mark = random.choice((0, port))
            flags = random.choice((0, PERSISTENT))
            where = {"mark": mark} if mark else {"address": VIP, "port": port, "protocol": 17}
            service = sockopt.service(**where, flags=flags, timeout=300)
            self.set("ADD", service)
            self.set("ADDDEST", service + sockopt.dest(f"172.22.{port}.2", 0 if mark else port, flags=random.choice(METHODS)))
            self.send(port, mark)
        for port in PORTS:
            self.ip(f"link del w{port}")
        self.set("FLUSH", b"")

    @staticmethod
    def send(port, mark):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            for _ in range(3):
                try:
                    one.sendto(b"x", (VIP, port))
                except OSError:
                    # What comes of an earlier one may be told of.
                    pass

    @staticmethod
    def ip(*lines):
        try:
            subprocess.run(["ip", "-batch", "-"], input="".join(line + "\n" for line in lines), text=True, check=True,
                           timeout=departures.LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{lines[-1]} is not done in {departures.LIMIT} s") from None


ACTORS = [Devices, DevicesOfAnybody]
