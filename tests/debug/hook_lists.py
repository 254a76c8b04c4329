# SPDX-License-Identifier: GPL-2.0
"""`nft list hooks` without nft: asks nfnetlink_hook for the functions that are hooked, once and again."""

import socket
import struct
import subprocess

from scenario import Failed, check

NETLINK_NETFILTER = 12
NFPROTO_IPV4, NFPROTO_IPV6 = 2, 10
HOOKS = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
NFNL_SUBSYS_HOOK, GET = 12, 0
HOOKNUM = 1
REQUEST_DUMP = 0x301
DONE, ERROR = 3, 2
# Base chains of nftables that come before ours at each hook that both have. A list is made in one go, from an array of pointers:
# the more of them are followed before ours, the longer somebody has time to take ours away.
CHAINS, MOST = 10, 1024
CHAINED = ("input", "forward", "output")
# Ours are registered in this order, and MOST are all that a hook may have.
*FIRST, LAST = CHAINED


def add_chains(hooks=CHAINED, numbers=range(CHAINS)):
    lines = ["add table ip t", *(f"add chain ip t {hook}{number} {{ type filter hook {hook} priority {-300 - number}; }}"
                                 for hook in hooks for number in numbers)]
    subprocess.run(["nft", "-f", "-"], input="\n".join(lines), text=True, check=True)


def leave_no_room():
    """No other hook can be registered at the last one; those that were before it are taken back then."""
    add_chains([LAST], range(CHAINS, MOST))


class HookLists:
    """A socket that hook lists are asked with, in the namespace where it was made."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.settimeout(60)

    def get(self, hook, family=NFPROTO_IPV4):
        """All that is said of the functions at one hook, as bytes."""
        body = struct.pack("=BBH", family, 0, 0) + struct.pack("=HH", 8, HOOKNUM) + struct.pack("!I", HOOKS[hook])
        self.socket.send(struct.pack("=IHHII", 16 + len(body), NFNL_SUBSYS_HOOK << 8 | GET, REQUEST_DUMP, 1, 0) + body)
        found = b""
        while True:
            data, offset = self.socket.recv(1 << 16), 0
            while offset + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, offset)
                if kind == ERROR:
                    raise Failed(f"asked for hooks: error {struct.unpack_from('=i', data, offset + 16)[0]}")
                if kind == DONE:
                    return found
                found += data[offset:offset + length]
                offset += (length + 3) & ~3

    def look(self, hooks):
        """Asks for some lists; returns how often ours were among them. All must be functions."""
        seen = 0
        for hook in hooks:
            found = self.get(hook)
            check(b"0x" not in found, f"a hook of {hook} is no function")
            seen += found.count(b"ip_vs\0")
        return seen


def list_until_told(channel, hooks=CHAINED):
    """Lists until somebody says anything."""
    lists, count, seen = HookLists(), 0, 0
    while channel.hear(0) is None:
        seen += lists.look(hooks)
        count += 1
    channel.say(f"{count} lists of each hook, with {seen} of ours")
