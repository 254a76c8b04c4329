# SPDX-License-Identifier: GPL-2.0
"""The disk of a VM that counts instructions for time (scripts/vm -i).

While such a VM waits for its disk, a folder of the host, nothing in it runs, and its clock goes on to the next timer and the
next, as fast as they come: on a busy host a program may need seconds to start. So what scenarios run is taken into memory."""

import contextlib
import os
import subprocess

PROGRAMS = {"bash", "collectd", "conntrack", "curl", "dash", "ethtool", "ip", "iperf3", "ipvsadm", "keepalived", "kmod",
            "ldirectord", "lftp", "nft", "nginx", "perl", "ping", "prometheus-node-exporter", "rm", "setpriv", "sipp", "sleep",
            "socat", "stat", "sysctl", "tc", "tnftp", "true", "unshare", "vsftpd"}
FILES = ("/etc", "/etc/ssl", "/etc/iproute2", "/etc/perl", "/usr/share/iproute2", "/usr/lib/iproute2", "/usr/lib/collectd")


def is_plain(path):
    return os.path.isfile(path) and not os.path.islink(path)


def files_of(folder):
    with contextlib.suppress(OSError):
        return list(filter(is_plain, map(f"{folder}/".__add__, os.listdir(folder))))
    return []


def take_into_memory():
    """The overlay that the root is keeps in memory what was opened for writing: it is not even opened on the disk any more.
    Modules are only read: they lie in a folder of their own."""
    programs = [os.path.realpath(path) for folder in ("/usr/bin", "/usr/sbin") for path in map(f"{folder}/".__add__, PROGRAMS)
                if os.path.exists(path)]
    wanted = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True).stdout
    libraries = {os.path.realpath(word) for word in wanted.split() if word.startswith("/") and not word.endswith(":")}
    for path in [*programs, *libraries, *(path for folder in FILES for path in files_of(folder))]:
        # What runs right now cannot be written to.
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDWR))
    for folder, _, names in os.walk(f"/lib/modules/{os.uname().release}"):
        for name in names:
            with contextlib.suppress(OSError), open(f"{folder}/{name}", "rb") as file:
                while file.read(1 << 20):
                    pass
