# SPDX-License-Identifier: GPL-2.0
"""The kernel's packet generator, driven from inside a network namespace."""

import os

from views import wait_until

THREAD = "/proc/net/pktgen/kpktgend_0"


def write(path, text):
    """Writes in one system call, which is what pktgen's parser asks for."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def finished(device):
    """The report about a device, once it has sent all."""
    with open(f"/proc/net/pktgen/{device}", encoding="ascii") as file:
        report = file.read()
    return report if "usec, " in report else None


def send(device, count, *, to_mac, source, target, sports, dport, size=60, last_target=None, last_source=None,
         checksum=False, shared=False):
    """Sends UDP frames of `size` bytes, going round the source ports (first, last), and the sources and targets up to the last,
    all with each packet; returns nanoseconds per packet. A checksum is left to the device, as UDP of IPv6 always has one.
    pktgen holds a reference on each packet that is `shared`, which is its default: who writes to such a packet must copy its
    head first. No device does that.

    The calling process must be in the namespace of the device, and the module pktgen loaded."""
    if not os.path.exists(f"/proc/net/pktgen/{device}"):
        write(THREAD, f"add_device {device}\n")
    ipv6 = ":" in str(target)
    ends = ((f"dst6 {target}", f"src6 {source}") if ipv6 else
            (f"dst_min {target}", f"dst_max {last_target or target}", f"src_min {source}",
             f"src_max {last_source or source}"))
    flags = ((checksum or ipv6, "UDPCSUM"), (shared, "SHARED"))
    for setting in (f"count {count}", f"pkt_size {size}", "delay 0", "clone_skb 0", f"dst_mac {to_mac}", *ends,
                    *(f"flag {'' if on else '!'}{name}" for on, name in flags),
                    f"udp_src_min {sports[0]}", f"udp_src_max {sports[1] + 1}",
                    f"udp_dst_min {dport}", f"udp_dst_max {dport}"):
        write(f"/proc/net/pktgen/{device}", setting + "\n")
    write("/proc/net/pktgen/pgctrl", "start\n")
    # The generator's thread may still be about to begin, on a machine that is busy with what was before.
    report = wait_until(lambda: finished(device), 300, "the end of pktgen")
    sent = int(report.split("usec, ")[1].split(" ")[0])
    if sent != count:
        raise RuntimeError(f"pktgen sent {sent} of {count} packets: {report}")
    return int(report.split("Result: OK: ")[1].split("(")[0]) * 1000 / count


class Device:
    """A sender on one processor; several may share a device. To be used in the namespace of the device."""

    def __init__(self, device, cpu):
        self.path = f"/proc/net/pktgen/{device}@{cpu}"
        if not os.path.exists(self.path):
            write(f"/proc/net/pktgen/kpktgend_{cpu}", f"add_device {device}@{cpu}\n")

    def set(self, **settings):
        for name, value in settings.items():
            write(self.path, f"{name} {value}\n")


def start():
    """Lets all senders of the namespace send, and waits until they are done."""
    write("/proc/net/pktgen/pgctrl", "start\n")
