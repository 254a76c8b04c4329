#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Overload: new clients from random addresses at more than the machine can take, with and without each defence.

    flooder --- director --- servers        pktgen gives the director all it can; some clients keep talking meanwhile
    client  ---/

Counts instructions for time (scripts/vm -i), so both modules get the same machine. Prints a row for each flood and
defence, as JSON to /out/flood.json too. What must hold: the conversations go on and none breaks, the table stays within
conn_max, and within 5 s after the flood the pace is back; a new client is then served, unless conn_max keeps it out."""

import json
import os
import select
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import kernel  # noqa: E402
import lab as hosts  # noqa: E402
import pktgen  # noqa: E402
from lab import VIP, Host, Topology, mac, server_address  # noqa: E402

CALM, FLOOD, AFTER = 0.5, float(os.environ.get("FLOOD", "1")), 5.0
CONVERSATIONS, QUESTION = 8, b"q" * 200
CONN_MAX = 10000
# A flood of SYNs is one of datagrams that the director's wire turns into SYNs, as pktgen knows UDP only.
INTO_SYN = """table netdev flood { chain arriving { type filter hook ingress device "f1" priority 0;
ip protocol udp @th,96,16 set 0x5002 ip protocol set 6; }; }
"""
FLOODS = {"udp": "", "syn": INTO_SYN}
DEFENCES = {"none": {}, "drop_entry": {"drop_entry": 3}, "drop_packet": {"drop_packet": 3, "am_droprate": 10},
            "secure_tcp": {"secure_tcp": 3}, "conn_max": {"conn_max": CONN_MAX}}
IGNORE = 'table ip quiet { chain arriving { type filter hook prerouting priority raw; ip saddr 11.0.0.0/8 drop; }; }\n'


class Overload(Topology):
    """The usual hosts and one more, the flooder."""

    def __init__(self):
        super().__init__(servers=1)
        hosts.run("ip", "netns", "add", "flooder")
        self.flooder = Host("flooder")
        hosts.run("ip", "link", "add", "f0", "netns", "flooder", "address", mac(5), "type", "veth", "peer", "f1",
                  "netns", "director", "address", mac(6))
        self.flooder.ip("link set f0 up")
        self.director.ip("link set f1 up")
        for server in self.servers:
            server.run("nft", "-f", "-", text=IGNORE)
        address = server_address(1)
        self.director.ipvs(f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {address}:80 -m",
                           f"-A -u {VIP}:80 -s rr", f"-a -u {VIP}:80 -r {address}:80 -m")
        self.listener = self.servers[0].listen(address, 80)

    def flood(self, kind):
        """Starts the flood in a process of its own, and returns that."""
        if FLOODS[kind]:
            self.director.run("nft", "-f", "-", text=FLOODS[kind])
        child = os.fork()
        if child:
            return child
        with self.flooder:
            pktgen.write(pktgen.THREAD, "rem_device_all\n")
            pktgen.write(pktgen.THREAD, "add_device f0\n")
            for line in ("count 0", "pkt_size 60", "delay 0", "clone_skb 0", f"dst_mac {mac(6)}", f"dst_min {VIP}",
                         f"dst_max {VIP}", "src_min 11.0.0.1", "src_max 11.255.255.254", "flag IPSRC_RND",
                         "flag UDPSRC_RND", "udp_src_min 1024", "udp_src_max 65535", "udp_dst_min 80", "udp_dst_max 80"):
                pktgen.write("/proc/net/pktgen/f0", line + "\n")
            pktgen.write("/proc/net/pktgen/pgctrl", "start\n")
        os._exit(0)

    def stop(self, child):
        """Ends the flood and returns how many packets it had."""
        with self.flooder:
            pktgen.write("/proc/net/pktgen/pgctrl", "stop\n")
        os.waitpid(child, 0)
        report = self.flooder.read("/proc/net/pktgen/f0")
        self.director.run("nft", "flush", "ruleset")
        return int(report.split("pkts-sofar: ")[1].split()[0])

    def connections(self):
        """How many the director has, as it says itself."""
        for line in self.director.read("/proc/net/ip_vs_status").splitlines():
            if line.startswith("Conns:"):
                return int(line.split()[1])
        return 0


def memory():
    """Kernel memory in use, in kB."""
    with open("/proc/meminfo", encoding="ascii") as file:
        rows = dict(line.split(":") for line in file)
    return sum(int(rows[name].split()[0]) for name in ("Slab", "Percpu", "VmallocUsed"))


class Talk:
    """Open conversations: a question, and its answer from the server."""

    def __init__(self, lab):
        self.pairs, self.longest, self.broken = [], 0.0, 0
        for _ in range(CONVERSATIONS):
            near = lab.client.connect(VIP, 80)
            far, _ = lab.listener.accept()
            self.pairs.append((near, far))

    def round(self):
        """One exchange of each; returns how many came through."""
        done = 0
        for near, far in self.pairs:
            start = time.monotonic()
            try:
                near.sendall(QUESTION)
                far.settimeout(3)
                far.sendall(far.recv(4096)[::-1])
                near.settimeout(3)
                done += len(near.recv(4096)) == len(QUESTION)
            except OSError:
                self.broken += 1
            self.longest = max(self.longest, time.monotonic() - start)
        return done

    def pace(self, seconds):
        """Exchanges in a second, over so many."""
        start, done = time.monotonic(), 0
        while time.monotonic() < start + seconds:
            done += self.round()
        return done / (time.monotonic() - start)

    def close(self):
        for pair in self.pairs:
            for one in pair:
                one.close()


def new_client(lab):
    """Whether a new client is served now."""
    with lab.client.socket(socket.AF_INET, socket.SOCK_STREAM) as near:
        near.settimeout(1.5)
        try:
            near.connect((VIP, 80))
        except OSError:
            return False
        if select.select([lab.listener], [], [], 1)[0]:
            lab.listener.accept()[0].close()
        return True


def measure(kind, defence):
    """One flood against one defence, on a director of its own."""
    lab = Overload()
    for setting, value in DEFENCES[defence].items():
        lab.director.ipvs_sysctl(setting, value)
    talk = Talk(lab)
    before, kept = talk.pace(CALM), memory()
    talk.longest = 0.0
    child = lab.flood(kind)
    during = talk.pace(FLOOD)
    packets, connections, grown = lab.stop(child), lab.connections(), memory() - kept
    longest, over, recovery = talk.longest, time.monotonic(), None
    while recovery is None and time.monotonic() < over + AFTER:
        if talk.pace(0.2) > 0.8 * before:
            recovery = time.monotonic() - over
    served = any(new_client(lab) for _ in range(3))
    broken = talk.broken
    talk.close()
    lab.listener.close()
    hosts.remove_all()
    return {"flood": kind, "defence": defence, "packets/s": round(packets / FLOOD), "before/s": round(before),
            "during/s": round(during), "longest ms": round(longest * 1000, 1), "broken": broken, "connections": connections,
            "memory MB": round(grown / 1024, 1), "recovery s": None if recovery is None else round(recovery, 2), "new client served": served}


def fault(row):
    """What does not hold, or nothing."""
    faults = []
    if row["broken"] or not row["during/s"]:
        faults.append(f"{row['broken']} exchanges broken, {row['during/s']} in a second")
    if row["defence"] == "conn_max" and row["connections"] > CONN_MAX:
        faults.append(f"{row['connections']} connections, conn_max {CONN_MAX}")
    if row["recovery s"] is None:
        faults.append("no recovery within 5 s")
    # A table that is full stays so until the flood's connections end: that is what conn_max asks for.
    if not row["new client served"] and row["defence"] != "conn_max":
        faults.append("a new client is not served")
    return "; ".join(faults)


def main():
    kernel.load("ip_vs", "nf_tables", "pktgen", *kernel.SCHEDULERS_AT_START)
    hosts.prepare_kernel()
    log, rows, failures = kernel.Log(), [], 0
    for kind in FLOODS:
        for defence in DEFENCES:
            if sys.argv[1:] and f"{kind}.{defence}" not in sys.argv[1:]:
                continue
            rows.append(measure(kind, defence))
            text = ", ".join(f"{name} {value}" for name, value in rows[-1].items())
            failures += checkers.verdict(f"flood: {text}", fault(rows[-1]))
    with open("/out/flood.json", "w", encoding="ascii") as file:
        json.dump(rows, file, indent=1)
    trouble = log.trouble(log.new_lines())
    failures += checkers.verdict("flood: the log is clean", trouble and trouble[0])
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
