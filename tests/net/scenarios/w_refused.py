# SPDX-License-Identifier: GPL-2.0
"""What the kernel log says of commands that are refused, and of services that get no packets."""

import dissect
import sockopt
from balance import nest
from dual import client, vip
from genl import DAEMON, DEST, SERVICE, Client, address, attribute, be16, name, u8, u16, u32
from lab import VIP
from packets import SYN
from scenario import scenario
from scenarios.w_log import LoggedWires

KEY = {"a1": u16(2), "a2": u16(6), "a3": address(VIP), "a4": be16(80)}


def service(scheduler="rr", **more):
    return nest(SERVICE, **KEY, a6=name(scheduler), a7=u32(0) + u32(0xFFFFFFFF), a8=u32(0), a9=u32(0xFFFFFFFF), **more)


def server(weight=1, upper=0, lower=0, **more):
    return nest(SERVICE, **KEY) + nest(DEST, a1=address("10.0.0.2"), a2=be16(80), a3=u32(0), a4=u32(weight), a5=u32(upper),
                                       a6=u32(lower), **more)


WRONG_SERVERS = {"a weight below zero": server(weight=-1), "thresholds": server(upper=1, lower=2),
                 "GUE without a port": server(a13=u8(1))}
COMMANDS = {"NEW_SERVICE": {"a scheduler": service("nonesuch"), "an engine": service(a11=name("nonesuch")), "nothing": service()},
            "SET_SERVICE": {"a scheduler": service("nonesuch"), "an engine": service(a11=name("nonesuch"))},
            "NEW_DEST": {**WRONG_SERVERS, "nothing": server()}, "SET_DEST": WRONG_SERVERS,
            "NEW_DAEMON": {"a device": nest(DAEMON, a1=u32(1), a2=name("nonesuch"), a3=u32(1))}}
OF_VIP = sockopt.service(VIP, 80)
OPTIONS = {"a protocol": ("ADD", sockopt.service(VIP, 81, protocol=47)),
           "a scheduler": ("ADD", sockopt.service(VIP, 81, scheduler=b"nonesuch")),
           "a weight below zero": ("ADDDEST", OF_VIP + sockopt.dest("10.0.0.3", 80, weight=-1)),
           "thresholds": ("EDITDEST", OF_VIP + sockopt.dest("10.0.0.2", 80, upper=1, lower=2)),
           "no such service": ("DEL", sockopt.service(VIP, 99))}


@scenario
def refused_commands_leave_their_line_in_the_log(t):
    with LoggedWires() as wires:
        client_of_netlink, client_of_options = Client(wires.director), sockopt.Client(wires.director)
        for command, cases in COMMANDS.items():
            for what, payload in cases.items():
                t.block(f"{command}, wrong is {what}: {client_of_netlink.do(command, payload)[0]}", wires.log.said())
        for what, (option, value) in OPTIONS.items():
            t.block(f"{option}, wrong is {what}: {client_of_options.set(option, value)}", wires.log.said())
        for count, length in ((0, 104), (5, 108)):
            value = u32(count) + bytes(length - 4)
            t.block(f"SERVICES, {count} in {length}: {client_of_options.get('SERVICES', value)[0]}", wires.log.said())


@scenario
def a_service_for_all_ports_that_remembers_nobody(t):
    with LoggedWires() as wires:
        t.note("ADD:", sockopt.Client(wires.director).set("ADD", sockopt.service(VIP, 0)))
        t.block("a packet", wires.says(dissect.tcp(client(4), 2000, vip(4), 80, SYN)))
