# SPDX-License-Identifier: GPL-2.0
"""What a packet costs: the time of one in nanoseconds, which are instructions, over the generator, two veth pairs and one pass
through the director."""

import time

import frames
import pktgen
import window
from window import WARM_UP
from hosts import CLIENT, CLIENT6, MAC, PORT, SERVER, SERVER6, VIP, VIP6, enter, run

PACKETS = 5000
# The least that pktgen sends.
FRAME = {4: 60, 6: 78}
METHODS = {"nat": "-m", "dr": "-g", "ipip": "-i"}
# The port of a client with one connection, and the first ports of others.
ONE, KNOWN, UNKNOWN = 1000, 1000, 10000


def end(address, port):
    """An address and a port as ipvsadm and nft want them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def addresses(on):
    """The client, the virtual address and the server."""
    return (CLIENT6, VIP6, SERVER6) if on.ipv6 else (CLIENT, VIP, SERVER)


def service(scheduler, on, servers=1, flags="", method="nat"):
    """Gives the director its only service, with some real servers: ports of one address."""
    enter("director")
    run("ipvsadm", "-C")
    _, virtual, server = addresses(on)
    one = f"{'-t' if on.tcp else '-u'} {end(virtual, PORT)}"
    lines = [f"-A {one} -s {scheduler} {flags}"]
    lines += [f"-a {one} -r {end(server, PORT + number)} {METHODS[method]}" for number in range(servers)]
    run("ipvsadm", "-R", text="".join(line + "\n" for line in lines))


def send(side, packets, target, ports, on, to_port=PORT, flags=frames.ACK | frames.PUSH):
    """Sends packets from one side, round the ports (first, last), and returns the time of one in nanoseconds."""
    enter(side)
    client, _, server = addresses(on)
    device, to_mac, source = (("c0", MAC["director-c"], client) if side == "client" else
                              ("s0", MAC["director-s"], server))
    if on.tcp:
        first, last = ports
        macs, ends = (MAC[side], to_mac), (source, target)
        return frames.send(device, [
            frames.tcp(macs, ends, (first + number % (last - first + 1), to_port), flags,
                       number * len(frames.PAYLOAD) + (0 if flags & frames.SYN else 1)) for number in range(packets)])
    with window.packets(packets):
        return pktgen.send(device, packets, to_mac=to_mac, source=source, target=target, sports=ports, dport=to_port,
                           size=FRAME[on.version], checksum=on.checksum, shared=on.shared)


def ask(packets, ports, on, target=None):
    """Sends requests to the virtual address, or another target."""
    return send("client", packets, target or addresses(on)[1], ports, on)


def answer(packets, on):
    """Sends replies of the server to the client's one port."""
    return send("server", packets, addresses(on)[0], (PORT, PORT), on, to_port=ONE)


def open_one(on, target=None):
    """Opens the connection of the client's one port, from both sides."""
    client, virtual, _ = addresses(on)
    if on.tcp:
        send("client", 1, target or virtual, (ONE, ONE), on, flags=frames.SYN)
        send("server", 1, client, (PORT, PORT), on, to_port=ONE, flags=frames.SYN | frames.ACK)
        send("client", 1, target or virtual, (ONE, ONE), on, flags=frames.ACK)
    else:
        ask(1, (ONE, ONE), on, target)
        answer(1, on)


def opening(packets, first, on):
    """Sends first packets of connections, from ports of their own."""
    return send("client", packets, addresses(on)[1], (first, first + packets - 1), on, flags=frames.SYN)


def steady(send_all):
    """The time of a packet of a run like the others: what the kernel did meanwhile for itself may be in one of two runs."""
    return min(send_all() for _ in range(2))


def connections():
    """How many connections the director knows."""
    enter("director")
    with open("/proc/net/ip_vs_conn", encoding="ascii") as file:
        return sum(1 for _ in file) - 1


def expect(count, wanted):
    """A figure about something else than its name says would be worse than none."""
    if count != wanted:
        raise SystemExit(f"{count} connections in the table instead of {wanted}")


