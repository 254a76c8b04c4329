# SPDX-License-Identifier: GPL-2.0
"""Packets of established connections leave before they are routed: nobody who looks from outside can tell."""

import time

from dissect import fragments6, sctp, tcp, udp
from dual import DualWires, client, end, server, vip
import early
from early import AUTO, FORCED, OFF, counts, each_version, gone_early, moved, told
import kernel
import lab
from packets import ACK, DF, FIN, RST, SYN, fragments, ipv4
from queue_of_packets import ACCEPT, DROP, Queue
from scenario import check, equal, scenario
import sctp as chunks
from scenarios.f_passing import hooks
from scenarios.q_matrix import METHODS, MTU, TUNNELS, configure
from views import wait_until
from wire import lines

PORT = 53
# Packets of a conversation before it is looked at: the first is noted, the second keeps the way, the others go early.
WARM_UP = 4
# The priority of the hook at PRE_ROUTING.
LAST = 2**31 - 1


# Another client and another server than those of the packets that show that the director has done its work.
FAR_CLIENT = {4: "10.0.0.77", 6: "2001:db8::77"}
FAR_SERVER = {4: "172.16.2.77", 6: "2001:db8:16:2::77"}


def ends(version, port=2000):
    return client(version), port, vip(version), PORT


def back(version, nat, port=2000):
    return server(version) if nat else vip(version), PORT, client(version), port


def show(note, title, seen):
    note(f"{title}:")
    for line in lines(seen):
        # An identification is random, and may be 0 by chance.
        note(f"  {line.removesuffix(' id')}")


def accounts(director, note):
    """The listings and counters that packets change."""
    for line in director.ipvsadm("-Ln", "--stats", "--exact").splitlines()[3:]:
        note(early.OWN + " ".join(line.split()))
    for row in sorted(" ".join(line.split()[:8]) for line in director.read("/proc/net/ip_vs_conn").splitlines()[1:]):
        note(row)
    names, numbers = (line.split() for line in director.read("/proc/net/snmp").splitlines()[:2])
    some = ("ForwDatagrams", "OutTransmits", "OutNoRoutes", "OutDiscards", "FragFails", "FragOKs", "InReceives", "InDelivers",
            "OutRequests", "InHdrErrors")
    note(" ".join(f"{name} {number}" for name, number in zip(names, numbers) if name in some))
    rows = {name: int(number) for name, number in map(str.split, director.read("/proc/net/snmp6").splitlines())}
    note(" ".join(f"{name} {rows[name]}" for name in ("Ip6OutForwDatagrams", "Ip6OutDiscards", "Ip6FragFails",
                                                                "Ip6InHdrErrors")
                  if name in rows))


def conversation(inner, outer, method):
    """Requests and replies of each protocol, with all that may differ from one packet to the next."""
    nat = method == "nat"

    def story(one, note):
        one.director.ip(f"link set s1 mtu {MTU}")
        configure(one, inner, outer, METHODS[method], PORT)
        there, here = ends(inner), back(inner, nat)
        for _ in range(WARM_UP):
            show(note, "UDP", one.client_sends(udp(*there, b"question")))
            show(note, "UDP reply", one.server_sends(udp(*here, b"the answer")))
        show(note, "SYN", one.client_sends(tcp(*there, SYN)))
        show(note, "SYN ACK", one.server_sends(tcp(*here, SYN | ACK)))
        for number in range(WARM_UP):
            show(note, "TCP", one.client_sends(tcp(*there, ACK, b"question", seq=1001 + number)))
            show(note, "TCP reply", one.server_sends(tcp(*here, ACK, b"an answer", seq=7000 + number)))
        both = [("requests", one.client_sends, there), ("replies", one.server_sends, here)]
        for title, send, way in both:
            for length in (0, 1, 2, 999):
                payload = bytes(index % 251 for index in range(length))
                show(note, f"{title} of {length} bytes", send(udp(*way, payload), tcp(*way, ACK, payload)))
            for tos in (1, 2, 3, 0xB8, 0xB9, 0x04):
                show(note, f"{title} of class {tos:#x}", send(*[udp(*way, b"x", tos=tos)] * 3, tcp(*way, ACK, b"x", tos=tos)))
            for ttl in (255, 2, 1):
                show(note, f"{title} with {ttl} hops", send(udp(*way, b"x", ttl=ttl), tcp(*way, ACK, b"x", ttl=ttl)))
            show(note, f"{title} without a checksum", send(udp(*way, b"no checksum", zero_checksum=True)))
            # What was wrong on arrival stays so.
            show(note, f"{title} with a wrong checksum", send(damaged(udp(*way, b"damaged"))))
            if inner == 4:
                show(note, f"{title} with DF", send(udp(*way, b"x", fragment=DF), tcp(*way, ACK, b"x", fragment=DF)))
            header = 28 if inner == 4 else 48
            # A server's wire takes nothing larger than the director's end of it.
            for size in (MTU - 80, MTU - 40, MTU - 20, MTU, *((MTU + 60,) if send == one.client_sends else ())):
                show(note, f"{title} of {size}", send(udp(*way, bytes(size - header), **dont(inner))))
            cut = fragments6 if inner == 6 else fragments
            show(note, f"{title} in fragments", send(*cut(udp(*way, bytes(2000)), 1000)))
        show(note, "FIN", one.client_sends(tcp(*there, FIN | ACK)))
        show(note, "FIN of the server", one.server_sends(tcp(*here, FIN | ACK)))
        show(note, "after the end", one.client_sends(tcp(*there, ACK)))
        accounts(one.director, note)
    return story


