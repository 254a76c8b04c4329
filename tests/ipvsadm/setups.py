# SPDX-License-Identifier: GPL-2.0
"""Whole set-ups with our ipvsadm where Debian's is: what was saved is what is restored, keepalived's table is shown and edited,
ldirectord does all its work through it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import programs
import table

HERE = os.path.dirname(os.path.abspath(__file__))
VIP, SERVERS, PORT = "10.88.0.1", ("10.88.0.2", "10.88.0.3"), 8000
# So often a listing is looked at, with so many seconds between, until it is as it should be.
LOOKS, PAUSE = 400, 0.2
DEBIAN = "/tmp/debian"

KEEPALIVED = f"""
virtual_server {VIP} 80 {{
    delay_loop 1
    lb_algo wrr
    lb_kind NAT
    protocol TCP
    """ + "".join(f"""
    real_server {server} {PORT} {{
        weight {number}
        uthreshold 100
        TCP_CHECK {{
            connect_timeout 2
            retry 0
        }}
    }}""" for number, server in enumerate(SERVERS, 3)) + "\n}\n"

LDIRECTORD = """checktimeout=3
checkinterval=1
autoreload=no
logfile="/tmp/ldirectord.log"
""" + "".join(f"""virtual={VIP}:{port}
\tquiescent={quiescent}
\tservice=none
\tchecktype=connect
\tscheduler=wrr
\tpersistent=600
\tprotocol=tcp
""" + "".join(f"\treal={server}:{PORT} masq {number}\n" for number, server in enumerate(SERVERS, 3))
    for port, quiescent in ((81, "no"), (82, "yes")))


class Wrong(Exception):
    """What was expected did not come."""


def ipvsadm(*words, stdin=""):
    """What the installed program, ours, prints; it may not complain."""
    done = subprocess.run(["ipvsadm", *words], input=stdin, text=True, capture_output=True, check=False)
    if done.returncode or done.stderr:
        raise Wrong(f"ipvsadm {' '.join(words)}: status {done.returncode}: {done.stderr}")
    return done.stdout


def wait_for(expected):
    """Waits until the listing of servers is as expected: (service, server, weight) each."""
    for _ in range(LOOKS):
        seen, service = set(), None
        for line in ipvsadm("-Ln").splitlines()[3:]:
            words = line.split()
            if words[0] == "->":
                seen.add((service, words[1], int(words[3])))
            else:
                service = words[1]
        if seen == expected:
            return
        time.sleep(PAUSE)
    raise Wrong(f"{sorted(seen)} in place of {sorted(expected)}")


def servers(port, *weights):
    """What is expected of a service: its servers with their weights, None for those that are not there."""
    return {(f"{VIP}:{port}", f"{server}:{PORT}", weight) for server, weight in zip(SERVERS, weights) if weight is not None}


@contextlib.contextmanager
def daemon(*command):
    """A daemon in the foreground, ended in the end; it has to go in peace."""
    with open("/tmp/daemon.log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextlib.contextmanager
def installed():
    """Our programs in place of Debian's, whose are in the folder DEBIAN."""
    os.makedirs(DEBIAN, exist_ok=True)
    for name in programs.PACKAGE:
        shutil.copy(f"{programs.THEIRS}/{name}", DEBIAN)
        subprocess.run(["mount", "--bind", f"{programs.OURS}/{name}", f"{programs.THEIRS}/{name}"], check=True)
    try:
        yield
    finally:
        for name in programs.PACKAGE:
            subprocess.run(["umount", f"{programs.THEIRS}/{name}"], check=True)


def round_trip(name, rules):
    """Saves, clears, restores and saves; text and kernel have to be the same."""
    kernel = table.Table()
    ipvsadm("-C")
    ipvsadm("-R", stdin=rules)
    before, saved = kernel.lines(kernel.read()), ipvsadm("-S", "-n")
    ipvsadm("-C")
    if ipvsadm("-S", "-n"):
        raise Wrong("-C leaves something")
    ipvsadm("-R", stdin=saved)
    if ipvsadm("-S", "-n") != saved or kernel.lines(kernel.read()) != before:
        raise Wrong(f"{name} is another one when restored")
    subprocess.run(["ipvsadm-restore"], input=subprocess.run(["ipvsadm-save", "-n"], capture_output=True, check=True).stdout, check=True)
    if ipvsadm("-S", "-n") != saved:
        raise Wrong(f"{name} is another one by ipvsadm-restore")
    if ipvsadm("-R", "--dry-run", stdin=saved):
        raise Wrong(f"{name}: a change from what is to what is")
    ipvsadm("-R", "--atomic", stdin="-A -f 99 -s rr\n" + saved)
    if ipvsadm("-R", "--dry-run", stdin=saved) != "-D -f 99\n":
        raise Wrong(f"{name}: --atomic adds something else")
    ipvsadm("-C")


def tables(engines):
    """Everything that can be in a table comes back."""
    for name in ("full", "wide"):
        with open(f"{HERE}/states/{name}", encoding="ascii") as file:
            text = file.read()
        round_trip(name, text if engines else text.replace(" --pe sip", ""))


def keepalived():
    """What keepalived sets up is shown as by Debian's program, and what is edited stays so."""
    with open("/tmp/keepalived.conf", "w", encoding="ascii") as file:
        file.write(KEEPALIVED)
    listeners = [socket.create_server((server, PORT), backlog=50) for server in SERVERS]
    with daemon("keepalived", "-n", "-l", "-C", "-f", "/tmp/keepalived.conf"):
        wait_for(servers(80, 3, 4))
        for words in (("-Ln",), ("-Ln", "--thresholds"), ("-L", "-n", "--persistent-conn")):
            theirs = subprocess.run([f"{DEBIAN}/ipvsadm", *words], capture_output=True, text=True, check=True).stdout
            if ipvsadm(*words) != theirs:
                raise Wrong(f"{words} shows something else than Debian's")
        listeners.pop().close()
        wait_for(servers(80, 3, None))
        ipvsadm("-e", "-t", f"{VIP}:80", "-r", f"{SERVERS[0]}:{PORT}", "-m", "-w", "9")
        listeners.append(socket.create_server((SERVERS[1], PORT), backlog=50))
        wait_for(servers(80, 9, 4))
    if ipvsadm("-Sn"):
        raise Wrong("keepalived leaves something")
    for one in listeners:
        one.close()


def ldirectord():
    """ldirectord adds, removes, quiesces and restores servers, all by our program."""
    with open("/tmp/ldirectord.cf", "w", encoding="ascii") as file:
        file.write(LDIRECTORD)
    listeners = [socket.create_server((server, PORT), backlog=50) for server in SERVERS]
    with daemon("ldirectord", "-d", "/tmp/ldirectord.cf", "start"):
        wait_for(servers(81, 3, 4) | servers(82, 3, 4))
        listeners.pop().close()
        wait_for(servers(81, 3, None) | servers(82, 3, 0))
        listeners.append(socket.create_server((SERVERS[1], PORT), backlog=50))
        wait_for(servers(81, 3, 4) | servers(82, 3, 4))
    if ipvsadm("-Sn"):
        raise Wrong("ldirectord leaves something")
    for one in listeners:
        one.close()


def run(engines):
    """All of them; `ok` or `not ok` for each. Returns whether all is well."""
    os.unshare(os.CLONE_NEWNET)
    lines = ["link set lo up", *(f"address add {address}/32 dev lo" for address in (VIP, *SERVERS))]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)
    good = True
    with installed():
        for name, part in (("round trip", lambda: tables(engines)), ("keepalived", keepalived), ("ldirectord", ldirectord)):
            try:
                part()
                print(f"ok ipvsadm {name}", flush=True)
            except Wrong as error:
                good = False
                print(f"not ok ipvsadm {name}: {error}", flush=True)
                if os.path.exists("/tmp/daemon.log"):
                    with open("/tmp/daemon.log", encoding="utf-8", errors="replace") as file:
                        print("".join(f"    {line}" for line in file.readlines()[-15:]), flush=True)
            subprocess.run(["ipvsadm", "-C"], check=False)
    return good
