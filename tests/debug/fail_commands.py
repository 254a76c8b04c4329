# SPDX-License-Identifier: GPL-2.0
"""Each allocation of each command fails once: of generic netlink, of socket options, of listings and sysctls."""

import errno
import socket
import struct

import additions
import nth
import sockopt
from additions import ALL, FLAGS, Additions, Listener
from attempts import expect, name_of
from genl import DEST, DUMP, SERVICE, address, attribute, be16, name, u16, u32
from scenario import check, equal

VIRTUAL, SERVER, PORT = "127.0.0.1", "127.0.0.2", 53
# Those that keep something of their own for a service or its servers, each in a way of its own; and one that does not.
SCHEDULERS = "wlc rr wrr sh mh lblc lblcr".split()
LISTINGS = "ip_vs ip_vs_conn ip_vs_conn_sync ip_vs_stats ip_vs_stats_percpu ip_vs_app ip_vs_status ip_vs_drops".split()
SYSCTLS = "/proc/sys/net/ipv4/vs"


class Here:
    """Opens sockets in the namespace that the process is in."""

    socket = staticmethod(socket.socket)


def nest(kind, values):
    return attribute(kind | additions.NESTED, b"".join(attribute(*one) for one in values.items()))


def service_key(protocol=17, port=PORT):
    return {1: u16(2), 2: u16(protocol), 3: address(VIRTUAL), 4: be16(port)}


def service(scheduler="rr", flags=0, timeout=0, **key):
    values = {**service_key(**key), 6: name(scheduler), 7: u32(flags) + u32(0xFFFFFFFF), 8: u32(timeout), 9: u32(0xFFFFFFFF)}
    return nest(SERVICE, values)


def server(weight=1, port=5353, at=SERVER):
    return nest(DEST, {1: address(at), 2: be16(port), 3: u32(0), 4: u32(weight), 5: u32(0), 6: u32(0)})


KEY = nest(SERVICE, service_key())


def asking(client, command, payload=b"", **options):
    """An operation: a command."""
    return lambda: client.do(command, payload, **options)[0]


def surely(client, command, payload=b""):
    """A command that must work, when it is called."""
    return lambda: expect(client, command, payload)


def refill(client):
    for command, payload in (("NEW_SERVICE", service()), ("NEW_DEST", KEY + server())):
        expect(client, command, payload)


def of_schedulers(run):
    """Changes of a service and its servers, for each kind of scheduler."""
    client = Additions(Here)
    for scheduler in SCHEDULERS:
        whole, state = service(scheduler), client.state
        run.all(f"add a service, {scheduler}", asking(client, "NEW_SERVICE", whole), surely(client, "DEL_SERVICE", KEY), state)
        expect(client, "NEW_SERVICE", whole)
        expect(client, "NEW_DEST", KEY + server(port=1))
        run.all(f"add a server, {scheduler}", asking(client, "NEW_DEST", KEY + server()),
                surely(client, "DEL_DEST", KEY + server()), state)
        run.all(f"change a server, {scheduler}", asking(client, "SET_DEST", KEY + server(7, 1)),
                surely(client, "SET_DEST", KEY + server(1, 1)), state)
        run.all(f"delete a server, {scheduler}", asking(client, "DEL_DEST", KEY + server(port=1)),
                surely(client, "NEW_DEST", KEY + server(port=1)), state)
        if scheduler != "rr":
            run.all(f"from {scheduler} to rr", asking(client, "SET_SERVICE", service("rr")),
                    surely(client, "SET_SERVICE", whole), state)
        expect(client, "DEL_SERVICE", KEY)
    client.socket.close()


def netlink(run):
    """The other commands, also those that the C module lacks."""
    client = Additions(Here)
    refill(client)
    state = client.state
    run.all("delete a service", asking(client, "DEL_SERVICE", KEY), lambda: refill(client), state, least=0, most=0)
    run.all("flush", asking(client, "FLUSH"), lambda: refill(client), state, least=0)
    run.all("zero", asking(client, "ZERO"), least=0)
    run.all("set the time-outs", asking(client, "SET_CONFIG", attribute(4, u32(77))),
            surely(client, "SET_CONFIG", attribute(4, u32(900))), state, least=0)
    for command in ("GET_INFO", "GET_CONFIG"):
        run.all(command, asking(client, command))
    run.all("get a service", asking(client, "GET_SERVICE", KEY))
    for command, payload in (("GET_SERVICE", b""), ("GET_DEST", KEY)):
        run.all(f"list by {command}", asking(client, command, payload, flags=DUMP), least=0)
    apply(run, client)
    conns(run, client)
    client.socket.close()