def damaged(packet):
    """The packet with another last byte."""
    return packet[:-1] + bytes([packet[-1] ^ 0x55])


def dont(version):
    return {"fragment": DF} if version == 4 else {}


def cell(inner, outer, method):
    def one(t):
        told(t, conversation(inner, outer, method), least=20 if method == "nat" else 10)
    one.__name__ = f"early_packets_by_{method}_of_ipv{inner}" + (f"_in_ipv{outer}" if method in TUNNELS else "")
    one.__module__ = __name__
    scenario(one)


for inside in (4, 6):
    for how in METHODS:
        for outside in (4, 6) if how in TUNNELS else (inside,):
            cell(inside, outside, how)


def established(one, version, options="-m", port=2000, count=WARM_UP):
    """A conversation of UDP and one of TCP that have gone early, both ways, if they may."""
    there, here = ends(version, port), back(version, options == "-m", port)
    one.client_sends(tcp(*there, SYN))
    one.server_sends(tcp(*here, SYN | ACK))
    for number in range(count):
        one.client_sends(udp(*there, b"question"), tcp(*there, ACK, seq=1001 + number))
        one.server_sends(udp(*here, b"answer"), tcp(*here, ACK, seq=7001 + number))
    return there, here


def event(version, act, **more):
    """What packets of conversations in the middle become, before and after something happens."""
    there = FAR_CLIENT[version], 2000, vip(version), PORT
    here = FAR_SERVER[version], PORT, FAR_CLIENT[version], 2000

    def both(one, note, title, payload=b"x"):
        show(note, title, one.client_sends(udp(*there, payload), tcp(*there, ACK, payload)))
        if len(one.numbers) == 2:
            show(note, f"{title}, replies", one.server_sends(udp(*here, payload), tcp(*here, ACK, payload), number=2))

    def story(one, note):
        one.director.ip(f"neigh add {FAR_CLIENT[version]} lladdr {lab.mac(1)} dev c0",
                        f"neigh add {FAR_SERVER[version]} lladdr {lab.mac(3, 2)} dev s2")
        configure(one, version, version, "-m", PORT, FAR_SERVER[version])
        one.client_sends(tcp(*there, SYN))
        one.server_sends(tcp(*here, SYN | ACK), number=2)
        for _ in range(WARM_UP):
            both(one, [].append, "")
        both(one, note, "before")
        act(one, version, note)
        for turn in range(2):
            both(one, note, f"after, {turn}")
        accounts(one.director, note)
    return lambda t: told(t, story, least=4, **more)


def ip(one, version, *some):
    one.director.run("ip", f"-{version}", "-batch", "-", text="\n".join(some) + "\n")


def length(version):
    return 32 if version == 4 else 128


def withdraw(one, version, _):
    """VRRP takes the address away."""
    ip(one, version, f"addr del {vip(version)}/{length(version)} dev lo")


def reroute(one, version, _):
    """The server is behind the other wire now."""
    ip(one, version, f"route add {FAR_SERVER[version]}/{length(version)} dev s1",
       f"neigh replace {FAR_SERVER[version]} lladdr {lab.mac(3, 1)} dev s1")


def reroute_client(one, version, _):
    """The client is behind a server's wire now."""
    ip(one, version, f"route add {FAR_CLIENT[version]}/{length(version)} dev s1",
       f"neigh replace {FAR_CLIENT[version]} lladdr {lab.mac(3, 1)} dev s1")


def forbid(one, version, _):
    ip(one, version, f"route add prohibit {FAR_SERVER[version]}/{length(version)}")


