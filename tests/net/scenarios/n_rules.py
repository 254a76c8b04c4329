# SPDX-License-Identifier: GPL-2.0
"""The match `ipvs` of iptables: what rules with it count, and what they are used for."""

import os
import re

import kernel
from dissect import tcp, udp
from dual import VERSIONS, Dual, DualWires, client, end, gateway, server, vip
from lab import remove, remove_all
from packets import SYN
from scenario import check, equal, scenario
from scenarios.j_modules import built, insert
from traffic import close_tcp, reached, talk_tcp
from views import wait_until

MODULE = "xt_ipvs"
PORT = 5353
CHAINS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
# The packets by which a wire knows that all has arrived do not count.
MARKERS = "-p udp --dport 9 -j RETURN"
# Nor does what a host says of multicast groups, at moments of its own.
GROUPS = "-p ipv6-icmp -j RETURN"


def questions(version):
    """All options, and what they ask inverted."""
    address = vip(version)
    network, other = ("10.0.1.0/24", "10.0.2.0/24") if version == 4 else ("2001:db8:1::/48", "2001:db8:2::/48")
    plain = ["--ipvs", "--vproto udp", "--vproto tcp", f"--vaddr {address}", f"--vaddr {network}", f"--vaddr {other}", "--vport 53",
             f"--vport {PORT}", "--vmethod MASQ", "--vmethod GATE", "--vmethod IPIP", "--vportctl 53", "--vportctl 56"]
    several = [f"--vmethod MASQ --vport 53 --vaddr {address} --vproto udp", f"--vdir ORIGINAL --vport 53 --vproto 17 --vaddr {network}",
               "--ipvs --vport 53", f"! --vport 56 ! --vaddr {other} ! --vproto 6 ! --vportctl 56"]
    return plain + [f"! {option}" for option in plain] + ["--vdir ORIGINAL", "--vdir REPLY"] + several


def tables(version, kind=""):
    """The command of a version of IP: that of nftables, or of x_tables by `kind`."""
    return f"{'ip' if version == 4 else 'ip6'}tables{kind}"


def ask(lab, version, kind=""):
    """Rules with all questions, in all chains of the table mangle."""
    text = "*mangle\n" + "".join(f"-A {chain} {MARKERS}\n" for chain in CHAINS)
    if version == 6:
        text += "".join(f"-A {chain} {GROUPS}\n" for chain in CHAINS)
    text += "".join(f"-A {chain} -m ipvs {question}\n" for chain in CHAINS for question in questions(version))
    lab.director.run(f"{tables(version, kind)}-restore", text=text + "COMMIT\n")


def counted(lab, version, kind="", table="mangle"):
    """The rules that have counted packets, as they are saved."""
    saved = lab.director.run(f"{tables(version, kind)}-save", "-c", "-t", table)
    rules = [re.fullmatch(r"\[(\d+):\d+\] -A (.*)", line) for line in saved.splitlines()]
    return [f"{rule[1]} {rule[2]}" for rule in rules if rule and rule[1] != "0" and "--dport 9 " not in rule[2]
            and GROUPS not in rule[2]]


def goes():
    """The module is removed, once all rules are gone."""
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the rules are gone")
    equal(kernel.unload(MODULE), "ok", "removing the module")


def talks(lab, version, flag, some=5):
    """So many requests from ports of their own, and with NAT an answer to each."""
    for number in range(some):
        lab.client_sends(udp(client(version), 2000 + number, vip(version), 53, b"question"))
        if flag == "-m":
            lab.server_sends(udp(server(version), PORT, client(version), 2000 + number, b"answer"))


def count(t, version, flag, conntrack, options="", kind=""):
    lab = DualWires()
    port = PORT if flag == "-m" else 53
    service = end(vip(version), 53)
    lab.director.ipvs(f"-A -u {service} -s rr {options}", f"-a -u {service} -r {end(server(version), port)} {flag}")
    lab.director.ipvs_sysctl("conntrack", conntrack)
    ask(lab, version, kind)
    talks(lab, version, flag)
    t.block(f"IPv{version} {flag} conntrack={conntrack} {options} {kind}", counted(lab, version, kind))
    remove_all()


