# SPDX-License-Identifier: GPL-2.0
"""The sysctl conntrack: what connection tracking knows of balanced packets, and what rules can do with them."""

import re
import time

from dissect import tcp, udp
from dual import DualWires, client, end, gateway, server, vip
from errors import UNREACHABLE_PORT, icmp, known
from packets import ACK, FIN, SYN
from scenario import check, scenario
from views import wait_until
from wire import lines

STATES = ("new", "established", "related", "untracked", "invalid")
RULES = """table inet seen {
  chain arriving { type filter hook prerouting priority -150; ct state new udp dport 53 ct mark set 7; }
  %s
}
"""
MASQUERADE = """table inet seen_nat { chain leaving { type nat hook postrouting priority srcnat; oifname "s1" masquerade; }; }
"""


def counting():
    """A chain for each point that counts UDP and TCP packets by their state."""
    chains = ""
    for point in ("input", "forward", "output", "postrouting"):
        rules = "".join(f"ct state {state} meta l4proto {{ tcp, udp }} counter; " for state in STATES)
        chains += f"chain {point}_seen {{ type filter hook {point} priority 150; {rules}}}\n"
    return chains


def seen(director):
    """What the chains have counted, without what they have not."""
    found, chain = [], ""
    for line in director.run("nft", "list", "table", "inet", "seen").splitlines():
        chain = re.sub(r".*chain (\w+)_seen.*", r"\1", line) if "_seen" in line else chain
        match = re.search(r"ct state (\w+) .*counter packets (\d+)", line)
        if match and match[2] != "0":
            found.append(f"{chain} {match[1]}: {match[2]}")
    return found or ["nothing"]


def entries(director):
    """What is tracked, without timers."""
    rows = []
    for family in ("ipv4", "ipv6"):
        for line in director.run("conntrack", "-L", "-f", family).splitlines():
            if " src=" in line and "icmp" not in line:
                words = line.split()
                rows.append(" ".join([words[0], *words[3:]]).replace(" use=1", "").replace(" use=2", ""))
    return sorted(rows) or ["none"]


def lab_with(value, version, flag, *, rules="", servers=1):
    lab = DualWires(servers=servers)
    lab.director.run("nft", "-f", "-", text=RULES % counting() + rules)
    for name in ("udp_timeout", "udp_timeout_stream", "tcp_timeout_syn_sent", "tcp_timeout_syn_recv"):
        lab.director.sysctl(f"net/netfilter/nf_conntrack_{name}", 10000)
    lab.director.ipvs_sysctl("conntrack", value)
    for letter, port in (("-u", 53), ("-t", 80)):
        virtual = f"{letter} {end(vip(version), port)}"
        lab.director.ipvs(f"-A {virtual} -s rr",
                          f"-a {virtual} -r {end(server(version), port + (8000 if flag == '-m' else 0))} {flag}")
    return lab


def conversation(t, lab, version, flag, masquerade=False):
    """A datagram and its answer, and the beginning of a TCP connection."""
    here, service = client(version), vip(version)
    nat = flag == "-m"
    answerer = server(version) if nat else service
    to = gateway(version) if masquerade else here
    offset = 8000 if nat else 0
    for title, packet in (("a question", udp(here, 2000, service, 53, b"question")),
                          ("another", udp(here, 2000, service, 53, b"question")),
                          ("SYN", tcp(here, 2000, service, 80, SYN))):
        t.block(title, lines(lab.client_sends(packet)))
    for title, packet in (("an answer", udp(answerer, 53 + offset, to, 2000, b"answer")),
                          ("SYN and ACK", tcp(answerer, 80 + offset, to, 2000, SYN | ACK))):
        t.block(title, lines(lab.server_sends(packet)))
    t.block("ACK", lines(lab.client_sends(tcp(here, 2000, service, 80, ACK))))
    error = icmp(here, service, *UNREACHABLE_PORT[version], payload=udp(service, 53, here, 2000, b"answer"))
    t.block("an error of the client", lines(lab.client_sends(error)))
    t.block("tracked", entries(lab.director))
    t.block("states", seen(lab.director))
    t.block("connections", known(lab.director))