def drop_input(one, version, _):
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; }; "
                            f"add rule inet t c udp dport {PORT} counter drop")


def drop_forward(one, version, _):
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook forward priority 0; }; "
                            f"add rule inet t c udp sport {PORT} counter drop")


def drop_output(one, version, _):
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook output priority 0; }; "
                            f"add rule inet t c udp dport {PORT} counter drop")


def drop_output_first(one, version, _):
    """A chain that comes before us; another one at prerouting has the same function in the kernel."""
    one.director.run("nft", "add table inet t; add chain inet t p { type filter hook prerouting priority -300; }; "
                            "add chain inet t c { type filter hook output priority -150; }; "
                            f"add rule inet t c udp dport {PORT} counter drop")


def drop_postrouting(one, version, _):
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook postrouting priority 0; }; "
                            f"add rule inet t c udp dport {PORT} counter drop")


def drop_prerouting(one, version, _):
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook prerouting priority 0; }; "
                            f"add rule inet t c udp dport {PORT} counter drop")


def mark(one, version, _):
    """What has mark 1 is for nobody here."""
    ip(one, version, "rule add fwmark 1 lookup 100", "route add prohibit default table 100")
    one.director.run("nft", "add table inet t; add chain inet t c { type filter hook prerouting priority -150; }; "
                            f"add rule inet t c udp dport {PORT} meta mark set 1")


def quiesce(one, version, _):
    one.director.ipvs(f"-e -u {end(vip(version), PORT)} -r {end(FAR_SERVER[version], PORT)} -m -w 0",
                      f"-e -t {end(vip(version), PORT)} -r {end(FAR_SERVER[version], PORT)} -m -w 0")


def delete(one, version, _):
    one.director.ipvs(f"-d -u {end(vip(version), PORT)} -r {end(FAR_SERVER[version], PORT)}",
                      f"-d -t {end(vip(version), PORT)} -r {end(FAR_SERVER[version], PORT)}")


def clear(one, version, _):
    one.director.ipvs("-C")


def device_down(one, version, _):
    one.director.ip("link set s2 down")
    # Nothing shows its work on this wire any more.
    one.numbers = one.numbers[:1]


def device_gone(one, version, _):
    one.director.ip("link del s1")


def smaller(one, version, note):
    one.director.ip("link set s2 mtu 1280")
    there = FAR_CLIENT[version], 2000, vip(version), PORT
    show(note, "large", one.client_sends(udp(*there, bytes(1300), **dont(version))))


EVENTS = {"the_address_is_withdrawn": withdraw, "the_server_is_rerouted": reroute, "the_client_is_rerouted": reroute_client,
          "the_server_is_forbidden": forbid, "packets_are_dropped_by_prerouting": drop_prerouting,
          "packets_are_dropped_by_postrouting": drop_postrouting, "packets_get_a_mark": mark,
          "the_server_is_quiesced": quiesce, "the_server_is_deleted": delete, "the_table_is_cleared": clear,
          "a_device_goes_down": device_down, "the_mtu_is_lowered": smaller}
# Hooks where early packets pass by: they are seen by AUTO only.
RULES = {"packets_are_dropped_by_input": drop_input, "packets_are_dropped_by_forward": drop_forward,
         "packets_are_dropped_by_output": drop_output, "packets_are_dropped_by_output_before_us": drop_output_first}


def of_each(name, act, **more):
    for version in (4, 6):
        def one(t, version=version):
            event(version, act, servers=2, **more)(t)
        one.__name__ = f"early_packets_when_{name}_of_ipv{version}"
        one.__module__ = __name__
        scenario(one)


for what, happens in EVENTS.items():
    of_each(what, happens, modes=(OFF, AUTO, FORCED))
for what, happens in RULES.items():
    of_each(what, happens, modes=(OFF, AUTO))


@scenario(rust_only=True)
def a_device_goes_with_early_packets(t):
    for version in (4, 6):
        one = DualWires(servers=2)
        one.director.sysctl(early.PATH, FORCED)
        configure(one, version, version, "-m", PORT)
        established(one, version)
        check(gone_early(one.director) > 0, "packets went early")
        # The kernel complains if something keeps it.
        device_gone(one, version, None)
        lab.remove_all()