@scenario
def rules_count_packets_by_nat(t):
    for version in VERSIONS:
        for conntrack in (0, 1):
            count(t, version, "-m", conntrack)
    goes()


@scenario
def rules_count_packets_by_other_methods(t):
    for version in VERSIONS:
        for flag in ("-g", "-i"):
            count(t, version, flag, 1)
    count(t, 4, "-g", 0)
    goes()


@scenario
def rules_count_packets_of_controlled_connections(t):
    count(t, 4, "-m", 0, "-p 100")
    count(t, 6, "-m", 1, "-p 100")
    count(t, 4, "-m", 0, "-o")
    goes()


@scenario
def rules_of_x_tables_count_packets(t):
    count(t, 4, "-m", 1, kind="-legacy")
    count(t, 6, "-g", 0, kind="-legacy")
    goes()


@scenario
def rules_see_what_is_not_balanced(t):
    lab = DualWires()
    lab.director.ipvs(f"-A -u {end(vip(4), 53)} -s rr", f"-a -u {end(vip(4), 53)} -r {end(server(4), PORT)} -m")
    ask(lab, 4)
    lab.client_sends(udp(client(4), 2000, server(4), 1000, b"routed"), udp(client(4), 2000, vip(4), 1000, b"here"),
                     tcp(client(4), 2000, server(4), 1000, SYN))
    lab.server_sends(udp(server(4), 1000, client(4), 2000, b"routed"))
    t.block("not balanced", counted(lab, 4))
    remove(lab.director)
    goes()


@scenario
def rules_of_every_option_are_saved_as_they_were_written(t):
    lab = DualWires()
    for version in VERSIONS:
        for kind in ("", "-legacy"):
            ask(lab, version, kind)
            saved = lab.director.run(f"{tables(version, kind)}-save", "-t", "mangle").splitlines()
            t.block(f"IPv{version} {kind}", [line for line in saved if line.startswith("-A OUTPUT")])
            lab.director.run(f"{tables(version, kind)}", "-t", "mangle", "-F")
    for words in ("", "--vdir SOMEWHERE", "! --vdir REPLY", "--vmethod NAT", "--vproto nonsense", "--vport 70000", "--vaddr 1.2.3",
                  "--vport 53 --vport 54"):
        said = lab.director.run("iptables", "-A", "OUTPUT", "-m", "ipvs", *words.split(), check=False)
        t.note(f"{words!r}:", said.splitlines()[0] if said else "taken")
    remove(lab.director)
    goes()


@scenario
def the_match_is_loaded_by_rules_and_kept_while_they_exist(t):
    lab = DualWires()
    t.note("before a rule asks:", kernel.use_count(MODULE))
    before = kernel.use_count("ip_vs")
    for command in ("iptables", "ip6tables", "iptables-legacy"):
        lab.director.run(command, "-A", "INPUT", "-m", "ipvs", "--ipvs")
        t.note(command, kernel.use_count(MODULE), kernel.unload(MODULE))
    t.note("references to ip_vs:", kernel.use_count("ip_vs") - before, kernel.unload("ip_vs"))
    for command in ("iptables", "ip6tables", "iptables-legacy"):
        lab.director.run(command, "-F")
    goes()
    kernel.load("ipt_ipvs", "ip6t_ipvs")
    t.note("by its other names:", kernel.use_count(MODULE))
    goes()
    lab.director.run("iptables", "-A", "INPUT", "-m", "ipvs", "--ipvs")
    remove(lab.director)
    goes()


@scenario(rust_only=True)
def the_match_of_the_c_module_is_refused(t):
    path = f"/lib/modules/{os.uname().release}/kernel/net/netfilter/xt_ipvs.ko"
    check(os.path.exists(path), f"no {path}")
    said = insert(path)
    check(kernel.use_count(MODULE) is None, "the match of the C module was loaded on our core")
    t.note(re.sub(r"/\S+/", "", said))


@scenario(rust_only=True)
def a_match_of_another_build_is_refused(t):
    said = insert(built("stale/xt_ipvs.ko.stale", "stale-scheduler.sh"))
    check(kernel.use_count(MODULE) is None, "a match with another interface was loaded")
    t.note("insmod of a stale match:", said)


