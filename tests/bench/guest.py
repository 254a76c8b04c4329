#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measures instructions per packet, inside a VM that counts them (scripts/vm -i): one guest nanosecond is then one
guest instruction, so pktgen's time for a run of packets is the number of instructions that they cost.

    client --veth-- director --veth-- server

pktgen sends from one end; an nft rule in the other end drops what arrives there, so every figure holds the generator,
two veth pairs and one pass through the director. guest.py [all|ROW...] (rows, or their first letters) prints one JSON object:
{"module": path of the ip_vs that ran, "rows": {row: instructions}, "absent": {row: why there is no figure}}."""

import json
import os
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))

import configuration  # noqa: E402
import genl  # noqa: E402
import pktgen  # noqa: E402

WARM_UP = 1000
PACKETS = 5000
# The least that pktgen sends.
FRAME = {4: 60, 6: 78}
SCHEDULERS = "rr wrr lc wlc sed nq fo ovf twos sh dh mh lblc lblcr".split()
POOLS = (1, 33, 256)
ADDED = 1000
ADDED_TO = "rr wrr wlc sh mh lblc".split()
CLIENT, CLIENT_GATEWAY = "10.0.0.2", "10.0.0.1"
SERVER, SERVER_GATEWAY = "172.16.0.2", "172.16.0.1"
VIP, PORT = "207.175.44.110", 8080
CLIENT6, CLIENT_GATEWAY6 = "2001:db8::2", "2001:db8::1"
SERVER6, SERVER_GATEWAY6 = "2001:db8:16::2", "2001:db8:16::1"
VIP6 = "2001:db8:1::1"
METHODS = {"nat": "-m", "dr": "-g", "ipip": "-i"}
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
# What Debian's nftables.conf makes: the director pays for a look at three empty chains, as most directors do.
EMPTY_FILTER = """table inet filter {
 chain input { type filter hook input priority filter; }
 chain forward { type filter hook forward priority filter; }
 chain output { type filter hook output priority filter; }
}
"""


def run(*command, text=""):
    """Runs a command with text as its input and returns what it says; any failure ends the measurement."""
    return subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


def enter(name):
    """Moves this process into a named network namespace."""
    with open(f"/run/netns/{name}", "rb") as namespace:
        os.setns(namespace.fileno(), os.CLONE_NEWNET)


def build(version):
    """Makes the three hosts, with IPv6 only if it is about that."""
    run("ip", "-batch", "-", text=TOPOLOGY)
    for name, commands in INSIDE.items():
        enter(name)
        for path, value in SYSCTLS.items():
            pktgen.write(f"/proc/sys/{path}", value)
        run("ip", "-batch", "-", text=commands)
        if version == 6:
            awaken(DEVICES[name])
            run("ip", "-6", "-batch", "-", text=INSIDE6[name])
        drop_all = DROP_ALL.replace("FAMILY", "ip" if version == 4 else "ip6")
        run("nft", "-f", "-", text=EMPTY_FILTER if name == "director" else drop_all)


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


def end(address, port):
    """An address and a port as ipvsadm wants them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def service(scheduler, servers=1, flags="", method="nat", version=4):
    """Gives the director its only service, with some real servers: ports of one address."""
    enter("director")
    run("ipvsadm", "-C")
    virtual, server = (VIP, SERVER) if version == 4 else (VIP6, SERVER6)
    lines = [f"-A -u {end(virtual, PORT)} -s {scheduler} {flags}"]
    lines += [f"-a -u {end(virtual, PORT)} -r {end(server, PORT + number)} {METHODS[method]}" for number in range(servers)]
    run("ipvsadm", "-R", text="".join(line + "\n" for line in lines))


def send(side, packets, target, ports, to_port=PORT, version=4):
    """Sends packets from one side and returns the time of one in nanoseconds."""
    enter(side)
    client, server = (CLIENT, SERVER) if version == 4 else (CLIENT6, SERVER6)
    device, to_mac, source = (("c0", MAC["director-c"], client) if side == "client" else
                              ("s0", MAC["director-s"], server))
    return pktgen.send(device, packets, to_mac=to_mac, source=source, target=target, sports=ports, dport=to_port,
                       size=FRAME[version])


