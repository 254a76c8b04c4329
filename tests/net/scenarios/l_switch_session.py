# SPDX-License-Identifier: GPL-2.0
"""The session that the layer-7 switch is known by, line by line as people type it."""

import os
import subprocess

import kernel
import lab
import switch
from lab import Topology, server_address
from scenario import check, equal, scenario
from switch import PORT, Server, tool, web

NAMES = "/etc/hosts"
FILE = "/tmp/ktcpvs.conf"
LOADING = ("modprobe ktcpvs_wlc", "modprobe ktcpvs_http", "echo 2 > /proc/sys/net/ktcpvs/debug_level")
CONFIGURING = (
    "tcpvsadm -A -i http -s http",
    "tcpvsadm -a -i http -r r1:80",
    "tcpvsadm -a -i http -r r2:80",
    "tcpvsadm -a -i http -r r3:80",
    "tcpvsadm --add-rule -i http --pattern=/images/.* -r r1:80",
    "tcpvsadm --add-rule -i http --pattern=/html/.* -r r2:80",
    "tcpvsadm --add-rule -i http --pattern=.* -r r3:80",
)
REMOVING = ("echo 1 > /proc/sys/net/ktcpvs/unload", "rmmod ktcpvs_wlc", "rmmod ktcpvs_http", "rmmod ktcpvs")


class Session:
    """A shell on the director."""

    def __init__(self, transcript, director):
        self.transcript, self.director = transcript, director
        self.environment = {**os.environ, "PATH": f"{os.path.dirname(switch.TOOL)}:{os.environ['PATH']}"}

    def type(self, line):
        """Runs a line, which may not fail, and notes what it prints."""
        with self.director:
            done = subprocess.run(["sh", "-c", line], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=self.environment, check=False)
        self.transcript.block(f"# {line}", done.stdout.splitlines())
        equal(done.returncode, 0, line)
        return done.stdout


def ask(client):
    """Who answers which request; each has a connection of its own."""
    at = f"http://{lab.GATEWAY}:8080"
    targets = ["images/a.png", "html/b.html", "cgi/images/c", "d"]
    return client.run("curl", "-sS", "-m", "20", "-H", "Connection: close", *(f"{at}/{target}" for target in targets),
                      check=False).splitlines()


@scenario(rust_only=True)
def the_session_works_as_it_is_written(t):
    with open(NAMES, encoding="ascii") as file:
        before = file.read()
    try:
        with open(NAMES, "a", encoding="ascii") as file:
            file.writelines(f"{server_address(number)} r{number}\n" for number in (1, 2, 3))
        session(t)
    finally:
        with open(NAMES, "w", encoding="ascii") as file:
            file.write(before)
        if kernel.use_count("ktcpvs") is not None:
            lab.write_sysctl("net/ktcpvs/unload", 1)
            switch.unload()


def session(t):
    hosts = Topology(servers=3)
    names = [Server(host, server_address(number), PORT, web(f"r{number}")) for number, host in zip(hosts.numbers, hosts.servers)]
    shell = Session(t, hosts.director)
    for line in LOADING + CONFIGURING:
        shell.type(line)
    listed = shell.type("tcpvsadm --list")
    shell.type("tcpvsadm --start -i http")
    wanted = ["r1 /images/a.png", "r2 /html/b.html", "r1 /cgi/images/c", "r3 /d"]
    equal(ask(hosts.client), wanted, "who answers")
    shell.type("tcpvsadm --stop -i http")
    check(ask(hosts.client)[0].startswith("curl: (7)"), "a service that was stopped listens")
    # What was listed is a configuration file.
    shell.type(f"tcpvsadm --list > {FILE}")
    shell.type("tcpvsadm -F")
    equal(tool(hosts.director), (0, "TCP Virtual Server version 1.0.0\n"), "the list after -F")
    shell.type(f"tcpvsadm -f {FILE} --check")
    equal(tool(hosts.director), (0, "TCP Virtual Server version 1.0.0\n"), "the list after --check")
    shell.type(f"tcpvsadm -f {FILE}")
    equal(tool(hosts.director, "--list")[1], listed, "the list that was loaded")
    shell.type("tcpvsadm --start -i http")
    equal(ask(hosts.client), wanted, "who answers after that")
    shell.type("tcpvsadm --stop -i http")
    for line in REMOVING:
        shell.type(line)
    check(all(kernel.use_count(name) is None for name in switch.MODULES), "a module is still there")
    for one in names:
        one.close()
