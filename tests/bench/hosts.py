# SPDX-License-Identifier: GPL-2.0
"""Three hosts in a row, whose director all rows are about:

    client --veth-- director --veth-- server

pktgen sends from one end; an nft rule in the other end drops what arrives there."""

import os
import subprocess
import time

import pktgen

CLIENT, CLIENT_GATEWAY = "10.0.0.2", "10.0.0.1"
SERVER, SERVER_GATEWAY = "172.16.0.2", "172.16.0.1"
VIP, PORT = "207.175.44.110", 8080
CLIENT6, CLIENT_GATEWAY6 = "2001:db8::2", "2001:db8::1"
SERVER6, SERVER_GATEWAY6 = "2001:db8:16::2", "2001:db8:16::1"
VIP6 = "2001:db8:1::1"
MAC = {"client": "02:00:00:00:00:01", "director-c": "02:00:00:00:00:02",
       "director-s": "02:00:00:00:00:03", "server": "02:00:00:00:00:04"}
TOPOLOGY = f"""
netns add client
netns add director
netns add server
link add c0 netns client address {MAC["client"]} type veth peer c0 netns director address {MAC["director-c"]}
link add s0 netns server address {MAC["server"]} type veth peer s0 netns director address {MAC["director-s"]}
"""
INSIDE = {
    "client": f"""
addr add {CLIENT}/24 dev c0
link set lo up
link set c0 up
route add default via {CLIENT_GATEWAY}
""",
    "director": f"""
addr add {CLIENT_GATEWAY}/24 dev c0
addr add {SERVER_GATEWAY}/24 dev s0
addr add {VIP}/32 dev lo
link set lo up
link set c0 up
link set s0 up
neigh add {CLIENT} lladdr {MAC["client"]} dev c0
neigh add {SERVER} lladdr {MAC["server"]} dev s0
""",
    "server": f"""
addr add {SERVER}/24 dev s0
link set lo up
link set s0 up
route add default via {SERVER_GATEWAY}
"""}
INSIDE6 = {
    "client": f"""
addr add {CLIENT6}/64 dev c0 nodad
route add default via {CLIENT_GATEWAY6}
neigh add {CLIENT_GATEWAY6} lladdr {MAC["director-c"]} dev c0
""",
    "director": f"""
addr add {CLIENT_GATEWAY6}/64 dev c0 nodad
addr add {SERVER_GATEWAY6}/64 dev s0 nodad
addr add {VIP6}/128 dev lo
neigh add {CLIENT6} lladdr {MAC["client"]} dev c0
neigh add {SERVER6} lladdr {MAC["server"]} dev s0
""",
    "server": f"""
addr add {SERVER6}/64 dev s0 nodad
route add default via {SERVER_GATEWAY6}
neigh add {SERVER_GATEWAY6} lladdr {MAC["director-s"]} dev s0
"""}
DEVICES = {"client": ("c0",), "director": ("c0", "s0"), "server": ("s0",)}
SYSCTLS = {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}
DROP_ALL = "table FAMILY bench { chain arriving { type filter hook prerouting priority raw; drop; }; }\n"
# What Debian's nftables.conf makes: the director pays for a look at three empty chains, as most directors do. (The neighbours
# of the director are permanent, so no packet waits for one, or pays for the check of an old one.)
EMPTY_FILTER = """table inet filter {
 chain input { type filter hook input priority filter; }
 chain forward { type filter hook forward priority filter; }
 chain output { type filter hook output priority filter; }
}
"""
EARLY_PATH = "/proc/sys/net/ipv4/vs/early_path"


def run(*command, text=""):
    """Runs a command with text as its input and returns what it says; any failure ends the measurement."""
    return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


def enter(name):
    """Moves this process into a named network namespace."""
    with open(f"/run/netns/{name}", "rb") as namespace:
        os.setns(namespace.fileno(), os.CLONE_NEWNET)


def build(on):
    """Makes the three hosts, with IPv6 only if the conditions are about that."""
    run("ip", "-batch", "-", text=TOPOLOGY)
    for name, commands in INSIDE.items():
        enter(name)
        for path, value in SYSCTLS.items():
            pktgen.write(f"/proc/sys/{path}", value)
        run("ip", "-batch", "-", text=commands)
        if on.ipv6:
            awaken(DEVICES[name])
            run("ip", "-6", "-batch", "-", text=INSIDE6[name])
        rules = EMPTY_FILTER if name == "director" else DROP_ALL.replace("FAMILY", "ip6" if on.ipv6 else "ip")
        if name != "director" or not on.bare:
            run("nft", "-f", "-", text=rules)
        if name == "director" and on.early is not None and os.path.exists(EARLY_PATH):
            pktgen.write(EARLY_PATH, str(on.early))
    # What the kernel does about new links after a while, such as to forget routes, is not to fall into the measurement.
    time.sleep(2)


def awaken(devices):
    """Gives this host IPv6, without addresses of its own making."""
    pktgen.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0")
    pktgen.write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
    for device in ("lo", *devices):
        for name, value in (("addr_gen_mode", "1"), ("accept_ra", "0"), ("disable_ipv6", "0")):
            pktgen.write(f"/proc/sys/net/ipv6/conf/{device}/{name}", value)


def remove():
    """Removes the hosts, and with them their connections."""
    with open("/proc/1/ns/net", "rb") as namespace:
        os.setns(namespace.fileno(), os.CLONE_NEWNET)
    run("ip", "-batch", "-", text="".join(f"netns del {name}\n" for name in INSIDE))
    # The kernel takes its time with that, which is not to be another measurement's.
    time.sleep(2)
