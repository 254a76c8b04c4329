# SPDX-License-Identifier: GPL-2.0
"""What a configuration of some size costs, in instructions of the whole machine: Debian's ipvsadm and the kernel. The
rows apply-* compare APPLY, sent by a client that has the message ready, with what the C module has: ipvsadm -R. The rows
*-kernel are of the same commands without the client: all of them in one call, prepared before it."""

import resource
import subprocess

import additions
import genl
from window import window

VIP, SERVER = "207.175.44.110", "172.16.0.2"
END = genl.HEADER.size + 4
SHAPES = {"1000x4": (1000, 4), "1x1000": (1, 1000)}


def shape(name):
    """The (service port, server port) pairs of a shape, by service."""
    services, servers = SHAPES[name]
    return [(1000 + number, range(2000, 2000 + servers)) for number in range(services)]


def rules(name):
    """A shape as ipvsadm -R reads it."""
    lines = []
    for port, servers in shape(name):
        lines.append(f"-A -t {VIP}:{port} -s rr")
        lines += [f"-a -t {VIP}:{port} -r {SERVER}:{server} -m" for server in servers]
    return "".join(line + "\n" for line in lines)


def entries(name):
    """A shape as APPLY takes it."""
    return [entry for port, servers in shape(name) for entry in entries_of(port, servers)]


def entries_of(port, servers):
    """A whole service, and its whole servers."""
    every = genl.u32(0xFFFFFFFF)
    service = ((1, genl.u16(2)), (2, genl.u16(6)), (3, genl.address(VIP)), (4, genl.be16(port)),
               (6, genl.name("rr")), (7, genl.u32(0) + every), (8, genl.u32(0)), (9, every))
    body = [additions.nest(genl.SERVICE, *(genl.attribute(*one) for one in service))]
    for server in servers:
        dest = ((1, genl.address(SERVER)), (2, genl.be16(server)), (3, genl.u32(0)), (4, genl.u32(1)),
                (5, genl.u32(0)), (6, genl.u32(0)))
        body.append(additions.nest(genl.DEST, *(genl.attribute(*one) for one in dest)))
    return body


def server_key(port):
    """What names a server in a command."""
    return additions.nest(genl.DEST, *(genl.attribute(*one) for one in ((1, genl.address(SERVER)), (2, genl.be16(port)))))


def used(who):
    """The time that this process or its children have run: waits, which the clock counts, are not in it."""
    usage = resource.getrusage(who)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def timed(*command, text=""):
    """How long a program runs, in the kernel and outside."""
    start = used(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    return used(resource.RUSAGE_CHILDREN) - start


def expect(name, each=None):
    """The table must be what the row says, or have another number of servers in each service."""
    services, servers = SHAPES[name]
    servers = servers if each is None else each
    with open("/proc/net/ip_vs", encoding="ascii") as file:
        lines = file.read().splitlines()[3:]
    found = sum("->" not in line for line in lines), sum("->" in line for line in lines)
    if found != (services, services * servers):
        raise SystemExit(f"{found} services and servers instead of {name}")


def in_kernel(verb, name, host):
    """What the kernel takes for the commands of a verb: restore, list, flush, or delete (each server, the newest first, which
    are those that the C module finds first). One call sends them all, and answers go to the same buffer; so what is left of
    the client is a call for each datagram of a listing."""
    client = genl.Client(host)
    client.socket.setsockopt(host.SOL_SOCKET, genl.SO_SNDBUFFORCE, 1 << 24)
    client.socket.setsockopt(host.SOL_SOCKET, host.SO_RCVBUF, 1 << 20)

    def command(which, body=b"", flags=0):
        return genl.message(client.family, genl.GENL_HEADER.pack(genl.COMMANDS[which], 1, 0) + body, flags)

    def key(port):
        return genl.attribute(genl.SERVICE, b"".join(genl.attribute(kind, value) for kind, value in (
            (1, genl.u16(2)), (2, genl.u16(6)), (3, genl.address(VIP)), (4, genl.be16(port)))))

    commands = []
    if verb == "restore":
        for port, servers in shape(name):
            new = entries_of(port, servers)
            commands.append(command("NEW_SERVICE", new[0]))
            commands += [command("NEW_DEST", key(port) + one) for one in new[1:]]
        # The scheduler is loaded.
        client.do("NEW_SERVICE", entries_of(1, ())[0])
        client.do("FLUSH")
        commands = [b"".join(commands)]
    elif verb == "delete":
        restore(name)
        commands = [b"".join(
            command("DEL_DEST", key(port) + server_key(server)) for port, servers in shape(name) for server in reversed(servers))]
    else:
        restore(name)
        commands = [command("FLUSH")] if verb == "flush" else [
            command("GET_SERVICE", flags=genl.DUMP), *(command("GET_DEST", key(port), genl.DUMP) for port, _ in shape(name))]
    buffer = bytearray(1 << 17)
    with window():
        start = used(resource.RUSAGE_SELF)
        for one in commands:
            client.socket.send(one)
            done = verb != "list"
            while not done:
                # What says that a dump is done stands at the end: a header, and a number.
                last = client.socket.recv_into(buffer) - END
                done = (buffer[last], buffer[last + 4]) == (END, genl.MULTI_DONE)
        cost = used(resource.RUSAGE_SELF) - start
    if verb in ("restore", "delete"):
        expect(name, 0 if verb == "delete" else None)
    return cost


def restore(name):
    """ipvsadm -R into an empty table."""
    cost = timed("ipvsadm", "-R", text=rules(name))
    expect(name)
    return cost


def listing(name):
    """ipvsadm -L -n."""
    restore(name)
    return timed("ipvsadm", "-L", "-n")


def flush(name):
    """ipvsadm -C."""
    restore(name)
    return timed("ipvsadm", "-C")


def apply(name, host, ours):
    """All of it in one message; with the C module, as fast as it can be done there."""
    if not ours:
        return restore(name)
    client = additions.Additions(host)
    # The scheduler is loaded, and the socket may send as much.
    client.apply(*entries(name)[:1], everything=True)
    client.apply(everything=True)
    body = b"".join(entries(name)) + genl.attribute(additions.FLAGS, genl.u32(additions.ALL))
    client.socket.setsockopt(additions.socket.SOL_SOCKET, genl.SO_SNDBUFFORCE, 2 * len(body) + 65536)
    start = used(resource.RUSAGE_SELF)
    outcome, _ = client.ask(additions.APPLY, body)
    cost = used(resource.RUSAGE_SELF) - start
    if outcome != "ok":
        raise SystemExit(f"APPLY: {outcome} {client.explanation}")
    expect(name)
    return cost
