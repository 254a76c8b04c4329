# SPDX-License-Identifier: GPL-2.0
"""What ipvsadm, /proc and the statistics show."""

import re
import time

from lab import CLIENT, VIP, Topology, server_address
from packets import ACK, SYN, tcp, udp
from scenario import check, equal, scenario
from views import connections_exact, exact, listing, table, wait_until
from wire import Wires

DNS = f"-u {VIP}:53"
FILES = ("ip_vs", "ip_vs_conn", "ip_vs_stats", "ip_vs_stats_percpu", "ip_vs_app", "ip_vs_conn_sync", "ip_vs_status")


def server(number, port=53):
    return f"{server_address(number)}:{port}"


def request(port, size=5):
    return udp(CLIENT, port, VIP, 53, bytes(size))


def answer(port, size=7, number=1):
    return udp(server_address(number), 53, CLIENT, port, bytes(size))


@scenario
def listings_of_many_kinds_of_services(t):
    lab = Topology(servers=3)
    lab.director.ipvs(
        f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server(1, 80)} -m",
        f"-a -t {VIP}:80 -r {server(2, 8080)} -m -w 0",
        f"-a -t {VIP}:80 -r {server(3, 80)} -m -w 65535 -x 1000000 -y 999",
        f"-A -t {VIP}:443 -s wlc", f"-A -u {VIP}:53 -s wlc", f"-a {DNS} -r {server(1)} -m -w 100",
        "-A -t 10.0.1.2:80 -s rr", "-A -u 10.0.1.2:65535 -s rr", "-a -u 10.0.1.2:65535 -r 172.16.1.2:1 -m")
    t.block("/proc/net/ip_vs", table(lab.director))
    for options in ((), ("--thresholds",), ("--persistent-conn",), ("--stats",), ("--rate",), ("--exact", "--stats"),
                    ("--exact", "--rate"), ("-t", f"{VIP}:80"), ("-u", f"{VIP}:54"), ("--timeout",), ("--daemon",),
                    ("-c",)):
        t.block(f"ipvsadm -Ln {' '.join(options)}", listing(lab.director, *options))
    t.block("ipvsadm -S -n", exact(lab.director.ipvsadm("-S", "-n")))
    saved = lab.director.ipvsadm("-S", "-n")
    lab.director.ipvs("-C")
    t.block("after -C", table(lab.director))
    lab.director.ipvs(*saved.splitlines())
    check(lab.director.ipvsadm("-S", "-n") == saved, "what was restored is not what was saved")


@scenario
def services_with_flags_and_marks_are_configured_and_listed(t):
    lab = Topology()
    lab.director.ipvs(
        f"-A -t {VIP}:80 -s rr -p 300", f"-A -t {VIP}:81 -s rr -p 60 -M 255.255.0.0", f"-A -u {VIP}:53 -s rr -o",
        "-A -f 10 -s wlc", "-A -f 4294967295 -s rr -p 1 -M 255.0.0.0", f"-A -t {VIP}:0 -s rr -p 360",
        f"-a -t {VIP}:80 -r {server(1, 80)} -m", f"-a -f 10 -r {server(1, 0)} -m")
    t.block("/proc/net/ip_vs", table(lab.director))
    t.block("ipvsadm -Ln", listing(lab.director))
    t.block("ipvsadm -S -n", exact(lab.director.ipvsadm("-S", "-n")))
    lab.director.ipvs(f"-E -t {VIP}:80 -s wlc", f"-E -u {VIP}:53 -s rr", "-E -f 10 -s rr -p 7")
    t.block("after edits", table(lab.director))


@scenario
def complaints_of_ipvsadm(t):
    lab = Topology()
    web = f"-t {VIP}:80"
    lab.director.ipvs(f"-A {web} -s rr", f"-a {web} -r {server(1, 80)} -m")
    for words in (f"-A {web} -s rr", f"-E -t {VIP}:81 -s rr", f"-D -t {VIP}:81", f"-A -t {VIP}:82 -s nonesuch",
                  f"-a {web} -r {server(1, 80)} -m", f"-e {web} -r {server(1, 81)} -m", f"-d {web} -r {server(1, 81)}",
                  f"-a -t {VIP}:81 -r {server(1, 80)} -m", f"-a {web} -r 224.0.0.1:80 -m", f"-L -t {VIP}:81",
                  f"-e {web} -r {server(1, 80)} -m -x 2 -y 3", f"-Z -t {VIP}:81", "--stop-daemon master"):
        t.note(f"ipvsadm {words}:", lab.director.ipvsadm(*words.split()).strip() or "nothing")
    t.block("table", table(lab.director))