@scenario(rust_only=True)
def the_neighbour_of_early_packets_changes(t):
    for version in (4, 6):
        one = DualWires(servers=2)
        one.director.sysctl(early.PATH, FORCED)
        configure(one, version, version, "-m", PORT)
        there, _ = established(one, version)
        wire = one.from_server[0].socket
        ip(one, version, f"neigh replace {server(version)} lladdr 02:00:00:00:77:77 dev s1")
        early_now = moved(one.director, lambda: one.from_client.send(udp(*there, b"x")))
        equal(early_now, 1, "early packets")
        # What the host says of multicast groups is on the wire, too.
        address = next(one for one in iter(lambda: wire.recv(2000)[:6], b"") if not one[0] & 1)
        equal(address.hex(), "020000007777", "the address on the link")
        lab.remove_all()


@scenario(rust_only=True)
def the_way_of_an_early_packet_is_renewed_once_a_second(t):
    one = DualWires()
    configure(one, 4, 4, "-m", PORT)
    there, here = established(one, 4)
    time.sleep(1.1)
    for send, way in ((one.client_sends, there), (one.server_sends, here)):
        equal(moved(one.director, lambda: send(udp(*way, b"x"))), 0, "early packets after a second")
        equal(moved(one.director, lambda: send(*[udp(*way, b"x")] * 3)), 3, "early packets once it is renewed")


@scenario(rust_only=True)
def strangers_and_first_packets_never_go_early(t):
    one = DualWires()
    configure(one, 4, 4, "-m", PORT)
    established(one, 4)
    some = [udp(*ends(4, 3000 + number), b"x") for number in range(50)]
    equal(moved(one.director, lambda: one.client_sends(*some)), 0, "early packets of new connections")
    # The second of each keeps its way.
    equal(moved(one.director, lambda: one.client_sends(*some)), 0, "early second packets")
    equal(moved(one.director, lambda: one.client_sends(*some)), 50, "early third packets")
    strangers = [udp(client(4), 2000, server(4), PORT, b"x")] * 5
    equal(moved(one.director, lambda: one.client_sends(*strangers)), 0, "early strangers")


@scenario(rust_only=True)
def each_slow_class_of_packets_is_slow(t):
    for version in (4, 6):
        one = DualWires(servers=2)
        one.director.ip(f"link set s1 mtu {MTU}", "link set c0 mtu 1500")
        one.director.sysctl(early.PATH, FORCED)
        configure(one, version, version, "-m", PORT)
        there, here = established(one, version)
        cut = fragments6 if version == 6 else fragments
        header = 28 if version == 4 else 48
        slow = {
            "fragments": [*cut(udp(*there, bytes(1200)), 600)],
            "the last hop": [udp(*there, b"x", ttl=1)],
            "too large": [udp(*there, bytes(MTU + 20 - header), **dont(version))],
            "SYN": [tcp(*there, SYN)],
            "FIN": [tcp(*there, FIN | ACK)],
            "RST": [tcp(*there, RST)],
            "SCTP": [sctp(*there, chunks.INIT)] * 4,
            "another class of service": [udp(*there, b"x", tos=0x28)],
            "truncated": [tcp(*there, ACK)[:header - 4]],
        }
        if version == 4:
            segment = udp(*there, b"x")[20:]
            slow["options"] = [ipv4(client(4), vip(4), 17, segment, words=6, options=bytes([1, 1, 1, 0]))] * 3
        else:
            slow["extension headers"] = [udp(*there, b"x", extensions=((60, bytes([0, 1, 4, 0, 0, 0, 0])),))] * 3
        for title, some in slow.items():
            equal(moved(one.director, lambda some=some: one.client_sends(*some)), 0, f"early packets: {title}, IPv{version}")
        # Another device than that of the first packets.
        equal(moved(one.director, lambda: one.server_sends(udp(*there, b"x"), number=2)), 0, "early packets of another device")
        # The packet of another class or device has kept its way in the place of the others'.
        equal(moved(one.director, lambda: one.client_sends(*[udp(*there, b"x")] * 2)), 1, "early packets at the end")
        lab.remove_all()


@scenario(rust_only=True)
def connections_that_others_look_at_are_slow(t):
    for title, options, sysctls in (("one-packet", "-o", {}), ("tracked", "", {"conntrack": 1})):
        one = DualWires()
        one.director.sysctl(early.PATH, FORCED)
        for name, value in sysctls.items():
            one.director.ipvs_sysctl(name, value)
        one.director.ipvs(f"-A -u {end(vip(4), PORT)} -s rr {options}",
                          f"-a -u {end(vip(4), PORT)} -r {end(server(4), PORT)} -m")
        for _ in range(6):
            one.client_sends(udp(*ends(4), b"x"))
            one.server_sends(udp(*back(4, True), b"x"))
        equal(gone_early(one.director), 0, f"early packets: {title}")
        lab.remove_all()


