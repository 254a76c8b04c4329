# SPDX-License-Identifier: GPL-2.0
"""What a large table costs with Debian's ipvsadm and with ours: time of the processor, in the kernel too, and netlink datagrams as
nlmon counts them."""

import os
import resource
import subprocess

import programs

# As many times faster ours has to be. Listings are spent in the kernel, nearly all of them.
FASTER = {"-R": 3, "-Ln": 1, "-Sn": 1}


def rules(services, servers):
    """A table as rules."""
    for number in range(services):
        vip = f"10.{number >> 14}.{number >> 7 & 127}.{number & 127}:80"
        yield f"-A -t {vip} -s rr\n"
        for server in range(servers):
            yield f"-a -t {vip} -r 11.{number >> 14}.{number >> 7 & 127}.{server + 1}:80 -m -w {server + 1}\n"


def datagrams():
    """Those of all netlink sockets of this namespace, in both directions."""
    with open("/proc/net/dev", encoding="ascii") as file:
        # Received: bytes, packets, ...
        return next(int(line.split()[2]) for line in file if line.strip().startswith("nlmon0:"))


def spent():
    """The seconds of the processor that all commands have taken."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(folder, word, stdin):
    """The seconds and the datagrams of a command, and what it prints."""
    sent, began = datagrams(), spent()
    done = subprocess.run([f"{folder}/ipvsadm", word], input=stdin, stdout=subprocess.PIPE, check=True)
    return spent() - began, datagrams() - sent, done.stdout


def measure(folder, text):
    """{command: what it costs}, in a namespace of its own: the kernel keeps deleted servers for a while, and searches them for each
    new one."""
    os.unshare(os.CLONE_NEWNET)
    # Addresses without any route are no unicast addresses.
    subprocess.run(["ip", "-batch", "-"], input=b"link set lo up\nlink add nlmon0 type nlmon\nlink set nlmon0 up\n", check=True)
    # Once for nothing: the first run reads the program from the host.
    subprocess.run([f"{folder}/ipvsadm", "-Ln"], stdout=subprocess.DEVNULL, check=True)
    return {word: measured(folder, word, stdin) for word, stdin in (("-R", text), ("-Ln", b""), ("-Sn", b""))}


def run(services, servers):
    """Whether ours is as much faster as it should be, and shows the same."""
    text = "".join(rules(services, servers)).encode()
    theirs, ours = measure(programs.THEIRS, text), measure(programs.OURS, text)
    good = True
    for word, factor in FASTER.items():
        (slow, many, _), (fast, few, _) = theirs[word], ours[word]
        well = slow >= factor * fast
        good &= well
        print(f"{'ok' if well else 'not ok'} ipvsadm {word} of {services} services with {servers} servers: {slow / fast:.1f} times faster "
              f"({slow:.2f} s and {many} datagrams; {fast:.2f} s and {few} datagrams)", flush=True)
    same = theirs["-Ln"][2] == ours["-Ln"][2] and theirs["-Sn"][2] == ours["-Sn"][2]
    print(("ok" if same else "not ok") + f" ipvsadm shows the same of {services} services", flush=True)
    return good and same
