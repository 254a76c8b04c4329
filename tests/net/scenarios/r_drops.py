# SPDX-License-Identifier: GPL-2.0
"""/proc/net/ip_vs_drops: nothing that is dropped goes uncounted. The C module has no such file."""

from lab import CLIENT, VIP, server_address
from packets import ACK, SYN, TCP, fragments, icmp, ipv4, tcp, udp
from scenario import equal, scenario
from scenarios.p_icmp_tunnel import Tunnel
from views import connections, wait_until
from wire import Wires

WEB = f"-t {VIP}:80"
DNS = f"-u {VIP}:53"


def drops(lab):
    """{reason: count} of what was dropped at all."""
    rows = [line.split(" ") for line in lab.director.read("/proc/net/ip_vs_drops").splitlines()]
    return {name: int(count) for name, count in rows if count != "0"}


def server(number, port=80):
    return f"{server_address(number)}:{port}"


def syn(port):
    return tcp(CLIENT, port, VIP, 80, SYN)


def lab_with_services(flags=""):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {WEB} -s rr {flags}", *(f"-a {WEB} -r {server(number)} -m" for number in lab.numbers),
                      f"-A {DNS} -s rr")
    return lab


@scenario(rust_only=True)
def each_reason_to_drop_a_packet_is_counted(t):
    lab = lab_with_services()
    names = [line.split(" ")[0] for line in lab.director.read("/proc/net/ip_vs_drops").splitlines()]
    equal(names, ["truncated", "bad_checksum", "no_server", "server_deleted", "service_deleted", "conn_max", "no_memory",
                  "drop_packet", "drop_entry", "unasked", "tracked", "fragment", "not_sent", "helper", "engine"],
          "the names of the reasons")
    wanted = {}
    equal(drops(lab), wanted, "drops at first")

    def expect(reason, count):
        wanted[reason] = wanted.get(reason, 0) + count
        equal(drops(lab), wanted, "drops")

    lab.client_sends(syn(2000), syn(2001), tcp(CLIENT, 2000, VIP, 81, SYN))
    equal(drops(lab), wanted, "drops after what passes")
    lab.client_sends(ipv4(CLIENT, VIP, TCP, b"\7\xd0"), ipv4(CLIENT, VIP, TCP, b"\x0b\xb8\0\x50" + bytes(8)))
    expect("truncated", 2)
    lab.client_sends(udp(CLIENT, 2000, VIP, 53, b"x"))
    expect("no_server", 1)
    lab.director.ipvs(f"-d {WEB} -r {server(1)}")
    lab.client_sends(syn(2000), syn(2001))
    expect("server_deleted", 1)
    lab.director.ipvs_sysctl("conn_max", 2)
    lab.client_sends(syn(2002), syn(2003), syn(2004))
    expect("conn_max", 3)
    lab.director.ipvs_sysctl("conn_max", 100)
    lab.director.ipvs_sysctl("am_droprate", 1)
    lab.director.ipvs_sysctl("drop_packet", 3)
    lab.client_sends(syn(2005), syn(2006))
    expect("drop_packet", 2)
    lab.director.ipvs_sysctl("drop_packet", 0)
    lab.client_sends(tcp(CLIENT, 2000, VIP, 80, SYN, ttl=1))
    expect("not_sent", 1)
    # Nobody has asked these servers, and NAT is asked to let nobody know where they are.
    lab.director.ipvs_sysctl("nat_icmp_send", 1)
    lab.server_sends(tcp(server_address(2), 80, CLIENT, 3000, ACK), number=2)
    expect("unasked", 1)
    lab.director.ipvs_sysctl("schedule_icmp", 1)
    about = tcp(VIP, 80, CLIENT, 3000, ACK)
    lab.client_sends(icmp(CLIENT, VIP, 3, 3, payload=about[:22]))
    expect("truncated", 1)
    error = icmp(CLIENT, VIP, 3, 3, payload=about)
    lab.client_sends(error[:-1] + b"?")
    expect("bad_checksum", 1)
    t.note("all reasons seen")


@scenario(rust_only=True)
def templates_that_find_no_room_are_counted(t):
    lab = lab_with_services("-p 100")
    lab.director.ipvs_sysctl("conn_max", 0)
    lab.client_sends(syn(2000))
    equal(drops(lab), {"conn_max": 1}, "drops without room for a template")
    lab.director.ipvs_sysctl("conn_max", 1)
    lab.client_sends(syn(2000))
    equal(drops(lab), {"conn_max": 2}, "drops with room for the template only")
    t.note("both counted")


@scenario(rust_only=True)
def connections_that_drop_entry_drops_are_counted(t):
    lab = lab_with_services()
    lab.client_sends(*(syn(port) for port in range(2000, 2400)))
    lab.director.ipvs_sysctl("drop_entry", 3)
    wait_until(lambda: len(connections(lab.director)) < 390, 20, "the end of half-open connections")
    lab.director.ipvs_sysctl("drop_entry", 0)
    wait_until(lambda: drops(lab) == {"drop_entry": 400 - len(connections(lab.director))}, 5, "a count for each")
    t.note("as many as are gone")


@scenario(rust_only=True)
def fragments_and_errors_that_go_no_further_are_counted(t):
    lab = lab_with_services()
    answer = list(fragments(udp(server_address(1), 80, CLIENT, 3000, bytes(900)), 400))
    error = list(fragments(icmp(server_address(1), CLIENT, 3, 3, payload=tcp(CLIENT, 3000, server_address(1), 80, ACK) + bytes(900)),
                           400))
    lab.server_sends(answer[0], number=1)
    equal(drops(lab), {}, "drops while the other fragments are waited for")
    lab.server_sends(answer[0], number=1)
    equal(drops(lab), {"fragment": 1}, "drops after the same fragment")
    lab.server_sends(*answer[1:], number=1)
    equal(drops(lab), {"fragment": 1}, "drops after the other fragments")
    lab.server_sends(error[0], error[0], number=1)
    equal(drops(lab), {"fragment": 2}, "drops after a fragment of an error that came twice")
    t.note("each counted once")


@scenario(rust_only=True)
def an_error_that_the_client_cannot_be_told_is_counted(t):
    case = Tunnel("ipip", inner=6, outer=4)
    before = drops(case.lab)
    # IPv6 has no source quench.
    case.lab.server_sends(case.error(4, 0))
    equal(drops(case.lab), {**before, "not_sent": before.get("not_sent", 0) + 1}, "drops")
    t.note("counted")
