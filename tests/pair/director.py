# SPDX-License-Identifier: GPL-2.0
"""A director of a pair with the usual topology on its own VM, and the link to the other director."""

import re

import services
from conversations import C, S
from dual import DualWires
from node import join
from sync import Sync

# A port of a client, in the words for a packet.
PORT = r"\b2\d{4}\b"


class Director(DualWires, Sync):
    """A bare topology whose director has the services and the link."""

    def __init__(self, number):
        super().__init__(servers=2)
        self.host = self.director
        join(self.host, number)
        services.configure(self.host)

    def converse(self, some):
        """Leads all conversations to their ends, step by step in parallel. Those that end in CLOSE, which expire soon, come last."""
        numbers = {}
        late = [one for one in some if one.plan.master == "CLOSE"]
        for part in [one for one in some if one not in late], late:
            for index in range(max(len(one.plan.steps) for one in part)):
                self.step([one for one in part if index < len(one.plan.steps)], index, numbers)

    def step(self, some, index, numbers):
        """The packets of one step, which have passed when this returns."""
        for one in some:
            who, _ = step = one.plan.steps[index]
            wire = self.from_server[numbers[one.port] - 1] if who == S else self.from_client
            wire.send(one.packet(step, numbers.get(one.port)))
        self.collect()
        if index == 0:
            numbers |= {row.client_port: self.number_of(row.server) for row in self.rows()}

    @staticmethod
    def number_of(server):
        """The number of the server with an address in /proc."""
        return int(server[4:6] if len(server) == 8 else server[12:16], 16)

    def follow(self, some):
        """One packet more from each client; returns {client port: number of the server that it reached}."""
        for one in some:
            self.from_client.send(one.packet((C, b"x" if one.service.protocol == "UDP" else one.plan.steps[-1][1]), None))
        seen = [(name, re.search(PORT, words)) for name, words in self.collect()]
        return {int(found[0]): int(name.removeprefix("server")) for name, found in seen if found and name != "client"}
