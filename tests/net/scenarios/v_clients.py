# SPDX-License-Identifier: GPL-2.0
"""Programs of Debian that use IPVS, as they are: what they make of it, and what they show of it."""

import glob
import re
import threading
import time

import genl
from daemons import PORT, Daemon, Web, ask
from lab import CLIENT, VIP, Topology, run, server_address
from packets import udp
from scenario import check, equal, scenario
from views import table, wait_until
from wire import Wires

KEEPALIVED = ("keepalived", "-n", "-l", "-C", "-f", "CONFIG", "-p", "/run/keepalived.pid", "-c", "/run/checkers.pid")


def services(lab):
    """The table without its header and without what traffic changes."""
    return [re.sub(r"(Masq +\d+).*", r"\1", line) for line in table(lab.director)[3:]]


def servers(lab):
    """The numbers of the servers in the table."""
    return sorted({int(line[9:11], 16) for line in services(lab) if "->" in line})


def virtual_server(*weights, port=80, algorithm="wrr"):
    """keepalived's words for a service, checked by connecting."""
    reals = "".join(f"""
        real_server {server_address(number)} {PORT} {{
            weight {weight}
            TCP_CHECK {{
                connect_timeout 1
                retry 0
            }}
        }}""" for number, weight in enumerate(weights, 1))
    return f"""
    virtual_server {VIP} {port} {{
        delay_loop 1
        lb_algo {algorithm}
        lb_kind NAT
        protocol TCP
        {reals}
    }}
    """


class Traffic:
    """Requests of a client, one after the other, in the background."""

    def __init__(self, client):
        self.client, self.answers, self.over = client, [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            self.answers.append(ask(self.client, VIP))
            # Waiting takes no time where instructions are counted; work does.
            time.sleep(0.2)

    def next(self, count=12):
        """The different answers to so many requests that begin from now on."""
        begun = len(self.answers) + 1
        wait_until(lambda: len(self.answers) >= begun + count, 60, "an answer to a request")
        return sorted(set(self.answers[begun:begun + count]))

    def stop(self):
        self.over.set()
        self.thread.join()


@scenario
def keepalived_checks_removes_and_restores_servers_under_traffic(t):
    lab = Topology(servers=2)
    webs = [Web(lab, number) for number in (1, 2)]
    daemon = Daemon(lab.director, virtual_server(1, 2), *KEEPALIVED)
    daemon.wait_until(lambda: servers(lab) == [1, 2], 60, "two servers")
    t.block("started", services(lab))
    traffic = Traffic(lab.client)
    try:
        t.note("answers:", traffic.next())
        for web in webs:
            web.down()
            daemon.wait_until(lambda gone=web.number: gone not in servers(lab), 60, "the removal of a server")
            t.block(f"server {web.number} is down", services(lab))
            t.note("answers:", traffic.next())
            web.up()
            daemon.wait_until(lambda: servers(lab) == [1, 2], 60, "the return of a server")
            t.block(f"server {web.number} is up again", services(lab))
            t.note("answers:", traffic.next())
    finally:
        traffic.stop()
        status = daemon.stop()
    t.note("keepalived ended with status", status)
    t.block("afterwards", services(lab))


@scenario
def keepalived_reloads_under_an_open_connection(t):
    lab = Topology(servers=2)
    for number in (1, 2):
        Web(lab, number)
    daemon = Daemon(lab.director, virtual_server(1, 2), *KEEPALIVED)
    daemon.wait_until(lambda: servers(lab) == [1, 2], 60, "two servers")
    with lab.client.connect(VIP, 80) as open_one:
        open_one.sendall(b"hello")
        first = open_one.recv(100)
        for title, config in {
                "other weights": virtual_server(5, 7), "another scheduler": virtual_server(5, 7, algorithm="wlc"),
                "one server less": virtual_server(5, algorithm="wlc"),
                "one service more": virtual_server(5, 7) + virtual_server(1, port=81, algorithm="sh"),
                "as in the beginning": virtual_server(1, 2)}.items():
            before = services(lab)
            daemon.configure(config)
            daemon.reload()
            changed = daemon.wait_until(lambda before=before: services(lab) != before, 60, "a change after SIGHUP")
            check(changed, title)
            settle(lab)
            t.block(title, services(lab))
            if title != "one server less":
                open_one.sendall(b"again")
                equal(open_one.recv(100), first, f"who answers on the open connection after {title}")
    t.note("keepalived ended with status", daemon.stop())
    t.block("afterwards", services(lab))


def settle(lab):
    """Waits until nothing has changed for some seconds."""
    seen, since = services(lab), time.monotonic()
    while time.monotonic() - since < 4:
        time.sleep(0.2)
        now = services(lab)
        if now != seen:
            seen, since = now, time.monotonic()


@scenario
def ldirectord_checks_servers_by_connecting(t):
    lab = Topology(servers=2)
    webs = [Web(lab, number) for number in (1, 2)]
    config = f"""
checktimeout = 1
negotiatetimeout = 1
checkinterval = 1
checkcount = 1
autoreload = no
quiescent = no
logfile = "/tmp/ldirectord.log"
virtual = {VIP}:80
\tprotocol = tcp
\tscheduler = wlc
\tchecktype = connect
\tcheckport = {PORT}
\treal = {server_address(1)}:{PORT} masq 3
\treal = {server_address(2)}:{PORT} masq 4
"""
    daemon = Daemon(lab.director, config, "ldirectord", "-d", "CONFIG", "start")
    try:
        daemon.wait_until(lambda: servers(lab) == [1, 2], 200, "two servers")
        t.block("started", services(lab))
        webs[0].down()
        daemon.wait_until(lambda: servers(lab) == [2], 60, "the removal of a server")
        t.block("server 1 is down", services(lab))
        t.note("answers:", sorted({ask(lab.client, VIP) for _ in range(6)}))
        webs[0].up()
        daemon.wait_until(lambda: servers(lab) == [1, 2], 60, "the return of a server")
        t.block("server 1 is up again", services(lab))
    finally:
        daemon.stop()
    t.block("afterwards", services(lab))


def busy_director():
    """A director with services of all kinds, some of which had packets; rates have come to rest, and C has counted."""
    lab = Wires(servers=2)
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m -w 3",
                      f"-a -u {VIP}:53 -r {server_address(2)}:53 -m -w 0", "-A -f 9 -s sh",
                      f"-a -f 9 -r {server_address(2)}:0 -g", f"-A -t {VIP}:80 -s wlc -p 60",
                      "-A -t [2001:db8::1]:443 -s rr")
    for port in range(2000, 2007):
        lab.client_sends(udp(CLIENT, port, VIP, 53, b"x" * 20))
    lab.client_sends(udp(CLIENT, 2000, VIP, 53, b"y"))
    time.sleep(120)
    return lab


