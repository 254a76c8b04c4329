#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Four ways in which an unprivileged user, a module that departs or a device that vanishes once harmed the kernel:
scripts/vm -m rust -- tests/debug/reproduce.py [NAME]... Each says ok, unless it still does; the kernel may die of it.

hook_list       anybody lists the hooks of netfilter while his services come and go
sleeping_reader anybody sleeps amid an answer about his service, whose scheduler is replaced and unloaded meanwhile
many_servers    anybody deletes services with many servers
device_goes     the device goes by which IPv6 is routed directly, and the namespace of such a device

SECONDS (10) is how long hooks are listed; SERVICES and SERVERS (10, and 10000 each; 1000 on the debug kernel) are
how many are deleted."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import dual  # noqa: E402
import faulting  # noqa: E402
import hook_lists  # noqa: E402
import kernel  # noqa: E402
import lab as hosts  # noqa: E402
import nobody  # noqa: E402
import sockopt  # noqa: E402
from dissect import tcp  # noqa: E402
from lab import VIP  # noqa: E402
from packets import ACK, SYN  # noqa: E402
from scenario import Failed, check, equal  # noqa: E402
from sleeping_reader import PORT, QUESTIONS, Here, SleepingReader  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "10"))
SERVICES = int(os.environ.get("SERVICES", "10"))
SERVERS = int(os.environ.get("SERVERS", 10000 // kernel.LESS))
SERVER = "10.9.9.9"
# How long a device may take to go, of the seconds of a VM.
SOON = 3 * kernel.PATIENCE


def told(outcome, wanted="ok", what="a socket option"):
    equal(outcome, wanted, what)


def come_and_go(channel):
    """A service that comes and goes while hooks are listed, and then one that cannot come, because a hook has no room."""
    hook_lists.add_chains()
    channel.say(list_while(hook_lists.CHAINED, "ok", "ok"))
    hook_lists.leave_no_room()
    channel.say(list_while(hook_lists.FIRST, "E2BIG", "ESRCH"))


def list_while(hooks, added, deleted):
    """Adds and deletes a service, which has these outcomes, while another process lists hooks."""
    client, service, cycles = sockopt.Client(Here), sockopt.service(VIP, PORT), 0
    lister = nobody.Process(lambda channel: hook_lists.list_until_told(channel, hooks), rights=True)
    end = time.monotonic() + SECONDS / 2
    while time.monotonic() < end:
        told(client.set("ADD", service), added)
        told(client.set("DEL", service), deleted)
        cycles += 1
    lister.say("enough")
    said = lister.hear(60 * kernel.PATIENCE)
    lister.end()
    return f"{cycles} services were told {added}, {said}"


def hook_list():
    come, cannot_come = ask(come_and_go, SECONDS + 60, 2)
    check("with 0 of ours" not in come, "the hooks of IPVS are in no list")
    return f"{come}; {cannot_come}"


def ask(function, seconds, lines=1):
    """What anybody's process says until its end."""
    process = nobody.Process(function)
    try:
        return [process.hear(seconds * kernel.PATIENCE) for _ in range(lines)]
    finally:
        process.end()


def read_asleep(channel):
    """For each line "QUESTION SCHEDULER": sleeps amid the answer about a service, whose scheduler becomes another."""
    client, reader = sockopt.Client(Here), SleepingReader(sockopt.Client(Here))
    while line := channel.hear():
        question, scheduler = line.split()
        service = sockopt.service(VIP, PORT, scheduler=scheduler.encode())
        told(client.set("ADD", service))
        told(client.set("ADDDEST", service + sockopt.dest(SERVER, PORT)))
        check(reader.ask(question), f"{question} was answered without a sleep")
        told(client.set("EDIT", sockopt.service(VIP, PORT, scheduler=b"rr" if scheduler != "rr" else b"wrr")))
        channel.say("asleep")
        channel.hear()
        equal(reader.wake(), 0, question)
        told(client.set("DEL", service))
        channel.say("awake")


def sleeping_reader():
    faulting.allow_everybody()
    reader, kept = nobody.Process(read_asleep), 0
    try:
        for question in QUESTIONS:
            for module in kernel.SCHEDULERS_AT_START:
                reader.say(f"{question} {module.removeprefix('ip_vs_')}")
                reader.hear(60)
                outcome = kernel.unload(module)
                check(outcome in ("ok", "EAGAIN"), f"unloading {module}: {outcome}")
                kept += outcome != "ok"
                reader.say("go on")
                reader.hear(60)
                if outcome != "ok":
                    unload_soon(module)
                kernel.load(module)
    finally:
        reader.end()
    return f"{len(QUESTIONS) * len(kernel.SCHEDULERS_AT_START)} readers, {kept} of which kept the module"


def unload_soon(module):
    """A module that was used a moment ago can be unloaded."""
    end = time.monotonic() + SOON
    while (outcome := kernel.unload(module)) != "ok":
        check(time.monotonic() < end, f"unloading {module}: {outcome}")
        time.sleep(0.01)


def delete_many(channel):
    client, began = sockopt.Client(Here), time.monotonic()
    services = [sockopt.service(VIP, PORT + number) for number in range(SERVICES)]
    for number, service in enumerate(services):
        told(client.set("ADD", service))
        for server in range(SERVERS):
            high, low = divmod(number * SERVERS + server, 1 << 16)
            told(client.set("ADDDEST", service + sockopt.dest(f"11.{high}.{low >> 8}.{low & 255}", PORT)))
    added = time.monotonic()
    for number, service in enumerate(services):
        told(client.set("DEL", service), what=f"deleting service {number} of {SERVICES} with {SERVERS} servers")
    channel.say(f"{SERVICES} services with {SERVERS} servers, added in {added - began:.1f} s, "
                f"deleted in {time.monotonic() - added:.1f} s")


def many_servers():
    return ask(delete_many, 600)[0]


def device_goes():
    for what in ("device", "namespace"):
        lab = dual.DualWires()
        where = dual.end(dual.VIP6, PORT)
        lab.director.ipvs(f"-A -t {where} -s rr", f"-a -t {where} -r {dual.end(dual.server(6), PORT)} -g")
        for flags in (SYN, ACK):
            equal([name for name, _ in lab.client_sends(tcp(dual.CLIENT6, 2000, dual.VIP6, PORT, flags))], ["server1"],
                  "where a segment went")
        if what == "device":
            lost = subprocess.Popen(["ip", "-n", lab.director.name, "link", "del", "s1"])
            try:
                lost.wait(SOON)
            except subprocess.TimeoutExpired:
                # Lets it go, so that others may still be tried.
                lab.director.ipvs("-C")
                raise Failed("the device does not go") from None
        hosts.remove_all()
        kernel.wait_for_modules(kernel.idle, SOON)
    return "both have gone"


# So long may a CPU of a busy host stand still before the kernel complains, in seconds.
STALL_TIMEOUT = "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", "300"

PARTS = {part.__name__: part for part in (many_servers, hook_list, device_goes, sleeping_reader)}


def main():
    kernel.load("ip_vs", "nf_tables", "nfnetlink_hook", *kernel.SCHEDULERS_AT_START)
    hosts.prepare_kernel()
    path, seconds = STALL_TIMEOUT
    with open(path, "w", encoding="ascii") as file:
        file.write(seconds)
    log, failures = kernel.Log(), 0
    if kernel.IS_DEBUG:
        checkers.begin()
    kernel.idle = kernel.modules()
    for name in sys.argv[1:] or PARTS:
        print(f"reproduce: {name} begins", flush=True)
        reason = told_of = ""
        began = time.monotonic()
        try:
            told_of = PARTS[name]()
            kernel.wait_for_modules(kernel.idle, SOON)
        except Failed as error:
            reason = " / ".join(str(error).splitlines())
        trouble = log.trouble(log.new_lines())
        reason = f"{reason}; the log: {trouble[0]}" if trouble else reason
        told_of = f"{told_of} ({time.monotonic() - began:.1f} s)"
        failures += checkers.verdict(f"reproduce: {name}" + ("" if reason else f": {told_of}"), reason)
    if kernel.IS_DEBUG:
        failures += checkers.end(log)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
