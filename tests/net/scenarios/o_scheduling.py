# SPDX-License-Identifier: GPL-2.0
"""Scheduling as a whole: on all processors at once, while the scheduler is changed, by chance, by a fifteenth scheduler."""

import os
import re
import time

import kernel
import pktgen
from balance import CLIENTS, MARKED, Balancer
from lab import VIP, Topology, mac, run, use_all_processors
from packets import TCP, UDP
from scenario import Failed, check, equal, scenario

# make test-parallel takes more time.
SECONDS = float(os.environ.get("PARALLEL_SECONDS", "4"))
BURST = 5000
EXAMPLE = f"{kernel.BUILD}/example/ip_vs_first.ko"


def flood(lab, seconds):
    """Every processor opens connections from an address of its own until the time is over."""
    use_all_processors()
    kernel.load("pktgen")
    end = time.monotonic() + seconds
    with lab.client:
        devices = [pktgen.Device("c0", cpu) for cpu in range(os.cpu_count())]
        for cpu, device in enumerate(devices):
            device.set(count=BURST, pkt_size=60, delay=0, clone_skb=0, dst_mac=mac(2), dst_min=VIP, dst_max=VIP,
                       src_min=f"10.0.0.{10 + cpu}", src_max=f"10.0.0.{10 + cpu}", udp_src_min=1024, udp_src_max=65000,
                       udp_dst_min=80, udp_dst_max=80)
        net = 0
        while time.monotonic() < end:
            # Other clients each time: those of a burst that was just before still have their connections.
            net = net % 250 + 1
            for cpu, device in enumerate(devices):
                device.set(src_min=f"10.0.{net}.{10 + cpu}", src_max=f"10.0.{net}.{10 + cpu}")
            pktgen.start()


def connections_per_server(lab):
    """{server port: connections since the server was added}."""
    said = lab.director.ipvsadm("-Ln", "--stats", "--exact")
    found = re.findall(r"-> \S+:(\d+) +(\d+) ", said)
    return {int(port): int(count) for port, count in found}


@scenario
def rr_and_wrr_share_connections_on_all_processors(t):
    for scheduler, weights in (("rr", {"a": 1, "b": 1, "c": 1, "d": 1}), ("wrr", {"a": 5, "b": 3, "c": 1, "d": 1})):
        lab = Balancer(scheduler, protocol=UDP, tag=scheduler)
        lab.from_client.socket.close()
        lab.from_server[0].socket.close()
        for letter, weight in weights.items():
            lab.add(letter, weight)
        lab.director.ipvs("--set 0 0 1")
        flood(lab, SECONDS)
        counts = connections_per_server(lab)
        total = sum(counts.values())
        check(total > 1000 * SECONDS, f"{scheduler}: only {total} connections")
        for letter, weight in weights.items():
            count, wanted = counts[8001 + ord(letter) - ord("a")], total * weight / sum(weights.values())
            check(abs(count - wanted) <= wanted / 100, f"{scheduler}: {count} connections instead of {wanted:.0f}")
        print(f"   {scheduler}: {counts} on {os.cpu_count()} processors", flush=True)
        t.note(f"{scheduler}: as the weights say")


@scenario
def a_new_scheduler_leaves_no_moment_without_one(t):
    lab = Balancer("rr")
    for letter in "abc":
        lab.add(letter)
    for scheduler in "wrr lc wlc sed nq fo sh dh mh lblc lblcr rr".split():
        before = lab.ports
        for port in range(before, before + 20):
            lab.from_client.send(lab.packet(port, "10.0.0.9", VIP))
        lab.schedule_by(scheduler)
        for port in range(before + 20, before + 40):
            lab.from_client.send(lab.packet(port, "10.0.0.9", VIP))
        lab.ports += 40
        equal(sorted(lab.reached()), list(range(before, before + 40)), f"connections around the change to {scheduler}")
        t.note(scheduler, "took over")


@scenario(rust_only=True)
def no_connection_is_refused_while_the_scheduler_changes(t):
    """The C module has no scheduler for a moment, and refuses some hundred connections here."""
    lab = Balancer("rr", protocol=UDP)
    lab.from_client.socket.close()
    lab.from_server[0].socket.close()
    for letter in "abc":
        lab.add(letter)
    child = os.fork()
    if child == 0:
        try:
            for number in range(40):
                lab.schedule_by(("wlc", "mh", "lblcr", "wrr")[number % 4])
                time.sleep(0.02)
        finally:
            os._exit(0)
    flood(lab, 2)
    equal(os.waitpid(child, 0)[1], 0, "the status of who changes the scheduler")
    refused = re.search(r"^Icmp: .*\nIcmp: (.*)$", lab.director.read("/proc/net/snmp"), re.MULTILINE)
    names = re.search(r"^Icmp: (.*)$", lab.director.read("/proc/net/snmp"), re.MULTILINE)[1].split()
    unreachable = int(refused[1].split()[names.index("OutDestUnreachs")])
    equal(unreachable, 0, "connections for which there was no server")
    t.note("none")