@scenario
def prometheus_node_exporter_reads_the_table(t):
    lab = busy_director()
    daemon = Daemon(lab.director, "", "prometheus-node-exporter", "--collector.disable-defaults", "--collector.ipvs",
                    "--web.listen-address=127.0.0.1:9100")
    try:
        def metrics():
            return lab.director.run("curl", "-s", "http://127.0.0.1:9100/metrics", check=False)
        daemon.wait_until(lambda: "node_ipvs_connections_total" in metrics(), 60, "its metrics")
        lines = metrics().splitlines()
    finally:
        daemon.stop()
    t.block("metrics", sorted(line for line in lines if "ipvs" in line and "duration" not in line))


@scenario
def collectd_reads_services_by_socket_options(t):
    lab = busy_director()
    daemon = Daemon(lab.director, """
        Hostname "director"
        BaseDir "/tmp"
        Interval 1
        LoadPlugin csv
        LoadPlugin ipvs
        <Plugin csv>
            DataDir "/tmp/collectd"
        </Plugin>
        """, "collectd", "-f", "-C", "CONFIG", "-P", "/tmp/collectd.pid")

    def files():
        return sorted(glob.glob("/tmp/collectd/director/ipvs-*/*"))

    def last(path):
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        return f"{lines[0]}: {lines[-1].split(',', 1)[1]}"

    try:
        daemon.wait_until(lambda: len(files()) >= 8, 60, "the files of collectd")
        time.sleep(3)
    finally:
        daemon.stop()
    for path in files():
        name = re.sub(r"-\d{4}-\d\d-\d\d$", "", path.removeprefix("/tmp/collectd/director/"))
        t.note(name, last(path))
    run("rm", "-rf", "/tmp/collectd")


