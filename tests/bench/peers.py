# SPDX-License-Identifier: GPL-2.0
"""What nftables takes for the work of a director with NAT: a rule with dnat, by connection tracking, and the same with a
flowtable, which forwards what is established past the rules."""

from costs import ONE, PACKETS, WARM_UP, addresses, answer, ask, end, open_one, steady
from hosts import PORT, enter, run

DNAT = """table FAMILY nat {
 chain arriving { type nat hook prerouting priority dstnat; FAMILY daddr VIRTUAL L4 dport PORT dnat to SERVER; }
}
"""
FLOWTABLE = """table inet fast {
 flowtable flows { hook ingress priority filter; devices = { c0, s0 }; }
 counter slow { }
 chain passing { type filter hook forward priority filter; counter name slow; meta l4proto { tcp, udp } flow add @flows; }
}
"""


def rules(on, flowtable):
    """Gives the director its rules."""
    enter("director")
    _, virtual, server = addresses(on)
    words = {"FAMILY": "ip6" if on.ipv6 else "ip", "VIRTUAL": virtual, "L4": "tcp" if on.tcp else "udp",
             "SERVER": end(server, PORT), "PORT": str(PORT)}
    text = DNAT
    for word, value in words.items():
        text = text.replace(word, value)
    run("nft", "-f", "-", text=text + (FLOWTABLE if flowtable else ""))


def slow():
    """How many packets the flowtable did not forward."""
    enter("director")
    return run("nft", "list", "counter", "inet", "fast", "slow")


def tracked(on, replies, flowtable=False):
    """Packets of one connection."""
    rules(on, flowtable)
    open_one(on)
    for _ in range(2):
        ask(WARM_UP, (ONE, ONE), on)
        answer(WARM_UP, on)
    before = slow() if flowtable else None
    cost = steady(lambda: answer(PACKETS, on) if replies else ask(PACKETS, (ONE, ONE), on))
    if flowtable and slow() != before:
        raise SystemExit(f"the flowtable did not forward all:\n{before}{slow()}")
    return cost
