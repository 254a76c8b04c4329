# SPDX-License-Identifier: GPL-2.0
"""What there is memory for, and what needs none: an unprivileged user with a user and a network namespace of his own."""

import mmap
import os
import struct

import contained
import kernel
import sockopt
from lab import VIP, run
from scenario import check, equal, scenario
from views import wait_until

# In two services, so that anything that is twice as large as for the first of them does not fit into one piece of 4 MB.
MANY, FEW = 66000, 1


def add_and_delete(place):
    """Two services with many servers, deleted again. Returns what was refused first."""
    run("ip", "link", "set", "lo", "up")
    client = sockopt.Client(place)
    said = []
    for port, count in ((80, MANY), (81, FEW)):
        service = sockopt.service(VIP, port)
        said.append((f"add a service at port {port}", client.set("ADD", service)))
        for number in range(count):
            server = sockopt.dest(f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}", 80)
            said.append((f"add server {number}", client.set("ADDDEST", service + server)))
    for port in (80, 81):
        said.append((f"delete the service at port {port}", client.set("DEL", sockopt.service(VIP, port))))
    return [row for row in said if row[1] != "ok"][:9]


@scenario(rust_only=True)
def a_nobody_deletes_more_servers_than_lie_in_one_piece(_):
    equal(contained.call(contained.in_container_of_nobody, add_and_delete), [], "what was refused")


class Cgroup:
    """A control group that may have so many bytes."""

    ROOT = "/tmp/cgroup"

    def __init__(self, limit):
        if not os.path.isdir(self.ROOT):
            os.mkdir(self.ROOT)
            run("mount", "-t", "cgroup2", "none", self.ROOT)
        self.write("cgroup.subtree_control", "+memory")
        self.path = f"{self.ROOT}/scenario"
        os.mkdir(self.path)
        self.write("scenario/memory.max", limit)

    def write(self, name, value):
        with open(f"{self.ROOT}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))

    def enter(self, process):
        self.write("scenario/cgroup.procs", process)

    def used(self):
        with open(f"{self.path}/memory.current", encoding="ascii") as file:
            return int(file.read())

    def killed(self):
        """How many processes were killed for want of memory in this group."""
        with open(f"{self.path}/memory.events", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith("oom_kill ")))

    def remove(self):
        wait_until(lambda: removed(self.path), 10, "the end of all that was charged to the group")


def removed(path):
    try:
        os.rmdir(path)
        return True
    except OSError:
        return False


def killed_anywhere():
    with open("/proc/vmstat", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("oom_kill ")))


def add_without_end(place, count, first, more):
    """Adds so many servers, says so through the pipe `first`, waits for a word through `more`, and adds servers until that is
    refused. The number of servers is kept in `count`, which outlives the process."""
    run("ip", "link", "set", "lo", "up")
    client, service = sockopt.Client(place), sockopt.service(VIP, 80)
    equal(client.set("ADD", service), "ok", "the service")
    for number in range(MOST):
        if number == SOME:
            os.write(first, b"x")
            os.read(more, 1)
        server = sockopt.dest(f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}", 80)
        outcome = client.set("ADDDEST", service + server)
        if outcome != "ok":
            return outcome
        count[:8] = (number + 1).to_bytes(8, "little")
    return "without end"


# A server takes 400 bytes at least, wherever they are counted; so many of them are far more than the group may have.
SOME, MOST, LEAST, LIMIT = 10000, 500000, 400, 48 << 20


@scenario(rust_only=True)
def what_a_nobody_adds_is_charged_to_his_cgroup(t):
    group, before = Cgroup(LIMIT), killed_anywhere()
    count, (first, more) = mmap.mmap(-1, 4096), (os.pipe(), os.pipe())
    child = os.fork()
    if child == 0:
        try:
            os.read(more[0], 1)
            contained.in_container_of_nobody()
            outcome = add_without_end(contained.Place, count, first[1], more[0])
            os.write(first[1], outcome.encode())
        finally:
            os._exit(0)
    os.close(first[1])
    group.enter(child)
    os.write(more[1], b"x")
    used = group.used()
    equal(os.read(first[0], 1), b"x", "the first servers")
    charged = group.used() - used
    check(charged >= SOME * LEAST, f"{charged} bytes are charged for {SOME} servers")
    os.write(more[1], b"x")
    refused = os.read(first[0], 100)
    os.waitpid(child, 0)
    number = int.from_bytes(count[:8], "little")
    check(SOME < number < LIMIT // LEAST, f"{number} servers within {LIMIT} bytes")
    check(refused == b"ENOMEM" or not refused and group.killed() == 1, f"the last one: {refused}, {group.killed()} killed")
    equal(killed_anywhere() - before, group.killed(), "processes killed for want of memory, and those of the group")
    for end in (first[0], *more):
        os.close(end)
    group.remove()
    t.note("no more than the group may have")


def shout(place):
    """What fails with a line in the log, many times."""
    client = sockopt.Client(place)
    for turn in range(200):
        client.get("SERVICES", bytes(8), 7)
        client.get("SERVICES", bytes(9))
        # Few, as each waits for modprobe: ten lines in five seconds are allowed.
        if turn < 5:
            client.set("ADD", sockopt.service(VIP, 80, scheduler=b"nonesuch"))
        client.set("STARTDAEMON", struct.pack("=i16si", 1, b"lo", 1))


@scenario(rust_only=True)
def a_nobody_cannot_flood_the_log(t):
    log = kernel.Log()
    contained.call(contained.in_container_of_nobody, shout)
    lines = [line for line in log.new_lines() if "callbacks suppressed" not in line]
    check(0 < len(lines) < 50, f"{len(lines)} lines, the first of them {lines[:3]}")
    t.note("a few lines only")