def apply(run, client):
    """A whole table at one moment: everything that can happen to a service and a server, and back again."""
    def table(*entries):
        return b"".join(entries) + attribute(FLAGS, struct.pack("=I", ALL))

    before = table(service("rr", port=1), server(port=1), server(port=2), service("mh", port=2), server(port=3),
                   service("wlc", port=3), server())
    after = table(service("rr", port=1), server(9, port=1), server(port=4), service("lblc", port=2), server(port=3),
                  server(port=5), service("sh", port=4), server(port=6))

    def become(wanted):
        return lambda: client.ask(additions.APPLY, wanted)[0]

    equal(become(before)(), "ok", "the table to begin with")
    run.all("APPLY", become(after), lambda: equal(become(before)(), "ok", "back"), client.state, least=20)
    expect(client, "FLUSH")


def conns(run, client):
    """GET_CONN and DEL_CONN, with some connections."""
    def fill():
        for port in range(30000, 30040):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
                near.bind((VIRTUAL, port))
                near.sendto(b"x", (VIRTUAL, PORT))

    def count():
        found, outcome = client.conns()
        equal(outcome, "ok", "GET_CONN")
        return len(found)

    def end():
        outcome = client.end(attribute(FLAGS, struct.pack("=I", ALL)))
        return "ok" if isinstance(outcome, int) else outcome

    refill(client)
    fill()
    check(count() >= 40, "connections to begin with")
    run.all("GET_CONN", lambda: client.ask(additions.GET_CONN, flags=DUMP)[0], least=0)
    run.all("DEL_CONN", end, fill, count)
    expect(client, "FLUSH")


def monitor(run):
    """Changes while somebody listens: who listens hears of each, or hears that he missed something."""
    client, listener = Additions(Here), Listener(Here)

    def heard(outcome, what):
        try:
            events = listener.hear()
        except OSError as error:
            check(error.errno == errno.ENOBUFS, f"a listener got {name_of(error)}")
            listener.hear()
            events = [None]
        check(outcome != "ok" or events, f"{what} was made, and who listens knows nothing of it")
        check(outcome == "ok" or events in ([], [None]), f"{what} failed with {outcome}, and who listens was told of it")
        return outcome

    def told(command, payload=b""):
        return lambda: heard(client.do(command, payload)[0], command)

    def surely_told(command, payload=b""):
        return lambda: equal(told(command, payload)(), "ok", command)

    for what, command, payload, back in (
            ("add a service", "NEW_SERVICE", service(), ("DEL_SERVICE", KEY)),
            ("change a service", "SET_SERVICE", service("wlc"), ("SET_SERVICE", service())),
            ("add a server", "NEW_DEST", KEY + server(), ("DEL_DEST", KEY + server())),
            ("change a server", "SET_DEST", KEY + server(7), ("SET_DEST", KEY + server())),
            ("set the time-outs", "SET_CONFIG", attribute(4, u32(77)), ("SET_CONFIG", attribute(4, u32(900)))),
            ("flush", "FLUSH", b"", ("NEW_SERVICE", service()))):
        run.all(f"{what}, with a listener", told(command, payload), surely_told(*back), client.state)
        if command in ("NEW_SERVICE", "NEW_DEST"):
            surely_told(command, payload)()
    run.all("APPLY, with a listener",
            lambda: heard(client.apply(service("mh"), server(), everything=True), "APPLY"),
            lambda: heard(client.apply(service(), everything=True), "APPLY"), client.state)
    run.all("write a sysctl, with a listener", lambda: heard(put("am_droprate", 11), "a sysctl"),
            lambda: heard(put("am_droprate", 10), "a sysctl"))
    expect(client, "FLUSH")
    client.socket.close()
    listener.socket.close()