def cell(value, version, flag, way, rules=""):
    def one(t):
        lab = lab_with(value, version, flag, rules=rules)
        conversation(t, lab, version, flag, masquerade=bool(rules) and value == 1)
    name = "masquerading" if rules else "tracking"
    one.__name__, one.__module__ = f"{name}_of_ipv{version}_with_{way}_and_conntrack_{value}", __name__
    scenario(one)


for setting in (0, 1):
    for words, name_of_way in (("-m", "nat"), ("-g", "direct_routing"), ("-i", "tunnels")):
        cell(setting, 4, words, name_of_way)
    cell(setting, 6, "-m", "nat")
    cell(setting, 4, "-m", "nat", MASQUERADE)
cell(1, 6, "-m", "nat", MASQUERADE)


@scenario
def entries_end_with_their_connections(t):
    lab = lab_with(1, 4, "-m")
    lab.director.ipvs("--set 1 1 1")
    lab.client_sends(udp(client(4), 2000, vip(4), 53, b"question"))
    check(entries(lab.director) != ["none"] or not known(lab.director), "nothing is tracked")
    wait_until(lambda: not known(lab.director), what="the end of the connection")
    t.block("tracked", entries(lab.director))


@scenario
def what_is_not_tracked_stays_so_when_the_sysctl_changes(t):
    lab = lab_with(0, 4, "-m")
    ask = udp(client(4), 2000, vip(4), 53, b"question")
    t.block("before", lines(lab.client_sends(ask)))
    lab.director.ipvs_sysctl("conntrack", 1)
    t.block("after", lines(lab.client_sends(ask)))
    t.block("tracked", entries(lab.director))
    t.block("another connection", lines(lab.client_sends(udp(client(4), 2001, vip(4), 53, b"question"))))
    t.block("tracked", entries(lab.director))


def established(lab, number):
    """A TCP connection, as both sides open it."""
    lab.server_sends(tcp(server(4, number), 8080, client(4), 2000, SYN | ACK), number=number)
    lab.client_sends(tcp(client(4), 2000, vip(4), 80, ACK))


def later(lab, packet):
    """Where a packet goes, and then time for a tick: with it ends, on C, what gave way to the packet."""
    number, = lab.chosen(packet)
    time.sleep(0.1)
    return number


def used_again(t, value, end_it):
    lab = lab_with(value, 4, "-m", servers=2)
    both = [f"-t {end(vip(4), 80)} -r {end(server(4, number), 8080)} -m" for number in (1, 2)]
    lab.director.ipvs(f"-a {both[1]}")
    syn = tcp(client(4), 2000, vip(4), 80, SYN)
    number = lab.chosen(syn)[0]
    established(lab, number)
    end_it(lab, number, both[number - 1])
    t.note("first", number, "then", *(later(lab, syn) for _ in range(3)))
    t.block("connections", known(lab.director))
    t.block("tracked", [row for row in entries(lab.director) if row.startswith("tcp")])


def finish(lab, number, _):
    """Both sides end the connection."""
    lab.client_sends(tcp(client(4), 2000, vip(4), 80, FIN | ACK))
    lab.server_sends(tcp(server(4, number), 8080, client(4), 2000, FIN | ACK), number=number)
    lab.client_sends(tcp(client(4), 2000, vip(4), 80, ACK))


def quiesce(lab, _, it):
    """The server is to have no clients any more."""
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs(f"-e {it} -w 0")


def delete(lab, _, it):
    """The server is no more."""
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs(f"-d {it.removesuffix(' -m')}")


def reuse_cell(value, end_it, name):
    def one(t):
        used_again(t, value, end_it)
    one.__name__, one.__module__ = f"a_port_is_used_again_{name}_with_conntrack_{value}", __name__
    scenario(one)


for setting in (0, 1):
    for how, words in ((finish, "after_the_end"), (quiesce, "as_the_server_is_quiesced"), (delete, "as_the_server_is_deleted")):
        reuse_cell(setting, how, words)
