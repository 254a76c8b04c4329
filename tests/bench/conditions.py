# SPDX-License-Identifier: GPL-2.0
"""Under which conditions a row is measured. The last words of its name say it: nat-reply-ipv6-tcp-bare."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Conditions:
    """Without any word: UDP of IPv4 without a checksum, packets that nobody else holds, and a director with three empty chains
    of nftables at the points input, forward and output, as Debian's nftables.conf makes them."""

    version: int = 4
    # TCP instead of UDP, by another generator: frames.py.
    tcp: bool = False
    # UDP with a checksum that the device is to fill in; frames of TCP and of IPv6 always have one.
    checksum: bool = False
    # pktgen holds a second reference on each packet, as it does by default and as no device does: the first write copies
    # the packet's head.
    shared: bool = False
    # The director has no nftables.
    bare: bool = False
    # The sysctl net.ipv4.vs.early_path, where there is one; None leaves it.
    early: int | None = None

    @property
    def ipv6(self):
        return self.version == 6


WORDS = {
    "ipv6": {"version": 6},
    "tcp": {"tcp": True},
    "csum": {"checksum": True},
    "shared": {"shared": True},
    "bare": {"bare": True},
    "slow": {"bare": True, "early": 0},
    "off": {"early": 0},
    "forced": {"early": 2},
}


def parse(row):
    """What a row measures, and its conditions."""
    words = row.split("-")
    on = Conditions()
    while words[-1] in WORDS:
        on = replace(on, **WORDS[words.pop()])
    return "-".join(words), on


def vary(rows, *endings):
    """These rows under some conditions more."""
    return [row + ending for ending in endings for row in rows]