class Proxy:
    """What kube-proxy and the swarm's ingress say, by the library that they share: version 1, acknowledgements asked for
    even of dumps, an empty service in the dump of all, flags with all bits masked, addresses of 4 or 16 bytes."""

    DUMP = genl.DUMP | genl.ACK

    def __init__(self, host):
        self.client = genl.Client(host)

    @staticmethod
    def nest(kind, **values):
        return genl.attribute(kind, b"".join(genl.attribute(int(key[1:]), value) for key, value in values.items()))

    def service(self, address, port, protocol, scheduler=None, flags=0, timeout=0):
        """All of a service, or its key without a scheduler."""
        family, netmask = (2, b"\xff" * 4) if len(address) == 4 else (10, genl.u32(128))
        key = {"a1": genl.u16(family), "a2": genl.u16(protocol), "a3": address, "a4": genl.be16(port)}
        if scheduler:
            key |= {"a6": genl.name(scheduler), "a7": genl.u32(flags) + b"\xff" * 4, "a8": genl.u32(timeout),
                    "a9": netmask}
        return self.nest(genl.SERVICE, **key)

    def dest(self, address, port, weight):
        return self.nest(genl.DEST, a1=address, a2=genl.be16(port), a3=genl.u32(0), a4=genl.u32(weight),
                         a5=genl.u32(0), a6=genl.u32(0))

    def services(self):
        """All services, as the library reads them: without the flag of the kernel's own table it refuses them."""
        outcome, replies = self.client.do("GET_SERVICE", genl.attribute(genl.SERVICE, b""), flags=self.DUMP)
        found = []
        for _, _, payload in replies:
            values = dict(genl.attributes(next(genl.attributes(payload))[1]))
            check(values[7][0] & 2, "a service without the flag HASHED")
            statistics = dict(genl.attributes(values[10]))
            found.append(f"{values[3].hex()} {values[4].hex()} {values[6]} flags {values[7].hex()} "
                         f"timeout {values[8].hex()} netmask {values[9].hex()} connections {statistics[1].hex()}")
        return [outcome] + sorted(found)

    def dests(self, key):
        outcome, replies = self.client.do("GET_DEST", key, flags=self.DUMP)
        found = []
        for _, _, payload in replies:
            values = dict(genl.attributes(next(genl.attributes(payload))[1]))
            found.append(f"{values[1].hex()} {values[2].hex()} weight {values[4][:2].hex()} active {values[7].hex()} "
                         f"inactive {values[8].hex()}")
        return [outcome] + sorted(found)


@scenario
def the_library_of_kube_proxy_and_swarm(t):
    lab = Wires(servers=2)
    for name, value in (("conntrack", 1), ("conn_reuse_mode", 0), ("expire_nodest_conn", 1),
                        ("expire_quiescent_template", 1)):
        lab.director.ipvs_sysctl(name, value)
        t.note(name, lab.director.read(f"/proc/sys/net/ipv4/vs/{name}").strip())
    lab.director.ipvs_sysctl("conntrack", 0)
    proxy = Proxy(lab.director)
    vip, six = genl.address(VIP), b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"
    web = proxy.service(vip, 53, 17)

    def do(command, payload=b""):
        t.note(f"{command}:", proxy.client.do(command, payload)[0])

    do("FLUSH")
    for payload in (proxy.service(vip, 53, 17, "rr"), proxy.service(vip, 80, 6, "rr", 1, 10800),
                    proxy.service(six, 80, 6, "wlc"), proxy.service(vip, 53, 17, "rr")):
        do("NEW_SERVICE", payload)
    for number in (1, 2, 1):
        do("NEW_DEST", web + proxy.dest(genl.address(server_address(number)), 53, 1))
    t.block("services", proxy.services())
    t.block("servers", proxy.dests(web))
    t.note("requests reach", lab.chosen(*(udp(CLIENT, port, VIP, 53, b"x") for port in range(2000, 2004))))
    do("SET_DEST", web + proxy.dest(genl.address(server_address(1)), 53, 0))
    t.block("one drains", proxy.dests(web))
    t.note("requests reach", lab.chosen(*(udp(CLIENT, port, VIP, 53, b"x") for port in range(3000, 3004))))
    do("DEL_DEST", web + proxy.dest(genl.address(server_address(1)), 53, 0))
    do("SET_SERVICE", proxy.service(vip, 53, 17, "sh", 8))
    do("GET_SERVICE", web)
    do("SET_CONFIG", genl.attribute(genl.TIMEOUT_TCP, genl.u32(900)) + genl.attribute(
        genl.TIMEOUT_TCP_FIN, genl.u32(120)) + genl.attribute(genl.TIMEOUT_UDP, genl.u32(250)))
    time.sleep(4)
    t.block("services", proxy.services())
    do("DEL_SERVICE", web)
    do("DEL_SERVICE", web)
    t.block("services", proxy.services())
    do("FLUSH")
    t.block("services", proxy.services())
