# SPDX-License-Identifier: GPL-2.0
"""The hosts of the bench of layer 7, and what can stand between a client and two web servers:

    client --- director --- server 1, server 2

Each proxy is a context: it listens at an address and port of the director while it is measured, and is gone afterwards, so that
none of them pays for the time-outs of another."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import lab
import switch
from lab import VIP, Topology, server_address
from scenario import Failed

FOLDER = "/run/l7"
# 100 bytes of text are an answer of about 330; big is for the rows that are about bytes.
FILES = {"small": 100, "images/small": 100, "html/small": 100, "images/big": 10 << 20}
MEGABYTES = FILES["images/big"] >> 20
PATTERNS = {"^/images/": 1, "^/html/": 2, ".*": 1}
SYSCTLS = {"net/ipv4/ip_local_port_range": "1024 65000", "net/core/somaxconn": "4096"}

NGINX = """worker_processes 1; worker_rlimit_nofile 65536; user root; pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 3600; keepalive_requests 1000000000;
  client_body_temp_path {folder}/{name}-1; proxy_temp_path {folder}/{name}-2; fastcgi_temp_path {folder}/{name}-3;
  uwsgi_temp_path {folder}/{name}-4; scgi_temp_path {folder}/{name}-5;
{rest} }}
"""
WEB = "  sendfile on; tcp_nopush on; server {{ listen 80 backlog=4096; root {folder}/{name}; }}\n"

HAPROXY = """global
  nbthread 1
  maxconn 20000
  pidfile {folder}/haproxy.pid
  daemon
defaults
  mode {mode}
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  {option}
frontend all
  bind {vip}:{port} backlog 4096
{rules}  default_backend server1
"""


@contextlib.contextmanager
def hosts():
    """A client, a director and two web servers."""
    lab.prepare_kernel()
    topology = Topology(servers=2)
    for host in (topology.client, topology.director, *topology.servers):
        for name, value in SYSCTLS.items():
            host.sysctl(name, value)
    for number, host in zip(topology.numbers, topology.servers):
        name = f"web{number}"
        for path, size in FILES.items():
            os.makedirs(os.path.dirname(f"{FOLDER}/{name}/{path}"), exist_ok=True)
            with open(f"{FOLDER}/{name}/{path}", "wb") as file:
                file.write(f"server {number}\n".encode().ljust(size, b"."))
        start_nginx(host, name, WEB.format(folder=FOLDER, name=name))
        wait_for(host, server_address(number), 80)
    yield topology
    for number in topology.numbers:
        stop(f"web{number}")
    lab.remove_all()


def start_nginx(host, name, rest, connections=25000):
    path = f"{FOLDER}/{name}.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX.format(folder=FOLDER, name=name, connections=connections, rest=rest))
    host.run("nginx", "-c", path)


def stop(name):
    """Ends a daemon by its pid file."""
    with open(f"{FOLDER}/{name}.pid", encoding="ascii") as file:
        pids = [int(line) for line in file]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        time.sleep(0.05)


def wait_for(host, address, port):
    """Waits until something listens."""
    for _ in range(100):
        with host, socket.socket() as one, contextlib.suppress(ConnectionRefusedError):
            one.connect((address, port))
            return
        time.sleep(0.05)
    raise Failed(f"nobody listens at {address}:{port}")


@contextlib.contextmanager
def direct(_hosts):
    """Nobody: the client asks a server, and the director forwards its packets."""
    yield server_address(1), 80


@contextlib.contextmanager
def haproxy(topology, mode, option="", port=8081):
    """HAProxy with one thread. In the mode tcp there are no rules, as there is nothing that they could look at."""
    rules, servers = "", ""
    if mode == "http":
        rules = "".join(f"  acl to{number} path_beg /{name}/\n  use_backend server{number} if to{number}\n"
                        for name, number in (("images", 1), ("html", 2)))
    for number in topology.numbers:
        servers += f"backend server{number}\n  server one {server_address(number)}:80\n"
    path = f"{FOLDER}/haproxy.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(HAPROXY.format(folder=FOLDER, mode=mode, option=option, vip=VIP, port=port, rules=rules) + servers)
    topology.director.run("haproxy", "-f", path)
    wait_for(topology.director, VIP, port)
    yield VIP, port
    stop("haproxy")


@contextlib.contextmanager
def nginx(topology, pool, port=8082):
    """nginx as a proxy, with or without a pool of connections to the servers."""
    rest = "  client_max_body_size 0;\n"
    for number in topology.numbers:
        kept = "keepalive 32; keepalive_requests 100000000;" if pool else ""
        rest += f"  upstream server{number} {{ server {server_address(number)}:80; {kept} }}\n"
    rest += f"  server {{ listen {VIP}:{port} backlog=4096;"
    if pool:
        rest += ' proxy_http_version 1.1; proxy_set_header Connection "";'
    for path, number in (("/images/", 1), ("/html/", 2), ("/", 1)):
        rest += f" location {path} {{ proxy_pass http://server{number}; }}"
    start_nginx(topology.director, "proxy", rest + " }\n")
    wait_for(topology.director, VIP, port)
    yield VIP, port
    stop("proxy")


@contextlib.contextmanager
def ours(topology, scheduler, port=80):
    """A service of the layer-7 switch."""
    with switch.loaded():
        director = topology.director
        switch.configure(director, f"-A -i bench -s {scheduler} -l {VIP}:{port}")
        # As HAProxy in the mode tcp, wlc has one server.
        for number in topology.numbers if scheduler != "wlc" else (1,):
            switch.configure(director, f"-a -i bench -r {server_address(number)}:80")
        for pattern, number in PATTERNS.items() if scheduler != "wlc" else ():
            switch.configure(director, f"--add-rule -i bench -p {pattern} -r {server_address(number)}:80")
        switch.configure(director, "--start")
        yield VIP, port


PROXIES = {
    "direct": direct,
    "haproxy-http": lambda hosts: haproxy(hosts, "http"),
    "haproxy-http-reuse": lambda hosts: haproxy(hosts, "http", "http-reuse always"),
    "haproxy-tcp": lambda hosts: haproxy(hosts, "tcp", "option splice-auto"),
    "nginx": lambda hosts: nginx(hosts, pool=False),
    "nginx-pool": lambda hosts: nginx(hosts, pool=True),
    "http": lambda hosts: ours(hosts, "http"),
    "wlc": lambda hosts: ours(hosts, "wlc"),
}


def modules():
    """The paths of the modules that are measured."""
    return subprocess.run(["modinfo", "-n", "ktcpvs"], text=True, stdout=subprocess.PIPE, check=False).stdout.strip()