def established(scheduler, on, method="nat"):
    """Requests of one connection."""
    service(scheduler, on, method=method)
    open_one(on)
    ask(WARM_UP, (ONE, ONE), on)
    cost = steady(lambda: ask(PACKETS, (ONE, ONE), on))
    expect(connections(), 1)
    return cost


def strangers(on):
    """Packets that are forwarded past a service, while packets of a connection go the shortest way there is."""
    service("rr", on)
    open_one(on)
    ask(WARM_UP, (ONE, ONE), on)
    target = addresses(on)[2]
    send("client", WARM_UP, target, (ONE, ONE), on, to_port=PORT + 1)
    # The way is kept for a second, which no run takes.
    cost = send("client", PACKETS, target, (ONE, ONE), on, to_port=PORT + 1)
    expect(connections(), 1)
    return cost


def new(scheduler, on, servers=1, packets=PACKETS, method="nat"):
    """Every packet opens a connection."""
    service(scheduler, on, servers, method=method)
    opening(WARM_UP, KNOWN, on)
    cost = opening(packets, UNKNOWN, on)
    expect(connections(), WARM_UP + packets)
    return cost


def busy(steps):
    """How long a program takes for some work of its own, with all that the kernel does meanwhile."""
    start = time.monotonic_ns()
    sum(range(steps))
    return time.monotonic_ns() - start


def expiring(scheduler, on, packets=4 * PACKETS):
    """Connections whose time is over: what a program loses to them that runs meanwhile."""
    service(scheduler, on)
    run("ipvsadm", "--set", "0", "0", "2")
    steps = 10 ** 9 // (busy(10 ** 7) // 10 ** 7)
    alone = min(busy(4 * steps) for _ in range(2))
    opening(WARM_UP, KNOWN, on)
    with window.unseen():
        opening(packets, UNKNOWN, on)
    enter("director")
    with window.window(WARM_UP + packets):
        cost = busy(4 * steps) - alone
    expect(connections(), 0)
    return cost / (WARM_UP + packets)


def new_persistent(scheduler, on):
    """Every packet opens a connection of a client that has a template."""
    service(scheduler, on, flags="-p 600")
    opening(WARM_UP, KNOWN, on)
    cost = opening(PACKETS, UNKNOWN, on)
    expect(connections(), WARM_UP + PACKETS + 1)
    return cost


def persistent(scheduler, on):
    """Requests of one connection of a client that has a template."""
    service(scheduler, on, flags="-p 600")
    open_one(on)
    ask(WARM_UP, (ONE, ONE), on)
    cost = steady(lambda: ask(PACKETS, (ONE, ONE), on))
    expect(connections(), 2)
    return cost


def master(measure, threshold="3 50"):
    """What `measure` measures, of a director that tells a backup of its connections."""
    enter("director")
    with open("/proc/sys/net/ipv4/vs/sync_threshold", "w", encoding="ascii") as file:
        file.write(threshold)
    run("ipvsadm", "--start-daemon", "master", "--mcast-interface", "s0")
    return measure()


def one_packet(scheduler, on, method="nat"):
    """Every packet is scheduled on its own."""
    service(scheduler, on, flags="-o", method=method)
    ask(WARM_UP, (ONE, ONE), on)
    cost = steady(lambda: ask(PACKETS, (ONE, ONE), on))
    expect(connections(), 0)
    return cost


def reply(scheduler, on):
    """Replies of one connection."""
    service(scheduler, on)
    open_one(on)
    ask(WARM_UP, (ONE, ONE), on)
    cost = plain_reply(on)
    expect(connections(), 1)
    return cost


def plain(on):
    """Forwarding without IPVS."""
    straight = addresses(on)[2]
    ask(WARM_UP, (ONE, ONE), on, straight)
    return steady(lambda: ask(PACKETS, (ONE, ONE), on, straight))


def plain_reply(on):
    """The same replies forwarded without IPVS."""
    answer(WARM_UP, on)
    return steady(lambda: answer(PACKETS, on))