@scenario(rust_only=True)
def the_early_path_is_switched_on_and_off(t):
    one = DualWires()
    configure(one, 4, 4, "-m", PORT)
    there, here = established(one, 4)
    send = lambda: one.client_sends(udp(*there, b"x"), udp(*there, b"x"))
    equal(moved(one.director, send), 2, "early packets")
    one.director.sysctl(early.PATH, OFF)
    equal(moved(one.director, send), 0, "early packets, switched off")
    one.director.sysctl(early.PATH, AUTO)
    equal(moved(one.director, send), 2, "early packets, switched on")
    drop_forward(one, 4, None)
    equal(moved(one.director, send), 0, "early packets with a chain")
    one.director.sysctl(early.PATH, FORCED)
    equal(moved(one.director, send), 2, "early packets past a chain")
    one.director.sysctl(early.PATH, AUTO)
    one.director.run("nft", "delete table inet t")
    wait_until(lambda: moved(one.director, send) == 2, what="early packets without a chain")
    check("hooks" in counts(one.director), "why packets were slow is counted")
    del here


@scenario(rust_only=True)
def nobody_pays_at_prerouting_while_others_have_hooks(t):
    for version in (4, 6):
        one = DualWires()
        is_there = lambda: f"{'ip6' if version == 6 else 'ip'} prerouting {LAST}" in hooks(one)
        configure(one, version, version, "-m", PORT)
        check(is_there(), "no hook while nobody else has one")
        there, here = established(one, version)
        send = lambda: one.client_sends(udp(*there, b"x"), udp(*there, b"x"))
        equal(moved(one.director, send), 2, "early packets")
        drop_forward(one, version, None)
        equal(moved(one.director, send), 0, "early packets with a chain")
        wait_until(lambda: not is_there(), what="a hook that goes")
        equal(moved(one.director, send), 0, "early packets without the hook")
        # A service that begins then has none, either, until the chain goes.
        one.director.ipvs("-C")
        configure(one, version, version, "-m", PORT)
        check(not is_there(), "a hook for a new service while others have one")
        established(one, version)
        one.director.run("nft", "delete table inet t")
        wait_until(lambda: moved(one.director, send) == 2, what="early packets without a chain")
        check(is_there(), "no hook although nobody else has one")
        # By the setting alone, without a packet.
        drop_forward(one, version, None)
        one.director.sysctl(early.PATH, FORCED)
        check(is_there(), "no hook although others do not count")
        one.director.sysctl(early.PATH, AUTO)
        check(not is_there(), "a hook while others have one")
        del here
        lab.remove_all()


def queued(one, point):
    """A program that decides about packets of the service's port at a point."""
    one.director.run("nft", f"add table inet t; add chain inet t c {{ type filter hook {point} priority 0; }}; "
                            f"add rule inet t c udp dport {PORT} queue num 0")
    return Queue(one.director)


@scenario(rust_only=True)
def a_program_decides_about_early_packets(t):
    for version in (4, 6):
        one = DualWires()
        configure(one, version, version, "-m", PORT)
        there, _ = established(one, version)
        queue = queued(one, "postrouting")
        # The way may be over, as it takes its time to make a chain: the first packet renews it then.
        check(moved(one.director, lambda: one.client_sends(*[udp(*there, b"x")] * 3)) >= 1, "no early packets")
        waiting = queue.waiting()
        equal(len(waiting), 3, "packets that wait")
        equal(one.collect(), [], "packets before the verdict")
        queue.decide(waiting[0], ACCEPT)
        queue.decide(waiting[1], DROP)
        time.sleep(0.1)
        equal(len(one.collect()), 1, "packets after one is accepted, and one dropped")
        lab.remove_all()


@scenario(rust_only=True)
def packets_wait_for_a_program_when_the_modules_go(t):
    for point in ("output", "postrouting"):
        one = DualWires()
        one.director.sysctl(early.PATH, FORCED)
        configure(one, 4, 4, "-m", PORT)
        there, _ = established(one, 4)
        queue = queued(one, point)
        if point == "output":
            one.director.sysctl(early.PATH, OFF)
        one.client_sends(*[udp(*there, b"x")] * 3)
        waiting = queue.waiting()
        equal(len(waiting), 3, f"packets that wait at {point}")
        one.director.ipvs("-C")
        kernel.unload_all()
        equal(kernel.unload(kernel.BASE), "ok", "removing the base")
        for number in waiting:
            queue.decide(number, ACCEPT)
        time.sleep(0.1)
        equal(one.collect(), [], "packets that were dropped")
        lab.remove_all()
        kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