@scenario
def connections_are_listed(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m", f"-a {DNS} -r {server(2, 65535)} -m",
                      f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server(1, 8080)} -m")
    lab.client_sends(request(1), request(65535), tcp(CLIENT, 2000, VIP, 80, SYN), tcp(CLIENT, 2001, VIP, 80, SYN))
    lab.server_sends(tcp(server_address(1), 8080, CLIENT, 2001, SYN | ACK))
    lab.client_sends(tcp(CLIENT, 2001, VIP, 80, ACK))
    t.block("/proc/net/ip_vs_conn", connections_exact(lab.director))
    said = lab.director.ipvsadm("-Lnc").splitlines()
    t.block("ipvsadm -Lnc", [said[0], said[1]] + sorted(re.sub(r"\d\d:\d\d", "MM:SS", line) for line in said[2:]))


@scenario
def status_and_application_files(t):
    lab = Wires()
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m")
    lab.client_sends(request(1), request(2))
    t.block("/proc/net/ip_vs_app", exact(lab.director.read("/proc/net/ip_vs_app")))
    status = exact(lab.director.read("/proc/net/ip_vs_status"))
    t.block("/proc/net/ip_vs_status", [line for line in status if re.match(r"(Conns|Conn buckets|Services):", line)])


@scenario
def files_of_a_director_without_services(t):
    lab = Topology()
    for name in FILES[:3]:
        t.block(name, exact(lab.director.read(f"/proc/net/{name}")))
    lines = exact(lab.director.read("/proc/net/ip_vs_stats_percpu"))
    t.block("ip_vs_stats_percpu", lines)
    modes = lab.director.run("stat", "-c", "%A %n", *(f"/proc/net/{name}" for name in FILES), check=False)
    t.block("modes", modes.splitlines())
    t.block("sysctls", sorted(lab.director.run("sysctl", "-a", "-r", r"net\.ipv4\.vs\.(conn_|expire|drop|secure|sloppy)")
                              .splitlines()))


def counters(lab):
    """The five totals of /proc/net/ip_vs_stats."""
    return [int(word, 16) for word in lab.director.read("/proc/net/ip_vs_stats").splitlines()[2].split()]


def wait_for_counters(lab, wanted):
    """The shown figures are up to two seconds old."""
    wait_until(lambda: counters(lab) == wanted, 12, f"totals of {wanted}")
    time.sleep(2.2)


@scenario
def statistics_count_every_packet_once(t):
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m", f"-a {DNS} -r {server(2)} -m",
                      f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {server(1, 80)} -m")
    lab.client_sends(request(2000), request(2000, 100), request(2001), tcp(CLIENT, 2002, VIP, 80, SYN))
    lab.server_sends(answer(2001), answer(2001, 1000), tcp(server_address(1), 80, CLIENT, 2002, SYN | ACK))
    lab.server_sends(answer(2000, number=2), number=2)
    # Not counted: no service, no connection.
    lab.client_sends(udp(CLIENT, 2000, VIP, 54, b"x"), tcp(CLIENT, 2009, VIP, 80, ACK))
    wait_for_counters(lab, [3, 4, 4, 33 + 128 + 33 + 40, 35 + 1028 + 40 + 35])
    t.block("ipvsadm", listing(lab.director, "--stats", "--exact"))
    t.block("/proc/net/ip_vs_stats", exact(lab.director.read("/proc/net/ip_vs_stats"))[:3])
    rows = [line.split() for line in lab.director.read("/proc/net/ip_vs_stats_percpu").splitlines()[2:]]
    cpus = [row for row in rows if re.fullmatch("[0-9A-F]+", row[0] if row else "") and len(row) == 6]
    t.note("sum of the CPUs:", [sum(int(row[column], 16) for row in cpus) for column in range(1, 6)])
    rates = listing(lab.director, "--rate", "--exact")
    t.block("rates", rates[:3])
    equal({len(line.split()) for line in rates[3:]}, {7}, "columns of the rates")
    lab.director.ipvsadm("-Z", "-u", f"{VIP}:53")
    t.block("one service zeroed", listing(lab.director, "--stats", "--exact"))
    lab.director.ipvsadm("-Z")
    t.block("all zeroed", listing(lab.director, "--stats", "--exact")
            + exact(lab.director.read("/proc/net/ip_vs_stats"))[:3])
    lab.client_sends(request(2000))
    wait_for_counters(lab, [0, 1, 0, 33, 0])
    t.block("from zero on", listing(lab.director, "--stats", "--exact"))
    lab.director.ipvs(f"-d {DNS} -r {server(2)}", f"-a {DNS} -r {server(2)} -m")
    t.block("a server deleted and added again", listing(lab.director, "--stats", "--exact"))


@scenario
def estimation_can_be_stopped(t):
    lab = Wires()
    lab.director.ipvs(f"-A {DNS} -s rr", f"-a {DNS} -r {server(1)} -m")
    lab.client_sends(request(2000))
    wait_for_counters(lab, [1, 1, 0, 33, 0])
    lab.director.ipvs_sysctl("run_estimation", 0)
    lab.client_sends(request(2000))
    time.sleep(3)
    t.note("stopped:", counters(lab))
    lab.director.ipvs_sysctl("run_estimation", 1)
    wait_for_counters(lab, [1, 2, 0, 66, 0])
    t.note("running again:", counters(lab))
