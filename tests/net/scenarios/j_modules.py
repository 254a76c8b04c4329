# SPDX-License-Identifier: GPL-2.0
"""Loading, autoloading and removing modules."""

import contextlib
import errno
import itertools
import os
import pathlib
import subprocess
import threading
import time

import kernel
import sockopt
from faulting import Buffer
from genl import Client, attributes
from lab import CLIENT, VIP, Topology, run, server_address
from packets import udp
from scenario import check, equal, scenario
from views import table
from wire import Wires

WEB = f"-t {VIP}:80"
SECOND = "second_balancer"
# What removing a module says as long as somebody uses it.
BUSY = errno.errorcode[errno.EWOULDBLOCK]
READINGS = f"/proc/net/{SECOND}"
CONTROLLER, GET_FAMILY, FAMILY_NAME, DUMP = 16, 3, 2, 0x300


def families(client):
    """The names of all generic netlink families; unlike a question for one, this loads no module."""
    known, client.family = client.family, CONTROLLER
    replies = client.ask(GET_FAMILY, flags=DUMP)[1]
    client.family = known
    return {dict(attributes(payload))[FAMILY_NAME].rstrip(b"\0").decode() for _, _, payload in replies}


def traces(client):
    """What an IPVS module leaves in the system."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        symbols = any(line.rstrip().endswith("[ip_vs]") for line in file)
    threads = [pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii") for pid in os.listdir("/proc")
               if pid.isdigit()]
    with open("/proc/slabinfo", encoding="ascii") as file:
        slabs = any(line.startswith("ip_vs") for line in file)
    return {
        "files in /proc/net": sorted(name for name in os.listdir("/proc/net") if name.startswith("ip_vs")),
        "sysctl directory": os.path.exists("/proc/sys/net/ipv4/vs"),
        "netlink family": "IPVS" in families(client),
        "symbols": symbols,
        "threads": sum(name.startswith("ipvs") for name in threads),
        "slab cache": slabs,
        "parameters": os.path.exists("/sys/module/ip_vs"),
    }


def changes(before):
    """Use counts that are not what they were, as name and difference."""
    now = kernel.modules()
    return " ".join(f"{name} {now.get(name, 0) - before.get(name, 0):+d}" for name in sorted(now | before)
                    if now.get(name) != before.get(name)) or "none"


@scenario
def schedulers_are_loaded_by_name(t):
    lab = Topology()
    for name in kernel.SCHEDULERS_AT_START:
        equal(kernel.unload(name), "ok", f"removing {name}")
    for name in kernel.SCHEDULERS_AT_START:
        scheduler = name.removeprefix("ip_vs_")
        lab.director.ipvs(f"-A {WEB} -s {scheduler}")
        t.note(f"{name} loaded for a new service:", name in kernel.modules())
        lab.director.ipvs(f"-D {WEB}")
    equal(kernel.unload("ip_vs_wlc"), "ok", "removing ip_vs_wlc")
    lab.director.ipvs(f"-A {WEB} -s rr", f"-E {WEB} -s wlc")
    t.note("ip_vs_wlc loaded for an edited service:", "ip_vs_wlc" in kernel.modules())
    for name in ("nonesuch", "../ip_vs_rr", "rr ", "none"):
        t.note(f"scheduler {name!r}:", lab.director.ipvsadm("-A", "-t", f"{VIP}:81", "-s", name).strip() or "accepted")
    t.note("edit to an unknown one:", lab.director.ipvsadm("-E", "-t", f"{VIP}:80", "-s", "nonesuch").strip())
    t.block("table", table(lab.director))


@scenario
def use_counts_follow_services(t):
    lab = Topology()
    start = kernel.modules()
    for title, lines in {
            "first service": [f"-A {WEB} -s rr"], "second": [f"-A -u {VIP}:53 -s rr"],
            "server": [f"-a {WEB} -r {server_address(1)}:80 -m"], "third, wlc": [f"-A -t {VIP}:81 -s wlc"],
            "rr to wlc": [f"-E {WEB} -s wlc"], "one less": [f"-D -u {VIP}:53"], "flush": ["-C"]}.items():
        lab.director.ipvs(*lines)
        t.note(f"{title}:", changes(start))
    t.note("refused service:", lab.director.ipvsadm("-A", "-t", f"{VIP}:80", "-s", "nonesuch").strip(), changes(start))
    lab.director.ipvs(f"-A {WEB} -s rr")
    t.note("the same again:", lab.director.ipvsadm("-A", "-t", f"{VIP}:80", "-s", "wlc").strip(), changes(start))
    t.note("rmmod ip_vs_rr in use:", kernel.unload("ip_vs_rr"))
    t.note("rmmod ip_vs_wlc not in use:", kernel.unload("ip_vs_wlc"))
    t.note("rmmod ip_vs in use:", kernel.unload("ip_vs"))
    kernel.load("ip_vs_wlc")
    lab.director.ipvs("-C")
    kernel.wait_for_modules(start)


@scenario
def a_reader_that_sleeps_keeps_no_scheduler(t):
    """What the kernel has in hand for a reader must outlive the reader's sleep, or not need the scheduler that goes."""
    lab = Topology(servers=2)
    lab.director.ipvs(f"-A {WEB} -s sh", *(f"-a {WEB} -r {server_address(number)}:80 -m" for number in (1, 2)))
    buffer, client, answers = Buffer(), sockopt.Client(lab.director), []
    length = 2 * sockopt.DEST_ENTRY_SIZE
    start = buffer.put(sockopt.dests_header(VIP, 80, count=2))
    size = buffer.edge - start + length
    reader = threading.Thread(target=lambda: answers.append(client.call_get(sockopt.GET["DESTS"], start, size)))
    reader.start()
    buffer.wait()
    with lab.director:
        edit = subprocess.Popen(["ipvsadm", "-E", *WEB.split(), "-s", "wrr"])
    try:
        edit.wait(3 * kernel.PATIENCE)
        t.note("asleep: the edit", "is done")
    except subprocess.TimeoutExpired:
        t.note("asleep: the edit", "waits")
    t.note("asleep: rmmod ip_vs_sh:", kernel.unload("ip_vs_sh"))
    buffer.fill()
    reader.join()
    equal(edit.wait(), 0, "status of ipvsadm")
    t.note("awake: the reader got", answers)
    rows, row = buffer.behind(length), sockopt.DEST_ENTRY_SIZE
    t.block("the servers", [rows[at:at + row].hex(" ", 4) for at in (0, row)])
    t.block("table", table(lab.director))
    if "ip_vs_sh" in kernel.modules():
        equal(kernel.unload("ip_vs_sh"), "ok", "removing ip_vs_sh")
    kernel.load("ip_vs_sh")
    client.socket.close()


