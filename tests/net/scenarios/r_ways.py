# SPDX-License-Identifier: GPL-2.0
"""Ways that change under their packets: devices that go down, routes that are replaced, servers that are edited; packets
that go on without a server, and addresses that only one link knows."""

import dual
import sctp as chunks
from dissect import sctp, tcp, udp, unreachable
from dual import VERSIONS, DualWires, client, end, gateway, server, vip
from packets import ACK, FIN, SYN
from scenario import scenario
from wire import lines

FAR = {4: "172.16.1.77", 6: "2001:db8:16:1::77"}
METHODS = {"nat": "-m", "dr": "-g", "tunnel": "-i", "gue": f"-i --tun-type gue --tun-port {dual.GUE_PORT}",
           "gre": "-i --tun-type gre"}


def flag(version):
    """What ipvsadm wants to be told for a firewall mark."""
    return "-6 " if version == 6 else ""


def ip(lab, version, *some):
    """Runs iproute2 commands on the director about one version."""
    lab.director.run("ip", f"-{version}", "-batch", "-", text="\n".join(some) + "\n")


def neighbours(lab, *addresses):
    """Makes further addresses known: those of server 1."""
    lab.director.ip(*(f"neigh replace {address} lladdr {dual.lab.mac(3, 1)} dev s1" for address in addresses))


def for_both(function):
    """Makes a scenario of each version of IP."""
    for version in VERSIONS:
        def one(t, version=version):
            function(t, version)
        one.__name__ = f"{function.__name__}_of_ipv{version}"
        one.__module__ = __name__
        scenario(one)


def marked(version, options):
    """A service for all packets with mark 1; the client's packets to `FAR` get it and are taken in."""
    lab = DualWires()
    neighbours(lab, FAR[version])
    ip(lab, version, "rule add fwmark 1 lookup 100", "route add local default dev lo table 100")
    lab.director.run("nft", f"add table inet t; add chain inet t c {{ type filter hook prerouting priority -150; }}; "
                            f"add rule inet t c iif c0 {'ip6' if version == 6 else 'ip'} daddr {{ {FAR[version]}, "
                            f"{vip(version)} }} meta mark set 1")
    lab.director.ipvs(f"-A -f 1 {flag(version)}-s rr {options}")
    return lab


def connections(t, lab, columns=8):
    rows = lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]
    t.block("connections", sorted(" ".join(row.split()[:columns]) for row in rows))


def totals(t, lab):
    t.block("totals", lab.director.read("/proc/net/ip_vs_stats").splitlines()[2:3])


def bypass(t, version, options=""):
    lab = marked(version, options)
    ends = client(version), 2000, FAR[version], 53
    ask, asks = lab.client_sends, {"UDP": udp(*ends, b"question"), "TCP": tcp(*ends, SYN), "SCTP": sctp(*ends, chunks.INIT)}
    t.block("without cache_bypass", lines(ask(asks["UDP"])))
    connections(t, lab)
    lab.director.ipvs_sysctl("cache_bypass", 1)
    for name, packet in asks.items():
        t.block(f"{name} with cache_bypass", lines(ask(packet)))
        t.block(f"{name} again", lines(ask(packet)))
    for ttl in (1, 2):
        t.block(f"with ttl {ttl}", lines(ask(udp(*ends, b"question", ttl=ttl))))
    back = FAR[version], 53, client(version), 2000
    t.block("UDP answer", lines(lab.server_sends(udp(*back, b"answer"))))
    t.block("TCP answer", lines(lab.server_sends(tcp(*back, SYN | ACK))))
    connections(t, lab)
    t.block("TCP goes on", lines(ask(tcp(*ends, ACK))))
    connections(t, lab)
    t.block("TCP ends", lines(ask(tcp(*ends, ACK | FIN))))
    connections(t, lab)
    t.block("an error", lines(ask(unreachable(client(version), FAR[version], udp(*back, b"answer")))))
    t.block("to the director itself", lines(ask(udp(client(version), 2001, vip(version), 53, b"question"))))
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs(f"-a -f 1 {flag(version)}-r {end(server(version), 53)} -g")
    t.block("with a server there is now", lines(ask(udp(client(version), 2002, FAR[version], 53, b"question"))))
    t.block("as before", lines(ask(asks["UDP"])))
    connections(t, lab)
    lab.director.run("sleep", "4")
    totals(t, lab)


@for_both
def packets_bypass_a_service_without_servers(t, version):
    bypass(t, version)


@for_both
def packets_bypass_a_persistent_service_without_servers(t, version):
    bypass(t, version, "-p 300")


@for_both
def packets_bypass_a_one_packet_service_without_servers(t, version):
    bypass(t, version, "-o")


def flow(t, lab, version, title):
    t.block(title, lines(lab.client_sends(udp(client(version), 2000, vip(version), 53, b"question"))))


