#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Mixed traffic for a long time: soak.py MINUTES, inside a VM that counts instructions for time (scripts/vm -i).

curl asks nginx on two servers, iperf3 keeps a bulk connection going, datagrams come from new clients all the time, some
connections stay open and say little, and keepalived reads a changed configuration again and again. Every ten seconds a row
goes to /out/soak.csv. No connection may break, no question stay without its answer, and memory must be flat: the mean of
the last quarter of the time may be above that of the second by no more than FLAT."""

import os
import selectors
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import disk  # noqa: E402
import kernel  # noqa: E402
import lab as hosts  # noqa: E402
from lab import VIP, Topology, server_address  # noqa: E402

STEP, PAUSE, FLAT = 10, 0.05, 1.03
COLUMNS = ("seconds", "connections", "memory_kb", "slab_kb", "http_per_s", "udp_per_s", "bulk_kbit_per_s", "lost", "reloads")
NGINX = """user root; daemon on; pid /run/nginx-{0}.pid; error_log /run/nginx-{0}.err;
events {{ }}
http {{ access_log off; server {{ listen {1}:80; location / {{ return 200 "server {0}\\n"; }} }} }}
"""
KEEPALIVED = """global_defs {{
  router_id soak
}}
virtual_server {vip} 8080 {{
  delay_loop 5
  lb_algo {algorithm}
  lb_kind NAT
  protocol TCP
{servers}}}
"""
REAL_SERVER = """  real_server {0} 80 {{
    weight {1}
    TCP_CHECK {{
      connect_timeout 2
    }}
  }}
