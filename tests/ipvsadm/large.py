# SPDX-License-Identifier: GPL-2.0
"""What a large table costs with Debian's ipvsadm and with ours: time by the clock and of the processor, in the kernel too, and
netlink datagrams as nlmon counts them."""

import os
import resource
import subprocess
import time

import programs

# As many times less time of the processor ours has to take. By the clock it is shown only: both have that processor for themselves,
# but a wait for the host, which other programs keep busy, takes long where instructions are the clock.
FASTER = {"-R": 3, "-Ln": 2, "-Sn": 2}
# So often each is measured.
TRIES = 3


def rules(services, servers):
    """A table as rules."""
    for number in range(services):
        vip = f"10.{number >> 14}.{number >> 7 & 127}.{number & 127}:80"
        yield f"-A -t {vip} -s rr\n"
        for server in range(servers):
            yield f"-a -t {vip} -r 11.{number >> 14}.{number >> 7 & 127}.{server + 1}:80 -m -w {server + 1}\n"


def heavier(text):
    """The same table with other weights."""
    return b"".join(line + (b"0\n" if b" -w " in line else b"\n") for line in text.splitlines())


def datagrams():
    """Those of all netlink sockets of this namespace, in both directions."""
    with open("/proc/net/dev", encoding="ascii") as file:
        # Received: bytes, packets, ...
        return next(int(line.split()[2]) for line in file if line.strip().startswith("nlmon0:"))


def spent():
    """The seconds of the processor that all commands have taken."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def namespace():
    """A network namespace of its own, whose netlink datagrams are counted."""
    os.unshare(os.CLONE_NEWNET)
    # Addresses without any route are no unicast addresses.
    subprocess.run(["ip", "-batch", "-"], input=b"link set lo up\nlink add nlmon0 type nlmon\nlink set nlmon0 up\n", check=True)


def measured(folder, words, stdin):
    """The seconds by the clock and of the processor, and the datagrams of a command; and what it prints."""
    sent, began, used = datagrams(), time.monotonic(), spent()
    done = subprocess.run([f"{folder}/ipvsadm", *words.split()], input=stdin, stdout=subprocess.PIPE, check=True)
    return (time.monotonic() - began, spent() - used), datagrams() - sent, done.stdout


def measure(folder, text):
    """{command: the least that it costs}, each time in a namespace of its own: the kernel keeps deleted servers for a while, and
    searches them for each new one."""
    least = {}
    for _ in range(TRIES):
        namespace()
        for word, stdin in (("-R", text), ("-Ln", b""), ("-Sn", b"")):
            times, many, said = measured(folder, word, stdin)
            before, _, _ = least.get(word, (times, many, said))
            least[word] = [min(one, other) for one, other in zip(times, before)], many, said
    return least


def run(services, servers):
    """Whether ours is as much faster as it should be, and shows the same."""
    text = "".join(rules(services, servers)).encode()
    theirs, ours = measure(programs.THEIRS, text), measure(programs.OURS, text)
    good = True
    for word, factor in FASTER.items():
        (slow, many, _), (fast, few, _) = theirs[word], ours[word]
        times = [one / other for one, other in zip(slow, fast)]
        well = times[1] >= factor
        good &= well
        print(f"{'ok' if well else 'not ok'} ipvsadm {word} of {services} services with {servers} servers: {times[0]:.1f} times faster by "
              f"the clock, {times[1]:.1f} by the processor ({slow[0]:.2f} and {slow[1]:.2f} s, {many} datagrams; {fast[0]:.2f} and "
              f"{fast[1]:.2f} s, {few} datagrams)", flush=True)
    same = theirs["-Ln"][2] == ours["-Ln"][2] and theirs["-Sn"][2] == ours["-Sn"][2]
    print(("ok" if same else "not ok") + f" ipvsadm shows the same of {services} services", flush=True)
    return good and same


def at_once(services, servers, in_one_step):
    """Whether --atomic makes another table of a large one; in one message where the kernel can."""
    text = "".join(rules(services, servers)).encode()
    namespace()
    measured(programs.OURS, "-R", text)
    times, many, _ = measured(programs.OURS, "-R --atomic", heavier(text))
    same = measured(programs.OURS, "-R --dry-run", heavier(text))[2] == b""
    # Those for the family, the version and the end come on top.
    good = same and (many < 10 if in_one_step else many < 2 * services * servers)
    print(f"{'ok' if good else 'not ok'} ipvsadm -R --atomic of {services} services with {servers} other servers each: {times[0]:.2f} s by "
          f"the clock, {times[1]:.2f} s of the processor, {many} datagrams", flush=True)
    return good