def ask(packets, ports, version=4):
    """Sends requests."""
    return send("client", packets, VIP if version == 4 else VIP6, ports, version=version)


def connections():
    """How many connections the director knows."""
    enter("director")
    with open("/proc/net/ip_vs_conn", encoding="ascii") as file:
        return sum(1 for _ in file) - 1


def expect(count, wanted):
    """A figure about something else than its name says would be worse than none."""
    if count != wanted:
        raise SystemExit(f"{count} connections in the table instead of {wanted}")


def plain(version=4):
    """Forwarding without IPVS."""
    straight = dict(target=SERVER if version == 4 else SERVER6, ports=(1000, 1000), version=version)
    send("client", WARM_UP, **straight)
    return send("client", PACKETS, **straight)


def established(scheduler, method="nat", version=4):
    """Requests of one connection."""
    service(scheduler, method=method, version=version)
    ask(WARM_UP, (1000, 1000), version)
    cost = ask(PACKETS, (1000, 1000), version)
    expect(connections(), 1)
    return cost


def new(scheduler, servers=1, packets=PACKETS, method="nat", version=4):
    """Every packet opens a connection."""
    service(scheduler, servers, method=method, version=version)
    ask(WARM_UP, (1000, 1000 + WARM_UP - 1), version)
    cost = ask(packets, (10000, 10000 + packets - 1), version)
    expect(connections(), WARM_UP + packets)
    return cost


def new_persistent(scheduler):
    """Every packet opens a connection of a client that has a template."""
    service(scheduler, flags="-p 600")
    send("client", WARM_UP, VIP, (1000, 1000 + WARM_UP - 1))
    cost = send("client", PACKETS, VIP, (10000, 10000 + PACKETS - 1))
    expect(connections(), WARM_UP + PACKETS + 1)
    return cost


def add(scheduler):
    """Servers are added one by one: the kernel's part of it, as all requests go into one system call."""
    service(scheduler, 0)
    # The module makes sockets as a host does: in the namespace where we are.
    client = genl.Client(socket)
    client.socket.setsockopt(socket.SOL_SOCKET, genl.SO_SNDBUFFORCE, 1 << 20)
    requests = b"".join(new_dest(client.family, PORT + number) for number in range(ADDED))
    start = time.monotonic_ns()
    client.socket.send(requests)
    cost = (time.monotonic_ns() - start) / ADDED
    client.socket.close()
    expect(servers(), ADDED)
    return cost


def restore(scheduler):
    """The same with ipvsadm, and all that it does itself."""
    service(scheduler, 0)
    lines = "".join(f"-a -u {VIP}:{PORT} -r {SERVER}:{PORT + number} -m\n" for number in range(ADDED))
    start = time.monotonic_ns()
    run("ipvsadm", "-R", text=lines)
    cost = (time.monotonic_ns() - start) / ADDED
    expect(servers(), ADDED)
    return cost


def servers():
    """How many servers the director's service has."""
    with open("/proc/net/ip_vs", encoding="ascii") as file:
        return sum("->" in line for line in file) - 1


def new_dest(family, port):
    """A request for one more server, without an answer unless it fails."""
    service_key = ((1, genl.u16(2)), (2, genl.u16(17)), (3, genl.address(VIP)), (4, genl.be16(PORT)))
    server = ((1, genl.address(SERVER)), (2, genl.be16(port)), (3, genl.u32(0)), (4, genl.u32(1)), (5, genl.u32(0)),
              (6, genl.u32(0)))
    nests = (genl.attribute(kind, b"".join(genl.attribute(*one) for one in values))
             for kind, values in ((genl.SERVICE, service_key), (genl.DEST, server)))
    return genl.message(family, genl.GENL_HEADER.pack(genl.COMMANDS["NEW_DEST"], 1, 0) + b"".join(nests))


def one_packet(scheduler, method="nat", version=4):
    """Every packet is scheduled on its own."""
    service(scheduler, flags="-o", method=method, version=version)
    ask(WARM_UP, (1000, 1000), version)
    cost = ask(PACKETS, (1000, 1000), version)
    expect(connections(), 0)
    return cost


