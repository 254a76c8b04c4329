# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: the time of one in nanoseconds, which are instructions, over the generator, two veth pairs and one pass
through the director."""

import pktgen
from hosts import CLIENT, CLIENT6, MAC, PORT, SERVER, SERVER6, VIP, VIP6, enter, run

WARM_UP = 1000
PACKETS = 5000
# The least that pktgen sends.
FRAME = {4: 60, 6: 78}
METHODS = {"nat": "-m", "dr": "-g", "ipip": "-i"}


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


def persistent(scheduler):
    """Requests of one connection of a client that has a template."""
    service(scheduler, flags="-p 600")
    ask(WARM_UP, (1000, 1000))
    cost = ask(PACKETS, (1000, 1000))
    expect(connections(), 2)
    return cost


def master(measure, threshold="3 50"):
    """What `measure` measures, of a director that tells a backup of its connections."""
    enter("director")
    with open("/proc/sys/net/ipv4/vs/sync_threshold", "w", encoding="ascii") as file:
        file.write(threshold)
    run("ipvsadm", "--start-daemon", "master", "--mcast-interface", "s0")
    return measure()


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
