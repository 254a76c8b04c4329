# SPDX-License-Identifier: GPL-2.0
"""Actors of the storm that have no rights, each in a user and a network namespace of its own, and readers that sleep."""

import random
import time

import hook_lists
import kernel
import nobody
import sockopt
from actor import BUSY, Actor
from lab import VIP
from scenario import check
from sleeping_reader import PORT, QUESTIONS, Here, SleepingReader


def any_scheduler():
    return random.choice(kernel.SCHEDULERS_AT_START).removeprefix("ip_vs_").encode()


class Sleepers(Actor):
    """Asks the director by socket options about its staying services, and sleeps amid the answer."""

    def prepare(self):
        self.reader = SleepingReader(sockopt.Client(self.lab.director))

    def once(self):
        if self.reader.ask(random.choice(list(QUESTIONS))):
            self.meanwhile()
        error = sockopt.outcome(self.reader.wake())
        check(error in BUSY, f"a reader that slept got {error}")

    def meanwhile(self):
        time.sleep(random.random() / 20)


class SleepersOfAnybody(Sleepers):
    """The same in a namespace of its own, where the service gets another scheduler, or goes."""

    def prepare(self):
        nobody.become()
        self.client, self.reader = sockopt.Client(Here), SleepingReader(sockopt.Client(Here))

    def set(self, name, value):
        outcome = self.client.set(name, value)
        check(outcome in BUSY, f"{name} gave {outcome}")

    def once(self):
        service = sockopt.service(VIP, PORT, scheduler=any_scheduler())
        self.set("ADD", service)
        self.set("ADDDEST", service + sockopt.dest("10.9.9.9", PORT))
        super().once()
        self.set("DEL", service)

    def meanwhile(self):
        service = sockopt.service(VIP, PORT, scheduler=any_scheduler())
        self.set(*random.choice((("EDIT", service), ("EDIT", service), ("DEL", service), ("FLUSH", b""))))
        super().meanwhile()


class HooksOfAnybody(Actor):
    """A service that comes and goes, so that hooks do, while another process lists them beside base chains of nftables."""

    def prepare(self):
        nobody.become()
        hook_lists.add_chains()
        self.client = sockopt.Client(Here)
        self.lister = nobody.Process(hook_lists.list_until_told, rights=True)

    def once(self):
        for name in ("ADD", "DEL"):
            outcome = self.client.set(name, sockopt.service(VIP, PORT))
            check(outcome in BUSY, f"{name} gave {outcome}")

    def finish(self):
        self.lister.say("enough")
        self.lister.hear(60 * kernel.PATIENCE)
        self.lister.end()


ACTORS = [Sleepers, SleepersOfAnybody, HooksOfAnybody]