@scenario
def removing_the_modules_leaves_nothing(t):
    lab = Wires()
    client = Client(lab.client)
    for name, found in traces(client).items():
        t.note(f"loaded: {name}:", found)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
    equal(lab.chosen(*(udp(CLIENT, port, VIP, 53, b"x") for port in range(2000, 2050))), [1] * 50, "servers")
    t.note("rmmod with a service:", kernel.unload("ip_vs"))
    lab.director.ipvs("-C")
    # 50 connections are still there, and the memory of a deleted server.
    kernel.unload_all()
    for name, found in traces(client).items():
        t.note(f"removed: {name}:", found)
        check(not found, f"{name} after the modules were removed: {found}")
    with lab.director:
        left = [name for name in os.listdir("/proc/self/net") if name.startswith("ip_vs")]
    check(not left, f"files in a namespace after the modules were removed: {left}")
    lab.collect()
    check(Client(lab.client).family, "asking for the family did not load the module")
    t.note("asking for the netlink family loads", sorted(kernel.modules()))
    kernel.load(*kernel.SCHEDULERS_AT_START)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
    t.note("works again:", lab.chosen(udp(CLIENT, 2000, VIP, 53, b"x")))


@scenario(rust_only=True)
def modinfo_says_that_it_is_the_rust_module(t):
    said = Topology().client.run("modinfo", "-F", "description", "ip_vs").strip()
    check("Rust" in said, f"no word of Rust in {said!r}")
    t.note(said)