def sockopts(run):
    """The older interface."""
    client, watcher = sockopt.Client(Here), Additions(Here)
    one = {"address": VIRTUAL, "port": PORT, "protocol": 17}
    whole, dest = sockopt.service(**one), sockopt.dest(SERVER, 5353)

    def setting(option, value=b""):
        return lambda: client.set(option, value)

    def surely_set(option, value=b""):
        return lambda: equal(client.set(option, value), "ok", option)

    for option, value, back in (("ADD", whole, ("DEL", whole)), ("EDIT", sockopt.service(**one, scheduler=b"mh"), ("EDIT", whole)),
                                ("ADDDEST", whole + dest, ("DELDEST", whole + dest)),
                                ("EDITDEST", whole + sockopt.dest(SERVER, 5353, weight=5), ("EDITDEST", whole + dest)),
                                ("ZERO", whole, None), ("TIMEOUT", struct.pack("=iii", 900, 120, 300), None)):
        run.all(f"set {option}", setting(option, value), back and surely_set(*back), watcher.state, least=0)
        if option in ("ADD", "ADDDEST"):
            surely_set(option, value)()

    def getting(option, value):
        return lambda: client.get(option, value)[0]

    for option, value in (("VERSION", bytes(64)), ("INFO", bytes(16)), ("TIMEOUT", bytes(12)), ("DAEMON", bytes(48)),
                          ("SERVICES", bytes(8 + sockopt.SERVICE_ENTRY_SIZE)), ("SERVICE", entry(whole)),
                          ("DESTS", sockopt.dests_header(**one, count=1) + bytes(sockopt.DEST_ENTRY_SIZE))):
        if option == "SERVICES":
            value = struct.pack("=I", 1) + value[4:]
        run.all(f"get {option}", getting(option, value), least=0)

    def again():
        surely_set("ADD", whole)()
        surely_set("ADDDEST", whole + dest)()

    run.all("set DEL", setting("DEL", whole), again, watcher.state, least=0, surely=True)
    run.all("set FLUSH", setting("FLUSH"), again, watcher.state, least=0, surely=True)
    surely_set("FLUSH")()
    client.socket.close()
    watcher.socket.close()


def entry(whole):
    """struct ip_vs_service_entry that asks for a service: the same first four members."""
    return whole[:16].ljust(sockopt.SERVICE_ENTRY_SIZE, b"\0")


def read(path):
    """A file's outcome: "ok" or the error's name."""
    try:
        with open(path, "rb", buffering=0) as file:
            while file.read(65536):
                pass
        return "ok"
    except OSError as error:
        return name_of(error)


def put(setting, value):
    """The outcome of writing to a sysctl."""
    try:
        with open(f"{SYSCTLS}/{setting}", "wb", buffering=0) as file:
            file.write(f"{value}\n".encode())
        return "ok"
    except OSError as error:
        return name_of(error)


def files(run):
    """What is read and written in /proc, with a service, a server and connections to show."""
    client = Additions(Here)
    refill(client)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.sendto(b"x", (VIRTUAL, PORT))
    # Our part of reading allocates nothing, but is to bear it where the rest fails.
    nth.anywhere()
    for listing in LISTINGS:
        run.all(f"read {listing}", lambda listing=listing: read(f"/proc/net/{listing}"))
    nth.only_in("ip_vs")
    for setting, value, back in (("am_droprate", 11, 10), ("est_cpulist", 0, 0), ("sync_threshold", "5 60", "3 50"),
                                 ("secure_tcp", 3, 0), ("drop_entry", 3, 0), ("drop_packet", 3, 0), ("conn_max", 1000, 1 << 20)):
        run.all(f"write {setting}", lambda setting=setting, value=value: put(setting, value),
                lambda setting=setting, back=back: equal(put(setting, back), "ok", setting), least=0)
        run.all(f"read {setting}", lambda setting=setting: read(f"{SYSCTLS}/{setting}"), least=0)
    expect(client, "FLUSH")
    client.socket.close()


PARTS = {"schedulers": of_schedulers, "netlink": netlink, "monitor": monitor, "sockopts": sockopts, "files": files}
