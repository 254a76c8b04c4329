# SPDX-License-Identifier: GPL-2.0
"""Every setting with every kind of value, and who may do what with each interface."""

import errno
import os
import stat
import struct

import contained
import genl
import sockopt
from lab import VIP, Topology, run
from scenario import scenario

VS = "/proc/sys/net/ipv4/vs"
FILES = ("ip_vs", "ip_vs_app", "ip_vs_conn", "ip_vs_conn_sync", "ip_vs_stats", "ip_vs_stats_percpu", "ip_vs_status")
VALUES = ("", "\n", "0\n", "1", "1\n", "2\n", "3\n", "4\n", "-1\n", "8\n", "-8\n", "9\n", "-9\n", "19\n", "20\n", "-20\n",
          "-21\n", "64\n", "100\n", "65536\n", "2147483647\n", "2147483648\n", "-2147483648\n", "8589934\n", "8589935\n",
          "4294967296\n", "1073741825\n", " 7 \n", "0x10\n", "010\n", "abc\n", "1abc\n", "1 2\n", "1\t2\n", "5 3\n",
          "3 5\n", "3 -5\n", "-3 5\n", "0 0\n", "5 0\n", "1 2 3\n", "0-0\n", "1,0\n", "99999\n")
# Written by the kernel itself, or about the memory of the machine.
VARIABLE = {"sync_qlen_max"}


def names():
    return sorted(os.listdir(VS))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def shown(name, text):
    return "(depends on memory)" if name in VARIABLE else repr(text)


def write(path, text):
    """Writes with one system call; returns "ok", the part that was taken, or the name of the error."""
    try:
        file = os.open(path, os.O_WRONLY)
    except OSError as error:
        return "open: " + errno.errorcode[error.errno]
    try:
        data = text.encode()
        taken = os.write(file, data)
        return "ok" if taken == len(data) else f"{taken} of {len(data)}"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(file)


def modes(_):
    """The names, modes, owners and values of all settings."""
    rows = []
    for name in names():
        status = os.stat(f"{VS}/{name}")
        rows.append(f"{name} {stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid} "
                    f"{shown(name, read(f'{VS}/{name}'))}")
    return rows


def attempts(_):
    """What every setting says to every value, and what it is afterwards."""
    rows = []
    for name in names():
        path = f"{VS}/{name}"
        default = read(path)
        before = default
        for value in VALUES:
            said = write(path, value)
            now = read(path)
            rows.append(f"{name} < {value!r}: {said}" + ("" if now == before else f", now {shown(name, now)}"))
            before = now
        write(path, default)
        if read(path) != default:
            rows.append(f"{name} cannot be set back")
            for again in ("0\n", "1\n", "3\n", "-4\n"):
                write(path, again)
    return rows


@scenario
def sysctls_and_who_may_write_them(t):
    director = Topology().director
    t.block("the first namespace", contained.call(contained.as_is, modes))
    with director:
        t.block("another namespace", contained.call(contained.as_is, modes))
        t.block("another namespace, an unprivileged user", contained.call(contained.as_nobody, modes))
        t.block("another namespace, a user namespace within", contained.call(contained.in_container_on_host, modes))
    t.block("a container", contained.call(contained.in_container, modes))


@scenario
def sysctls_with_every_kind_of_value(t):
    director = Topology().director
    with director:
        t.block("root", contained.call(contained.as_is, attempts))
        for become in (contained.as_nobody, contained.in_container_on_host, contained.as_root_without_network_rights):
            t.block(become.__doc__.split(".")[0], contained.call(become, few_attempts))
    t.block("root of a container", contained.call(contained.in_container, attempts))


def few_attempts(_):
    """Who may write at all."""
    return [f"{name}: {write(f'{VS}/{name}', read(f'{VS}/{name}'))}" for name in names()]


@scenario
def conn_max_is_handed_down_and_limits(t):
    path = f"{VS}/conn_max"
    default = read(path)

    def in_new(place):
        return [read(path).strip()] + [f"{value}: {write(path, value)}, now {read(path).strip()}"
                                       for value in ("500\n", "1000\n", "1001\n", "0\n", "1000\n")]

    try:
        t.note("the first namespace < 1000:", write(path, "1000\n"))
        t.block("a container that begins now", contained.call(contained.in_container, in_new))
        one = Topology(tag="m").director
        with one:
            t.block("a namespace that begins now", contained.call(contained.as_is, in_new))
    finally:
        write(path, default)
    t.note("back:", read(path).strip())


def netlink(place):
    """Every command of the family: what it says to somebody like us."""
    try:
        client = genl.Client(place)
    except OSError as error:
        return [f"netlink: {errno.errorcode[error.errno]}"]
    if client.family is None:
        return ["netlink: no family"]
    rows = []
    for name in genl.COMMANDS:
        rows.append(f"netlink {name}: {client.do(name)[0]}")
        rows.append(f"netlink {name}, dump: {client.do(name, flags=genl.DUMP)[0]}")
    return rows


def options(place):
    """Every socket option."""
    try:
        client = sockopt.Client(place, *SOCKET)
    except OSError as error:
        return [f"socket: {errno.errorcode[error.errno]}"]
    rows = [f"set {name}: {client.set(name, value)}" for name, value in SETTINGS.items()]
    rows += [f"get {name}: {client.get(name, bytes(size))[0]}" for name, size in (
        ("VERSION", 64), ("INFO", 12), ("SERVICES", 8), ("SERVICE", 104), ("DESTS", 24), ("TIMEOUT", 12), ("DAEMON", 48))]
    return rows


SOCKET = (2, 0)
SERVICE, SERVER = sockopt.service(VIP, 80), sockopt.dest("127.0.0.1", 80)
SETTINGS = {"TIMEOUT": struct.pack("=iii", 900, 120, 300), "ADD": SERVICE, "EDIT": SERVICE, "ADDDEST": SERVICE + SERVER,
            "EDITDEST": SERVICE + SERVER, "DELDEST": SERVICE + SERVER, "ZERO": SERVICE, "DEL": SERVICE, "FLUSH": b"",
            "STARTDAEMON": struct.pack("=i16si", 1, b"nonesuch", 1), "STOPDAEMON": struct.pack("=i16si", 1, b"lo", 1)}


def files(_):
    """Every file in /proc/net."""
    rows = []
    for name in FILES:
        path = f"/proc/net/{name}"
        try:
            status = os.stat(path)
            mode = f"{stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid}"
            with open(path, encoding="ascii") as file:
                file.read()
            said = "can be read"
        except OSError as error:
            said = errno.errorcode[error.errno]
        rows.append(f"{name} {mode}: {said}, writing: {write(path, 'x')}")
    return rows


@scenario
def who_may_do_what(t):
    director = Topology().director
    for become, where in ((contained.as_is, director), (contained.as_nobody, director),
                          (contained.as_root_without_network_rights, director),
                          (contained.in_container_on_host, director), (contained.in_container, None)):
        for what in (netlink, options, files):
            t.block(f"{become.__doc__.split('.')[0]}: {what.__doc__.split(':')[0].strip('.').lower()}",
                    called(become, where, what))
    t.block("ipvsadm of an unprivileged user", director.run(
        "setpriv", "--reuid=65534", "--clear-groups", "ipvsadm", "-Ln", check=False).splitlines())
    t.block("ipvsadm in a container", run(
        "unshare", "--user", "--map-root-user", "--net", "ipvsadm", "-Ln", check=False).splitlines())


def called(become, where, what):
    if where is None:
        return contained.call(become, what)
    with where:
        return contained.call(become, what)