@scenario(rust_only=True)
def a_scheduler_of_another_build_is_refused(t):
    path = f"{kernel.BUILD}/stale/ip_vs_rr.ko.stale"
    check(os.path.exists(path), "no stale scheduler: scripts/stale-scheduler.sh makes one")
    lab = Topology()
    equal(kernel.unload("ip_vs_rr"), "ok", "removing ip_vs_rr")
    said = lab.client.run("insmod", path, check=False).strip()
    loaded = "ip_vs_rr" in kernel.modules()
    kernel.load("ip_vs_rr")
    check(not loaded, "a scheduler with another interface was loaded")
    t.note("insmod of a stale scheduler:", said)


@scenario(rust_only=True)
def a_helper_of_another_build_is_refused(t):
    path = built("stale/ip_vs_ftp.ko.stale", "stale-scheduler.sh")
    said = insert(path)
    check(kernel.use_count("ip_vs_ftp") is None, "a helper with another interface was loaded")
    t.note("insmod of a stale helper:", said)


def built(path, script):
    """A module that a script leaves in the build folder, by a name that keeps it from being installed."""
    path = f"{kernel.BUILD}/{path}"
    check(os.path.exists(path), f"no {path}: scripts/{script} makes it")
    return path


def insert(path):
    """Loads a module from a file; returns what insmod complains about."""
    return run("insmod", path, check=False).strip()


def path_of(name):
    return run("modinfo", "-n", name).strip()


def read(path):
    return pathlib.Path(path).read_text(encoding="ascii").strip()


@contextlib.contextmanager
def no_modules_of_ours():
    """Nothing of ours is loaded, the base neither; in the end it is what it was."""
    kernel.unload_all()
    equal(kernel.unload(kernel.BASE), "ok", "removing the base")
    try:
        yield
    finally:
        for name in (SECOND, "ip_vs", kernel.BASE):
            kernel.unload(name)
        kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)


@scenario(rust_only=True)
def two_balancers_stand_on_one_base(t):
    """They come and go in any order, and the base can go when both have gone, but not before."""
    second = built("second/second_balancer.ko.test", "second-balancer.sh")
    lab = Wires()
    packet = udp(CLIENT, 2000, VIP, 53, b"x")
    names = ("ip_vs", SECOND)
    for first_in, first_out in itertools.product(names, names):
        with no_modules_of_ours():
            if first_in == SECOND:
                # By hand, as nobody has told modprobe of it.
                kernel.load(kernel.BASE)
                equal(insert(second), "", "loading the second balancer")
            kernel.load("ip_vs", "ip_vs_rr")
            if first_in == "ip_vs":
                equal(insert(second), "", "loading the second balancer")
            count = kernel.use_count(kernel.BASE)
            check(count >= 2, f"the base is used {count} times")
            equal(kernel.unload(kernel.BASE), BUSY, "removing the base under two balancers")
            lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
            t.note(f"{first_in} first:", lab.chosen(packet), read(READINGS), "/", read(READINGS))
            lab.director.ipvs("-C")
            if first_out == SECOND:
                equal(kernel.unload(SECOND), "ok", "removing the second balancer")
                check(not os.path.exists(READINGS), "its file stays")
                lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
                t.note("ip_vs alone:", lab.chosen(packet))
                lab.director.ipvs("-C")
            kernel.unload_all()
            if first_out == "ip_vs":
                t.note("the second alone:", read(READINGS))
                equal(kernel.unload(kernel.BASE), BUSY, "removing the base under one balancer")
                equal(kernel.unload(SECOND), "ok", "removing the second balancer")
            equal(kernel.use_count(kernel.BASE), 0, "use count of the base that nobody needs")
            equal(kernel.unload(kernel.BASE), "ok", "removing the base that nobody needs")