"""


def services(lab):
    lines = []
    for kind, port, scheduler in (("-t", 80, "wlc"), ("-u", 53, "rr"), ("-t", 5201, "rr"), ("-t", 21, "sh")):
        lines.append(f"-A {kind} {VIP}:{port} -s {scheduler}")
        servers = (1,) if port == 5201 else (1, 2)
        lines += [f"-a {kind} {VIP}:{port} -r {server_address(number)}:{port} -m" for number in servers]
    lab.director.ipvs(*lines)
    # The table's size then changes within the time, as the datagrams' connections end.
    lab.director.ipvs("--set 0 0 30")


class Keepalived:
    """keepalived in the director, with a configuration that changes."""

    def __init__(self, lab):
        self.lab, self.reloads = lab, 0
        self.write()
        with lab.director:
            self.process = subprocess.Popen(["keepalived", "-n", "-C", "-l", "-f", "/run/keepalived.conf", "-p", "/run/ka.pid",
                                             "-c", "/run/kac.pid"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def write(self):
        turn = self.reloads
        servers = "".join(REAL_SERVER.format(server_address(number), 1 + turn % 3) for number in (1, 2) if turn % 4 != number)
        with open("/run/keepalived.conf", "w", encoding="ascii") as file:
            file.write(KEEPALIVED.format(vip=VIP, algorithm=("rr", "wlc", "mh")[turn % 3], servers=servers))

    def reload(self):
        self.reloads += 1
        self.write()
        self.process.send_signal(signal.SIGHUP)


class Quiet:
    """Connections that stay open and say little, like the control connections of FTP."""

    def __init__(self, lab, count=20):
        listeners = [server.listen(server_address(number), 21) for number, server in zip(lab.numbers, lab.servers)]
        self.pairs, self.lost = [], 0
        selector = selectors.DefaultSelector()
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ)
        for _ in range(count):
            near = lab.client.connect(VIP, 21)
            far = selector.select(5)[0][0].fileobj.accept()[0]
            far.settimeout(5)
            self.pairs.append((near, far))

    def talk(self):
        for near, far in self.pairs:
            try:
                near.sendall(b"NOOP\r\n")
                far.sendall(b"200 " + far.recv(100))
                self.lost += near.recv(100) != b"200 NOOP\r\n"
            except OSError:
                self.lost += 1


class Questions:
    """Datagrams, each from a new client, and their answers."""

    def __init__(self, lab):
        self.lab = lab
        self.servers = [server.udp(server_address(number), 53) for number, server in zip(lab.numbers, lab.servers)]
        self.done = self.lost = 0

    def ask(self):
        with self.lab.client.udp() as near:
            near.sendto(b"question", (VIP, 53))
            selector = selectors.DefaultSelector()
            for one in self.servers:
                selector.register(one, selectors.EVENT_READ)
            ready = selector.select(2)
            if ready:
                server = ready[0][0].fileobj
                _, source = server.recvfrom(100)
                server.sendto(b"answer", source)
            try:
                near.settimeout(2)
                self.done += near.recvfrom(100)[0] == b"answer"
            except OSError:
                self.lost += 1
            selector.close()


class Pages:
    """curl, one process after the other."""

    def __init__(self, lab):
        self.lab, self.done, self.lost = lab, 0, 0

    def get(self):
        said = self.lab.client.run("curl", "-s", "-m", "5", f"http://{VIP}/", check=False)
        if said.startswith("server "):
            self.done += 1
        else:
            self.lost += 1


class Bulk:
    """iperf3, one connection for all of the time."""

    def __init__(self, lab, seconds):
        with lab.servers[0]:
            self.server = subprocess.Popen(["iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
        time.sleep(2)
        with lab.client:
            self.client = subprocess.Popen(["iperf3", "-c", VIP, "-b", "2M", "-t", str(seconds)], stdout=subprocess.DEVNULL)
        self.lab = lab

    def received(self):
        for line in self.lab.servers[0].read("/proc/net/dev").splitlines():
            if line.strip().startswith("s0:"):
                return int(line.split(":")[1].split()[0])
        return 0


def memory():
    """(all kernel memory, slabs), in kB."""
    with open("/proc/meminfo", encoding="ascii") as file:
        rows = dict(line.split(":") for line in file)
    figures = {name: int(rows[name].split()[0]) for name in ("SUnreclaim", "Percpu", "VmallocUsed", "KernelStack")}
    return sum(figures.values()), figures["SUnreclaim"]


def connections(lab):
    return int(lab.director.read("/proc/net/ip_vs_status").split()[1])


def soak(minutes):
    """Does it; returns the rows."""
    lab = Topology(servers=2)
    services(lab)
    for number, server in zip(lab.numbers, lab.servers):
        with open(f"/run/nginx-{number}.conf", "w", encoding="ascii") as file:
            file.write(NGINX.format(number, server_address(number)))
        server.run("nginx", "-c", f"/run/nginx-{number}.conf", "-e", "/run/nginx.err")
    quiet, questions, pages = Quiet(lab), Questions(lab), Pages(lab)
    bulk, churn = Bulk(lab, minutes * 60 + 30), Keepalived(lab)
    rows, start = [], time.monotonic()
    with open("/out/soak.csv", "w", encoding="ascii") as file:
        print(",".join(COLUMNS), file=file, flush=True)
        while time.monotonic() < start + minutes * 60:
            began, before = time.monotonic(), (pages.done, questions.done, bulk.received())
            turn = 0
            while time.monotonic() < began + STEP:
                questions.ask()
                turn += 1
                if turn % 20 == 0:
                    pages.get()
                time.sleep(PAUSE)
            quiet.talk()
            churn.reload()
            took = time.monotonic() - began
            rates = [(now - then) / took for now, then in zip((pages.done, questions.done, bulk.received()), before)]
            lost = quiet.lost + questions.lost + pages.lost + (bulk.client.poll() is not None)
            row = (round(time.monotonic() - start), connections(lab), *memory(), round(rates[0], 1), round(rates[1], 1),
                   round(rates[2] * 8 / 1000), lost, churn.reloads)
            rows.append(dict(zip(COLUMNS, row)))
            print(",".join(map(str, row)), file=file, flush=True)
    check_churn(lab)
    churn.process.terminate()
    churn.process.wait()
    return rows


def check_churn(lab):
    """keepalived's service must be there, or the churn was none."""
    said = lab.director.ipvsadm("-Ln")
    if f"{VIP}:8080" not in said:
        raise SystemExit(f"keepalived has made no service:\n{said}")


def mean(rows, name):
    return sum(row[name] for row in rows) / len(rows)


def main():
    minutes = float(sys.argv[1])
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    hosts.prepare_kernel()
    disk.take_into_memory()
    log, failures = kernel.Log(), 0
    rows = soak(minutes)
    quarter = max(len(rows) // 4, 1)
    early, late = (mean(part, "memory_kb") for part in (rows[quarter:2 * quarter] or rows, rows[-quarter:]))
    failures += checkers.verdict("soak: nothing was lost", "" if not rows[-1]["lost"] else f"{rows[-1]['lost']} were")
    failures += checkers.verdict("soak: memory is flat", "" if late < early * FLAT else f"{early:.0f} kB, then {late:.0f} kB")
    trouble = log.trouble(log.new_lines())
    failures += checkers.verdict("soak: the log is clean", trouble and trouble[0])
    print(f"soak: {len(rows)} rows, {mean(rows, 'http_per_s'):.1f} pages/s, {mean(rows, 'udp_per_s'):.1f} datagrams/s, "
          f"{mean(rows, 'bulk_kbit_per_s'):.0f} kbit/s, {mean(rows, 'connections'):.0f} connections, memory "
          f"{early:.0f} to {late:.0f} kB, {rows[-1]['reloads']} reloads", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