def routed(t, version, method):
    """The way to a server that two wires lead to."""
    lab = DualWires(servers=2)
    far = FAR[version]
    neighbours(lab, far)
    lab.director.ip(f"neigh replace {far} lladdr {dual.lab.mac(3, 2)} dev s2")
    virtual, target = end(vip(version), 53), end(far, 53)
    lab.director.ipvs(f"-A -u {virtual} -s rr", f"-a -u {virtual} -r {target} {METHODS[method]}")
    flow(t, lab, version, "by s1")
    bits = 128 if version == 6 else 32
    ip(lab, version, f"route add {far}/{bits} dev s2")
    flow(t, lab, version, "by s2")
    lab.director.ip("link set s2 down")
    # No markers by that wire.
    lab.numbers = range(1, 2)
    flow(t, lab, version, "s2 is down")
    ip(lab, version, f"route replace unreachable {far}/{bits}")
    flow(t, lab, version, "no way")
    flow(t, lab, version, "no way again")
    ip(lab, version, f"route del unreachable {far}/{bits}")
    # What failed is tried again at the next tick.
    lab.director.run("sleep", "0.1")
    flow(t, lab, version, "by s1 again")
    for other in METHODS.values():
        lab.director.ipvs(f"-e -u {virtual} -r {target} {other}")
        flow(t, lab, version, f"after an edit to {other}: as the connection was")
        packet = udp(client(version), 3000, vip(version), 53, b"question")
        t.block("another connection", lines(lab.client_sends(packet)))
        lab.director.ipvs(f"-d -u {virtual} -r {target}", f"-a -u {virtual} -r {target} {METHODS[method]}")
        flow(t, lab, version, "after it was deleted and added")
        lab.director.ipvs("-C", f"-A -u {virtual} -s rr", f"-a -u {virtual} -r {target} {METHODS[method]}")
    connections(t, lab)


for way in METHODS:
    def routes_change(t, version, way=way):
        routed(t, version, way)
    routes_change.__name__ = f"routes_change_under_{way}"
    for_both(routes_change)


@scenario
def link_local_addresses(t):
    lab = DualWires()
    lab.director.ip("addr add fe80::1/64 dev s1 nodad", "addr add fe80::53/64 dev c0 nodad")
    virtual = end(vip(6), 53)
    lab.director.ipvs(f"-A -u {virtual} -s rr")
    for address in ("fe80::1", "fe80::99", "::1", "::", "ff02::1", "2001:db8:16:1::2", gateway(6), "::ffff:10.0.0.9", "fec0::1"):
        for option in ("-m", "-g", "-i"):
            said = lab.director.ipvsadm("-a", "-u", virtual, "-r", end(address, 53), option).strip()
            t.note("server", address, option, said or "ok")
            lab.director.ipvsadm("-d", "-u", virtual, "-r", end(address, 53))
    t.note("service:", lab.director.ipvsadm("-A", "-u", "[fe80::53]:53", "-s", "rr").strip() or "ok")
    lab.director.ipvs(f"-a -u [fe80::53]:53 -r {end(server(6), 53)} -m")
    t.block("to a link-local service", lines(lab.client_sends(udp("fe80::2", 2000, "fe80::53", 53, b"question"))))
    connections(t, lab)


@for_both
def addresses_of_the_host_itself_stay_there(t, version):
    lab = DualWires()
    here = "::1" if version == 6 else "127.0.0.1"
    virtual = end(vip(version), 53)
    lab.director.sysctl("net/ipv4/conf/all/route_localnet", 1)
    for method in METHODS.values():
        lab.director.ipvs("-C", f"-A -u {virtual} -s rr", f"-a -u {virtual} -r {end(server(version), 53)} {method}")
        with lab.director:
            one = dual.socket.socket(dual.socket.AF_INET6 if version == 6 else dual.socket.AF_INET, dual.socket.SOCK_DGRAM)
        one.bind((here, 2000))
        one.sendto(b"question", (vip(version), 53))
        one.close()
        t.block(f"from {here} {method}", lines(lab.collect()))


def rerouted(t, version, value):
    """Replies by the route of the virtual address, or by that of the server's address."""
    lab = DualWires(servers=2)
    lab.director.ipvs_sysctl("snat_reroute", value)
    virtual = end(vip(version), 53)
    lab.director.ipvs(f"-A -u {virtual} -s rr", f"-a -u {virtual} -r {end(server(version), 53)} -m",
                      f"-A -t {virtual} -s rr", f"-a -t {virtual} -r {end(server(version), 53)} -m")
    ends = client(version), 2000, vip(version), 53
    ip(lab, version, f"rule add from {vip(version)} lookup 100",
       f"route add default via {server(version, 2)} dev s2 table 100")
    lab.client_sends(udp(*ends, b"question"), tcp(*ends, SYN))
    back = server(version), 53, client(version), 2000
    t.block("UDP", lines(lab.server_sends(udp(*back, b"answer"))))
    t.block("TCP", lines(lab.server_sends(tcp(*back, SYN | ACK))))
    t.block("an error", lines(lab.server_sends(unreachable(server(version), client(version),
                                                           udp(ends[0], ends[1], server(version), 53, b"question")))))
    ip(lab, version, "route replace unreachable default table 100")
    t.block("UDP without a way", lines(lab.server_sends(udp(*back, b"answer"))))


@for_both
def replies_go_by_the_route_of_the_virtual_address(t, version):
    rerouted(t, version, 1)


@for_both
def replies_go_by_the_route_of_the_server(t, version):
    rerouted(t, version, 0)
