#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How long a large table takes with Debian's ipvsadm and with ours: tests/ipvsadm/speed.py [SERVICES [SERVERS]] in the VM.
Also that what was saved is what was restored."""

import os
import subprocess
import sys
import time

PROGRAMS = {"theirs": "/usr/sbin/ipvsadm", "ours": "/src/target/release/ipvsadm"}


def rules(services, servers):
    """A table as rules."""
    for number in range(services):
        vip = f"10.{number >> 14}.{number >> 7 & 127}.{number & 127}:80"
        yield f"-A -t {vip} -s rr"
        for server in range(servers):
            yield f"-a -t {vip} -r 11.{number >> 14}.{number >> 7 & 127}.{server + 1}:80 -m -w {server + 1}"


def timed(*words, stdin=b""):
    """The seconds that a command takes, and what it prints."""
    began = time.monotonic()
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - began, done.stdout


def main():
    services, servers = (int(word) for word in (sys.argv[1:] + ["10000", "5"][len(sys.argv) - 1:])[:2])
    subprocess.run(["modprobe", "ip_vs"], check=True)
    text = "".join(line + "\n" for line in rules(services, servers)).encode()
    seconds, shown = {}, {}
    for name, program in PROGRAMS.items():
        # The kernel keeps deleted servers for a while, and searches them for each new one: so each has a namespace of its own.
        os.unshare(os.CLONE_NEWNET)
        # Addresses without any route are no unicast addresses.
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        restore, _ = timed(program, "-R", stdin=text)
        listing, shown[name] = timed(program, "-Ln")
        save, _ = timed(program, "-Sn")
        seconds[name] = {"-R": restore, "-Ln": listing, "-Sn": save}
    for what in ("-R", "-Ln", "-Sn"):
        theirs, ours = seconds["theirs"][what], seconds["ours"][what]
        print(f"ipvsadm {what} of {services} services with {servers} servers: theirs {theirs:.2f} s, ours {ours:.2f} s, "
              f"{theirs / ours:.1f} times faster")
    print("ok listings are equal" if shown["theirs"] == shown["ours"] else "not ok listings differ")


if __name__ == "__main__":
    main()