@scenario(rust_only=True)
def a_balancer_keeps_itself_and_not_its_base(t):
    """What asks the base to keep its own module is kept, and the base as long as it stands on that."""
    second = built("second/second_balancer.ko.test", "second-balancer.sh")
    idle = kernel.use_count(kernel.BASE)
    equal(insert(second), "", "loading the second balancer")
    base = kernel.use_count(kernel.BASE)
    equal(base, idle + 1, "use count of the base")
    t.note("stays:", read(f"{READINGS}_stays"))
    equal(kernel.use_count(SECOND), 1, "use count of the balancer that keeps itself")
    equal(kernel.use_count(kernel.BASE), base, "use count of the base meanwhile")
    equal(kernel.unload(SECOND), BUSY, "removing it meanwhile")
    t.note("stays:", read(f"{READINGS}_stays"))
    end = time.monotonic() + 10
    # The reference is given up a grace period later.
    while kernel.use_count(SECOND) and time.monotonic() < end:
        time.sleep(0.02)
    equal(kernel.unload(SECOND), "ok", "removing it then")
    equal(kernel.use_count(kernel.BASE), idle, "use count of the base after that")
    # Its objects are still to be dropped by its own code when it goes.
    for _ in range(20):
        equal(insert(second), "", "loading it again")
        for _ in range(50):
            read(READINGS)
        equal(kernel.unload(SECOND), "ok", "removing it with objects that wait for their grace period")


@scenario(rust_only=True)
def modprobe_brings_and_removes_the_base(t):
    path = path_of("ip_vs")
    with no_modules_of_ours():
        t.note("insmod without the base:", insert(path).replace(path, "ip_vs.ko"))
        check("ip_vs" not in kernel.modules(), "ip_vs was loaded without its base")
        kernel.load("ip_vs")
        equal(kernel.use_count(kernel.BASE), 1, "use count of the base")
        equal(kernel.unload("ip_vs"), "ok", "removing ip_vs")
        equal(kernel.use_count(kernel.BASE), 0, "use count of the base that rmmod leaves")
        equal(insert(path), "", "loading ip_vs by hand on the base")
        run("modprobe", "-r", "ip_vs")
        equal((kernel.modules(), kernel.use_count(kernel.BASE)), ({}, None), "left by modprobe -r")


@scenario(rust_only=True)
def a_base_of_another_build_is_refused(t):
    """A balancer finds no symbol of a base that was built from other sources, whichever of the two is the older one."""
    stale_base = built("stale-base/ipvs_rs.ko.stale", "second-balancer.sh")
    stale_balancer = built("stale-base/second_balancer.ko.test", "second-balancer.sh")
    path, balancer = path_of("ip_vs"), built("second/second_balancer.ko.test", "second-balancer.sh")
    with no_modules_of_ours():
        needed = [name for name in run("modinfo", "-F", "depends", kernel.BASE).strip().split(",") if name]
        if needed:
            run("modprobe", "-a", *needed)
        equal(insert(stale_base), "", "loading the other base")
        for name, file in (("ip_vs", path), ("the second balancer", balancer)):
            t.note(f"{name} on another base:", insert(file).replace(file, name))
        check(kernel.use_count("ip_vs") is None and kernel.use_count(SECOND) is None, "a balancer was loaded on another base")
        equal(insert(stale_balancer), "", "loading the balancer that was built with it")
        equal(kernel.unload(SECOND), "ok", "removing that balancer")
        equal(kernel.unload(kernel.BASE), "ok", "removing the other base")
        kernel.load(kernel.BASE)
        t.note("another balancer on our base:", insert(stale_balancer).replace(stale_balancer, "it"))
        check(kernel.use_count(SECOND) is None, "a balancer of another build was loaded")