def reply(scheduler, version=4):
    """Replies of one connection."""
    service(scheduler, version=version)
    ask(1, (1000, 1000), version)
    cost = plain_reply(version)
    expect(connections(), 1)
    return cost


def plain_reply(version=4):
    """The same replies forwarded without IPVS."""
    back = dict(target=CLIENT if version == 4 else CLIENT6, ports=(PORT, PORT), to_port=1000, version=version)
    send("server", WARM_UP, **back)
    return send("server", PACKETS, **back)


def configured(measure, name, *more):
    """A row about the configuration of the director."""
    enter("director")
    return measure(name, *more)


def is_ours():
    """Whether the modules under test are not Debian's."""
    return "/updates/" in run("modinfo", "-n", "ip_vs")


def ways(method, version):
    """The rows of a forwarding method with a version of IP, those of NAT with IPv4 aside."""
    suffix = "" if version == 4 else "-ipv6"
    rows = {f"{method}-established-rr{suffix}": lambda: established("rr", method, version),
            f"{method}-new-rr{suffix}": lambda: new("rr", method=method, version=version),
            f"{method}-one-packet-rr{suffix}": lambda: one_packet("rr", method, version)}
    if method == "nat":
        rows[f"nat-reply{suffix}"] = lambda: reply("rr", version)
    return rows


ROWS = {
    "plain-forwarding": plain,
    "plain-reply": plain_reply,
    "nat-established-rr": lambda: established("rr"),
    "nat-established-wlc": lambda: established("wlc"),
    "nat-new-rr": lambda: new("rr"),
    "nat-new-wlc": lambda: new("wlc"),
    "nat-new-persistent-rr": lambda: new_persistent("rr"),
    "nat-one-packet-rr": lambda: one_packet("rr"),
    "nat-reply": lambda: reply("rr"),
    **ways("dr", 4),
    **ways("ipip", 4),
    "plain-forwarding-ipv6": lambda: plain(6),
    "plain-reply-ipv6": lambda: plain_reply(6),
    **ways("nat", 6),
    **ways("dr", 6),
    **ways("ipip", 6),
    **{f"new-{scheduler}-{servers}": lambda scheduler=scheduler, servers=servers: new(scheduler, servers, 2000)
       for scheduler in SCHEDULERS for servers in POOLS},
    **{f"add-{scheduler}": lambda scheduler=scheduler: add(scheduler) for scheduler in ADDED_TO},
    "restore-wlc": lambda: restore("wlc"),
    **{f"config-{verb}-{name}": lambda measure=measure, name=name: configured(measure, name)
       for verb, measure in (("restore", configuration.restore), ("list", configuration.listing),
                             ("flush", configuration.flush)) for name in configuration.SHAPES},
    **{f"config-apply-{name}": lambda name=name: configured(configuration.apply, name, socket, is_ours())
       for name in configuration.SHAPES},
}


# Rows that there cannot be.
ABSENT = {f"{method}-reply{suffix}": "servers answer past the director" for method in ("dr", "ipip") for suffix in ("", "-ipv6")}


def measure(row):
    """Measures one row on hosts of its own."""
    build(6 if row.endswith("-ipv6") else 4)
    cost = ROWS[row]()
    remove()
    return cost


def chosen(names):
    """The rows that begin with one of these names. Without names, all but those of each scheduler, which take long; those
    too for the name "all"."""
    if not names:
        return [row for row in ROWS if not row.startswith("new-")]
    return [row for row in ROWS if names == ["all"] or row.startswith(tuple(names))]


def absent(names):
    """What is said about rows that were asked for and that there cannot be."""
    return {row: why for row, why in ABSENT.items() if not names or names == ["all"] or row.startswith(tuple(names))}


def main():
    wanted = chosen(sys.argv[1:])
    if not wanted:
        raise SystemExit(f"no such row; there are {', '.join(ROWS)}")
    run("modprobe", "pktgen")
    run("modprobe", "ip_vs")
    module = run("modinfo", "-n", "ip_vs").strip()
    print(json.dumps({"module": module, "rows": {row: measure(row) for row in wanted},
                      "absent": absent(sys.argv[1:])}))


if __name__ == "__main__":
    main()
