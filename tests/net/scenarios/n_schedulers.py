# SPDX-License-Identifier: GPL-2.0
"""What each scheduler chooses: long recorded scripts with servers that come, go, fill up and are changed."""

import random

import kernel
from balance import CLIENTS, CLIENTS6, FALLBACK, MARKED, MARKED6, PORTS, Balancer
from dual import VIP6
from lab import VIP
from packets import TCP
from scenario import check, scenario

CONNECTIONS = 500 if kernel.IS_DEBUG else 2000
BATCH = 25
LETTERS = "abcdefgh"


class Script:
    """The same moves in the same order for a scheduler, on whatever module: they depend on nothing but a number."""

    def __init__(self, t, scheduler, *, seed=1, targets=(VIP,), most_weight=5, **options):
        self.t, self.scheduler, self.targets = t, scheduler, targets
        self.dice = random.Random(seed)
        self.lab = Balancer(scheduler, **options)
        self.clients = CLIENTS if self.lab.version == 4 else CLIENTS6
        self.most_weight = most_weight
        self.weights = {}
        for letter in LETTERS[:5]:
            self.change(letter)

    def change(self, letter, **thresholds):
        """Gives a server, new or old, a weight; one of six is 0."""
        weight = self.dice.choice([0, *range(1, self.most_weight + 1)])
        (self.lab.edit if letter in self.weights else self.lab.add)(letter, weight, **thresholds)
        self.weights[letter] = weight
        words = " ".join(f"{key} {value}" for key, value in thresholds.items())
        return f"{letter} has weight {weight} {words}".rstrip()

    def move(self):
        """One change of the servers; returns it in words."""
        present, absent = sorted(self.weights), sorted(set(LETTERS) - set(self.weights))
        kind = self.dice.randrange(8)
        if kind == 0 and absent:
            return "new: " + self.change(self.dice.choice(absent))
        if kind == 1 and len(present) > 2:
            letter = self.dice.choice(present)
            self.lab.delete(letter)
            del self.weights[letter]
            return f"{letter} is gone"
        if kind == 2:
            upper = self.dice.randrange(1, 60)
            return self.change(self.dice.choice(present), upper=upper, lower=self.dice.randrange(upper + 1))
        if kind in (3, 4) and self.lab.protocol == TCP:
            count = self.dice.randrange(1, 60)
            (self.lab.establish if kind == 3 else self.lab.finish)(count)
            return f"{'segments on' if kind == 3 else 'the end of'} {count}"
        return self.change(self.dice.choice(present))

    def batch(self):
        ends = [(self.dice.choice(self.clients), self.dice.choice(self.targets)) for _ in range(BATCH)]
        return self.lab.connect(ends)

    def run(self, count=CONNECTIONS):
        """The whole script; returns all letters."""
        letters = ""
        for _ in range(count // BATCH):
            said, chosen = self.move(), self.batch()
            letters += chosen
            self.t.note(f"{said}: {chosen}")
        check(len(set(letters) - {"-"}) >= 3, f"only {sorted(set(letters))} were chosen")
        return letters


def with_all_flags(script):
    """A quarter of the script with each combination of the flags, changed while the service is used."""
    for flags in (0, FALLBACK, PORTS, FALLBACK | PORTS):
        script.t.note("flags", flags)
        script.lab.schedule_by(script.scheduler, flags)
        script.run(CONNECTIONS // 4)


@scenario
def script_for_rr(t):
    Script(t, "rr").run()


@scenario
def script_for_wrr(t):
    Script(t, "wrr", most_weight=9).run()


@scenario
def script_for_lc(t):
    Script(t, "lc").run()


@scenario
def script_for_wlc(t):
    Script(t, "wlc").run()


@scenario
def script_for_sed(t):
    Script(t, "sed").run()


@scenario
def script_for_nq(t):
    Script(t, "nq").run()


@scenario
def script_for_fo(t):
    Script(t, "fo").run()


@scenario
def script_for_ovf(t):
    Script(t, "ovf", most_weight=40).run()


@scenario
def script_for_sh(t):
    with_all_flags(Script(t, "sh"))


@scenario
def script_for_sh_by_mark(t):
    with_all_flags(Script(t, "sh", targets=MARKED, mark=7, seed=2))


@scenario
def script_for_dh(t):
    Script(t, "dh", targets=MARKED, mark=7).run()


@scenario
def script_for_mh(t):
    with_all_flags(Script(t, "mh"))


@scenario
def script_for_mh_by_mark(t):
    with_all_flags(Script(t, "mh", targets=MARKED, mark=7, seed=2))


@scenario
def script_for_lblc(t):
    Script(t, "lblc", targets=MARKED, mark=7).run()


@scenario
def script_for_lblcr(t):
    Script(t, "lblcr", targets=MARKED, mark=7).run()


@scenario
def script_for_sh_on_ipv6(t):
    with_all_flags(Script(t, "sh", targets=(VIP6,), version=6))


@scenario
def script_for_mh_on_ipv6(t):
    with_all_flags(Script(t, "mh", targets=(VIP6,), version=6))


@scenario
def scripts_by_mark_on_ipv6(t):
    for scheduler in ("sh", "dh", "mh", "lblc", "lblcr"):
        t.note(scheduler)
        script = Script(t, scheduler, targets=MARKED6, mark=7, version=6, tag=scheduler)
        script.run()