@scenario
def rules_come_and_go_under_traffic(t):
    lab = DualWires()
    lab.director.ipvs(f"-A -u {end(vip(4), 53)} -s rr", f"-a -u {end(vip(4), 53)} -r {end(server(4), PORT)} -m")
    for turn in range(10):
        ask(lab, 4, "" if turn % 2 else "-legacy")
        for number in range(20):
            lab.from_client.send(udp(client(4), 2000 + number, vip(4), 53, b"question"))
        lab.director.run(tables(4, "" if turn % 2 else "-legacy"), "-t", "mangle", "-F")
        wait_until(lambda: kernel.unload(MODULE) == "ok", what="the module goes")
    lab.collect()
    t.note("ten times")


class Masqueraded:
    """A client and a server that does not know the way back: it answers the director."""

    def __init__(self, version):
        self.version = version
        self.lab = Dual(servers=2)
        for number, host in zip(self.lab.numbers, self.lab.servers):
            host.ip(f"route del default via {gateway(version, number)}")
        self.lab.director.ipvs_sysctl("conntrack", 1)
        self.listeners = [self.lab.listen(host, version, 8080) for host in self.lab.servers]
        service = end(vip(version), 80)
        self.lab.director.ipvs(f"-A -t {service} -s rr",
                               *(f"-a -t {service} -r {end(server(version, number), 8080)} -m" for number in self.lab.numbers))

    def pages(self, t, title, some=2):
        """Connections through the service, and who the servers see."""
        for _ in range(some):
            near = self.lab.connect(self.version, 80)
            index = reached(self.listeners)
            far, peer = self.listeners[index].accept()
            far.settimeout(5)
            talk_tcp(near, far)
            number = index + 1
            who = "the director" if peer[0] == gateway(self.version, number) else peer[0]
            t.note(f"IPv{self.version} {title}: server {number} sees {who}")
            close_tcp(near, far)


# As they are written by those who use them: kube-vip, Docker Swarm's ingress network.
KUBE_VIP = "-t nat -A POSTROUTING -m ipvs --vaddr {vip}/{bits} --vport 80 -j MASQUERADE -m comment --comment kube-vip"
SWARM = "-t nat -A POSTROUTING -d {network} -m ipvs --ipvs -j SNAT --to-source {source}"
NFT = {
    "by connection tracking": "ct original {ip} daddr {vip} ct original proto-dst 80 masquerade",
    "by a mark": "meta mark 7 masquerade",
}
NFT_TABLE = """table inet balanced {{
  chain arriving {{ type filter hook prerouting priority mangle; {ip} daddr {vip} tcp dport 80 meta mark set 7; }}
  chain leaving {{ type nat hook postrouting priority srcnat; {rule}; }}
}}
"""


def places(version):
    return {"vip": vip(version), "bits": 32 if version == 4 else 128, "ip": "ip" if version == 4 else "ip6",
            "network": "172.16.1.0/24" if version == 4 else "2001:db8:16:1::/64", "source": gateway(version, 1)}


@scenario
def rules_of_kube_vip_and_swarm_masquerade(t):
    for version in VERSIONS:
        for name, rule in {"kube-vip": KUBE_VIP, "Swarm": SWARM}.items():
            for kind in ("", "-legacy") if version == 4 else ("",):
                pair = Masqueraded(version)
                if name == "Swarm":
                    pair.lab.director.ipvs(f"-d -t {end(vip(version), 80)} -r {end(server(version, 2), 8080)}")
                pair.lab.director.run(tables(version, kind), *rule.format(**places(version)).split())
                pair.pages(t, f"{name}{kind}")
                t.block("  rules", counted(pair.lab, version, kind, "nat"))
                remove_all()
    goes()


@scenario
def rules_of_nftables_masquerade_without_the_match(t):
    for version in VERSIONS:
        for title, rule in NFT.items():
            pair = Masqueraded(version)
            where = places(version)
            pair.lab.director.run("nft", "-f", "-", text=NFT_TABLE.format(rule=rule.format(**where), **where))
            pair.pages(t, title)
            remove_all()
    equal(kernel.use_count(MODULE), None, "the match")
