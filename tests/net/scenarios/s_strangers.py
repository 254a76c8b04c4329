# SPDX-License-Identifier: GPL-2.0
"""Who has no rights in the initial user namespace: what such a process may ask, read and write."""

import errno
import json
import os
import socket

from genl import COMMANDS, DUMP, Client
from lab import CLIENT, VIP, Topology, server_address
from packets import udp
from scenario import check, scenario
from wire import Wires

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NOBODY = 65534
LISTINGS = "ip_vs ip_vs_conn ip_vs_conn_sync ip_vs_stats ip_vs_stats_percpu ip_vs_app ip_vs_status".split()
DUMPS = ("GET_SERVICE", "GET_DEST", "GET_DAEMON")
SYSCTLS = "/proc/sys/net/ipv4/vs"
SETTINGS = ("conn_max conn_lfactor svc_lfactor conn_reuse_mode expire_nodest_conn expire_quiescent_template amemthresh "
            "am_droprate drop_entry drop_packet secure_tcp sloppy_tcp sloppy_sctp snat_reroute run_estimation "
            "lblc_expiration lblcr_expiration pmtu_disc").split()


def said(function, *arguments):
    """"ok" or the error's name."""
    try:
        function(*arguments)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def read(path):
    with open(path, "rb") as file:
        file.read()


def write_back(path):
    """Writes what is there already: whoever may do that may write anything."""
    with open(path, "r+", encoding="ascii") as file:
        text = file.read()
        file.seek(0)
        file.write(text)


def attempts(host):
    """What a process is told: [(what it tried, outcome)]."""
    rows = []
    client = Client(host)
    for command in COMMANDS:
        rows.append((command, client.do(command)[0]))
        if command in DUMPS:
            rows.append((f"{command} as a dump", client.do(command, flags=DUMP)[0]))
    with host:
        rows += [(f"read {name}", said(read, f"/proc/net/{name}")) for name in LISTINGS]
        rows += [(f"write {name}", said(write_back, f"{SYSCTLS}/{name}")) for name in SETTINGS]
    return rows


class Mine:
    """The namespace that the process is in."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    @staticmethod
    def socket(*arguments):
        return socket.socket(*arguments)


def as_stranger(become, host):
    """Runs the attempts in a process that gives up its rights first."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            become()
            os.write(writer, json.dumps(attempts(host)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as file:
        text = file.read()
    os.waitpid(child, 0)
    check(text, "the stranger has said nothing")
    return json.loads(text)


def show(t, rows):
    for what, outcome in rows:
        t.note(f"{what}: {outcome}")


@scenario
def a_process_without_rights(t):
    lab = Topology()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")

    def become():
        # Namespaces are entered before the right to do so is given up.
        os.setns(lab.director.descriptor, os.CLONE_NEWNET)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    rows = as_stranger(become, Mine())
    show(t, rows)
    allowed = [what for what, outcome in rows if outcome == "ok" and what.startswith("write")]
    check(not allowed, f"a process without rights may {allowed}")
    check("rr" in lab.director.ipvsadm("-Ln"), "the service is gone")


@scenario
def the_owner_of_a_user_namespace(t):
    def become():
        os.unshare(CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        os.unshare(CLONE_NEWNET)

    show(t, as_stranger(become, Mine()))


@scenario
def a_stranger_cannot_hurt_a_director(t):
    lab = Wires()
    lab.director.ipvs(f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {server_address(1)}:53 -m")
    before = lab.chosen(udp(CLIENT, 2000, VIP, 53, b"x"))
    as_stranger(lambda: os.unshare(CLONE_NEWUSER | CLONE_NEWNET), Mine())
    t.note("before", before, "after", lab.chosen(udp(CLIENT, 2001, VIP, 53, b"x")))