def chi_square(counts, weights):
    """How far counts are from what the weights say."""
    total = sum(counts)
    wanted = [total * weight / sum(weights) for weight in weights]
    return sum((count - expected) ** 2 / expected for count, expected in zip(counts, wanted))


@scenario
def script_for_twos(t):
    """Of idle servers the first drawn is chosen, so that connections without a state are shared by weight."""
    lab = Balancer("twos", protocol=TCP)
    weights = {"a": 4, "b": 3, "c": 2, "d": 1}
    for letter, weight in reversed(weights.items()):
        lab.add(letter, weight)
    lab.add("e", 0)
    letters = "".join(lab.connect([(CLIENTS[number % 100], VIP) for number in range(50)]) for _ in range(40))
    equal(len(letters), 2000, "connections")
    counts = [letters.count(letter) for letter in weights]
    equal(sum(counts), 2000, "connections of servers with a weight")
    # The better one of two evens out: much closer to the weights than chance alone, for which 16.3 is the limit of 0.1 %.
    figure = chi_square(counts, list(weights.values()))
    check(figure < 16.3, f"chi-square {figure:.1f}: {counts}")
    t.note("shared by weight, nobody of weight 0")
    lab.edit("a", 0)
    lab.delete("b")
    lab.add("b", 7)
    letters = "".join(lab.connect([(CLIENTS[number % 100], VIP) for number in range(50)]) for _ in range(10))
    check("a" not in letters and "e" not in letters and "-" not in letters, f"weight 0 was chosen: {letters}")
    check(letters.count("b") > letters.count("c"), "a new server with much weight gets little")
    t.note("a is quiesced, b is new")


@scenario
def expiration_of_destinations_is_a_setting(t):
    lab = Topology()
    for name in ("lblc_expiration", "lblcr_expiration"):
        path = f"/proc/sys/net/ipv4/vs/{name}"
        t.note(name, lab.director.read(path).strip(), oct(os.stat(path).st_mode & 0o777))
        for value in ("1", "0", "-5", "8589934", "8589935", "x"):
            try:
                lab.director.ipvs_sysctl(name, value)
                t.note(value, "is", lab.director.read(path).strip())
            except OSError as error:
                t.note(value, error.strerror)
    own = run("unshare", "--user", "--map-root-user", "--net", "ls", "/proc/sys/net/ipv4/vs")
    t.note("in another user namespace:", [name for name in own.split() if name.startswith("lblc")])
    for module in ("ip_vs_lblc", "ip_vs_lblcr"):
        equal(kernel.unload(module), "ok", f"removing {module}")
    with lab.director:
        t.note("without the modules:", [name for name in os.listdir("/proc/sys/net/ipv4/vs") if name.startswith("lblc")])
    kernel.load("ip_vs_lblc", "ip_vs_lblcr")


@scenario
def lblcr_thins_out_a_set_after_its_time(t):
    lab = Balancer("lblcr", mark=7)
    lab.director.ipvs_sysctl("lblcr_expiration", 1)
    for letter in "abcd":
        lab.add(letter, 4)
    for _ in range(4):
        t.note("grows:", lab.connect([(client, MARKED[0]) for client in CLIENTS[:12]]))
    for _ in range(4):
        time.sleep(2.2)
        t.note("after a while:", lab.connect([(client, MARKED[0]) for client in CLIENTS[:6]]))


@scenario(rust_only=True)
def a_fifteenth_scheduler_from_the_contributors_page(t):
    if not os.path.exists(EXAMPLE):
        t.note("the example is not built")
        return
    lab = Balancer("first")
    for letter in "abc":
        lab.add(letter)
    t.note(lab.connect([(client, VIP) for client in CLIENTS[:4]]))
    lab.edit("c", 0)
    t.note(lab.connect([(client, VIP) for client in CLIENTS[:4]]))
    lab.do("DEL_SERVICE", lab.service())
    if kernel.unload("ip_vs_first") != "ok":
        raise Failed("the fifteenth scheduler cannot be removed")
