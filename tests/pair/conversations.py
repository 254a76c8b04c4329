# SPDX-License-Identifier: GPL-2.0
"""Connections of all kinds in all states, and what a backup must know of each.

A master announces a TCP connection with the third packet of the client, a UDP one too, and then each state that a packet of the
client finds changed, if it is one of ESTABLISHED, FIN_WAIT, CLOSE, CLOSE_WAIT and TIME_WAIT. What only the server's packets bring
about is not told until the client sends again."""

import dissect
from dual import client, server, vip
from packets import ACK, FIN, PSH, RST, SYN
from sctp import COOKIE_ACK, COOKIE_ECHO, DATA, INIT, INIT_ACK, SHUTDOWN, SHUTDOWN_ACK
from services import NAT, NAT_PORT, SERVICES

FIRST_PORT = 20001
STRANGER = "10.0.7.9"
C, S = "client", "server"


class Plan:
    """A course of a connection: its packets (who sends which), the master's state in the end, and the backup's (None: the backup
    must not know it)."""

    def __init__(self, steps, master, backup):
        self.steps, self.master, self.backup = steps, master, backup


TALK = [(C, SYN), (S, SYN | ACK), (C, ACK), (C, PSH | ACK)]
TCP = [
    Plan(TALK[:1], "SYN_RECV", None),
    Plan(TALK[:3], "ESTABLISHED", None),
    Plan(TALK, "ESTABLISHED", "ESTABLISHED"),
    Plan([*TALK, (S, PSH | ACK), (C, ACK)], "ESTABLISHED", "ESTABLISHED"),
    Plan([*TALK[:3], (C, FIN | ACK)], "CLOSE_WAIT", "CLOSE_WAIT"),
    Plan([*TALK, (C, FIN | ACK)], "CLOSE_WAIT", "CLOSE_WAIT"),
    Plan([*TALK, (C, FIN | ACK), (S, FIN | ACK)], "TIME_WAIT", "CLOSE_WAIT"),
    Plan([*TALK, (C, FIN | ACK), (S, FIN | ACK), (C, ACK)], "TIME_WAIT", "TIME_WAIT"),
    Plan([*TALK, (S, FIN | ACK)], "FIN_WAIT", "ESTABLISHED"),
    Plan([*TALK, (S, FIN | ACK), (C, ACK)], "FIN_WAIT", "FIN_WAIT"),
    Plan([*TALK, (C, RST)], "CLOSE", "CLOSE"),
    Plan([*TALK, (S, RST)], "CLOSE", "ESTABLISHED"),
]
# The director does not see the server's packets.
ONE_WAY = [
    Plan([(C, SYN)], "SYN_RECV", None),
    Plan([(C, SYN), (C, ACK)], "ESTABLISHED", None),
    Plan([(C, SYN), (C, ACK), (C, PSH | ACK)], "ESTABLISHED", "ESTABLISHED"),
    Plan([(C, SYN), (C, ACK), (C, FIN | ACK)], "FIN_WAIT", "FIN_WAIT"),
    Plan([(C, SYN), (C, ACK), (C, PSH | ACK), (C, RST)], "CLOSE", "CLOSE"),
]
UDP = [Plan([(C, b"x")] * count + [(S, b"y")], "UDP", "UDP" if count >= 3 else None) for count in (1, 2, 3, 5)]
SETUP = [(C, INIT), (S, INIT_ACK), (C, COOKIE_ECHO), (S, COOKIE_ACK)]
SCTP = [
    Plan(SETUP[:1], "INIT1", None),
    Plan(SETUP, "ESTABLISHED", None),
    Plan([*SETUP, (C, DATA)], "ESTABLISHED", "ESTABLISHED"),
    Plan([*SETUP, (C, DATA), (C, SHUTDOWN)], "S-RECEIVED", "S-RECEIVED"),
    Plan([*SETUP, (C, DATA), (C, SHUTDOWN), (S, SHUTDOWN_ACK)], "S-ACK-SENT", "S-RECEIVED"),
    Plan([*SETUP, (C, DATA), (S, SHUTDOWN), (C, SHUTDOWN_ACK)], "CLOSED", "CLOSED"),
]


def plans(service):
    if service.protocol != "TCP":
        return UDP if service.protocol == "UDP" else SCTP
    return TCP if service.method == NAT else ONE_WAY


class Conversation:
    """One connection of the client, known by the client's port, on its way along a plan."""

    def __init__(self, service, plan, port, source=None):
        self.service, self.plan, self.port = service, plan, port
        self.source = source or client(service.version)

    def packet(self, step, number):
        """A packet of a step; `number` is the server's."""
        who, what = step
        version = self.service.version
        ends = [self.source, self.port, vip(version), self.service.client_port]
        if who == S:
            real = self.service.client_port if not self.service.port else NAT_PORT
            ends = [server(version, number), real, self.source, self.port]
        make = {"TCP": dissect.tcp, "UDP": dissect.udp, "SCTP": dissect.sctp}[self.service.protocol]
        return make(*ends, what)


def conversations(rounds):
    """Each plan of each service, so many times."""
    every = [(service, plan) for _ in range(rounds) for service in SERVICES for plan in plans(service)]
    some = [Conversation(service, plan, FIRST_PORT + index) for index, (service, plan) in enumerate(every)]
    # All that another network does is to begin: version 0 does not tell of its template.
    begun = next(service for service in SERVICES if service.persistent)
    return [*some, Conversation(begun, TCP[0], FIRST_PORT + len(some), STRANGER)]
