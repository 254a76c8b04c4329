# SPDX-License-Identifier: GPL-2.0
"""Each allocation of the layer-7 switch fails once: of its commands, of its files, of a new namespace, and of a relay."""

import contextlib
import errno
import os
import socket
import threading

import kernel
import nth
import switch
from attempts import expect, name_of
from fail_commands import Here, read
from lab import HOME, write_sysctl
from scenario import check, equal
from switch_genl import COMMANDS, RULE, SERVER, Listener, Switch, key, nest, rule, server, service

HERE = "127.0.0.1"
PORT, SERVER_PORT = 8080, 8081
WEB = service("web", HERE, PORT)
TO = server(HERE, SERVER_PORT)
ALL = rule(".*", HERE, SERVER_PORT)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
SETTINGS = ("debug_level", "max_backlog", "zerocopy_send", "keepalive_timeout", "read_timeout", "header_timeout", "max_head")


def refill(client):
    for command, payload in (("NEW_SERVICE", WEB), ("NEW_SERVER", key("web") + nest(SERVER, TO)),
                             ("NEW_RULE", key("web") + nest(RULE, ALL))):
        expect(client, command, payload)


def asking(client, command, payload=b"", **options):
    """An operation: a command."""
    return lambda: client.do(command, payload, **options)[0]


def surely(client, command, payload=b""):
    """A command that must work, when it is called."""
    return lambda: expect(client, command, payload)


def commands(run):
    """What changes a configuration, and what lists it."""
    client = Switch(Here)
    refill(client)
    state = client.state
    other, second = service("other", HERE, 9000, "wlc"), key("web") + nest(SERVER, server(HERE, 1, 7))
    third = key("web") + nest(RULE, rule("^/a+", HERE, SERVER_PORT))
    for what, command, payload, back in (
            ("add a service", "NEW_SERVICE", other, ("DEL_SERVICE", key("other"))),
            ("change a service", "SET_SERVICE", service("web", HERE, 81), ("SET_SERVICE", WEB)),
            ("another scheduler", "SET_SERVICE", service("web", HERE, PORT, "wlc"), ("SET_SERVICE", WEB)),
            ("add a server", "NEW_SERVER", second, ("DEL_SERVER", key("web") + nest(SERVER, server(HERE, 1)))),
            ("change a server", "SET_SERVER", key("web") + nest(SERVER, server(HERE, SERVER_PORT, 5)),
             ("SET_SERVER", key("web") + nest(SERVER, TO))),
            ("add a rule", "NEW_RULE", third, ("DEL_RULE", third)),
            ("delete a rule", "DEL_RULE", key("web") + nest(RULE, ALL), ("NEW_RULE", key("web") + nest(RULE, ALL)))):
        run.all(f"switch: {what}", asking(client, command, payload), surely(client, *back), state)
    expect(client, "NEW_SERVICE", other)
    run.all("switch: delete a service", asking(client, "DEL_SERVICE", key("other")), surely(client, "NEW_SERVICE", other), state,
            least=0, surely=True)
    expect(client, "DEL_SERVICE", key("other"))
    # A socket that there is no memory for is one file too many, and a port is one that somebody else has.
    run.all("switch: start", asking(client, "START", key("web")), surely(client, "STOP", key("web")), state,
            also=("ENFILE", "EADDRINUSE"))
    expect(client, "START")
    run.all("switch: stop", asking(client, "STOP", key("web")), surely(client, "START", key("web")), state, least=0, surely=True)
    for command, payload in (("GET_SERVICE", b""), ("GET_SERVER", key("web")), ("GET_RULE", key("web")), ("GET_RELAY", b"")):
        run.all(f"switch: list by {command}", lambda command=command, payload=payload: client.ask(
            COMMANDS[command], payload, flags=0x300)[0], least=0)
    run.all("switch: end relays", asking(client, "DEL_RELAY", key("web")))
    expect(client, "STOP")
    tables = [service("web", HERE, PORT, "http", [TO], [ALL]),
              service("web", HERE, PORT, "http", [TO, server(HERE, 1)], [ALL, rule("^/x", HERE, 1)])
              + service("more", HERE, 83, "wlc", [server(HERE, 2)])]
    run.all("switch: APPLY", asking(client, "APPLY", tables[1]), surely(client, "APPLY", tables[0]), state, least=20)
    monitored(run, client)
    run.all("switch: flush", asking(client, "FLUSH"), lambda: refill(client), state, least=0, surely=True)
    files(run)
    expect(client, "FLUSH")
    client.socket.close()


def monitored(run, client):
    """A change with a listener, who hears of it, or hears that he missed something."""
    listener = Listener(Here)

    def add():
        outcome = client.do("NEW_SERVICE", service("heard", HERE, 99))[0]
        try:
            events = listener.hear()
        except OSError as error:
            equal(error.errno, errno.ENOBUFS, "what a listener got")
            events = [None]
        check(bool(events) == (outcome == "ok") or events == [None], f"{outcome}, and who listens heard {events}")
        return outcome

    def delete():
        expect(client, "DEL_SERVICE", key("heard"))
        with contextlib.suppress(OSError):
            listener.hear()

    run.all("switch: add a service, with a listener", add, delete, client.state)
    listener.socket.close()


def files(run):
    run.all("switch: read the listing", lambda: read("/proc/net/ktcpvs"), least=0)
    for setting in SETTINGS:
        path = f"/proc/sys/net/ktcpvs/{setting}"
        run.all(f"switch: read {setting}", lambda path=path: read(path), least=0)

    def unload():
        try:
            write_sysctl("net/ktcpvs/unload", 1)
            return "ok"
        except OSError as error:
            return name_of(error)

    def back():
        write_sysctl("net/ktcpvs/unload", 0)
        client = Switch(Here)
        refill(client)
        client.socket.close()

    run.all("switch: unload", unload, back, least=0)


def namespaces(run):
    def one():
        try:
            os.unshare(os.CLONE_NEWNET)
        except OSError as error:
            return name_of(error)
        os.setns(HOME, os.CLONE_NEWNET)
        return "ok"

    run.all("switch: a new namespace", one)


def answer(_server, one):
    switch.head_of(one)
    one.sendall(ANSWER)


def ask():
    """A request: "ok", or what it has come to."""
    try:
        with socket.create_connection((HERE, PORT), 30) as one:
            one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            found = switch.receive_all(one)
    except OSError:
        return "dropped"
    return "ok" if found == ANSWER else "dropped"


def relays(run):
    """A relay from its beginning to its end: what threads allocate for it, one by one, and then all at random, which is in turns, too."""
    client = Switch(Here)
    refill(client)
    expect(client, "START")
    listening = switch.Server(contextlib.nullcontext(), HERE, SERVER_PORT, answer)

    def over():
        switch.wait_until(lambda: not client.dump("GET_RELAY"), "the end of relays")

    equal(ask(), "ok", "a request to begin with")
    run.all("switch: a relay, in threads", ask, over, way=run.by_workers, least=0)
    outcomes = []
    nth.at_random(25)
    threads = [threading.Thread(target=lambda: outcomes.extend(ask() for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    nth.at_random(0)
    run.look_at_log()
    over()
    equal({ask() for _ in range(10)}, {"ok"}, "requests after failures at random")
    run.say(f"ok faults: switch: {len(outcomes)} requests while a quarter of all allocations fails: {outcomes.count('ok')} answered")
    expect(client, "STOP")
    expect(client, "FLUSH")
    listening.close()
    client.socket.close()


def everything(run):
    """All parts, with the modules loaded for them."""
    kernel.load(*reversed(switch.MODULES))
    nth.only_in("ktcpvs")
    try:
        for part in (commands, namespaces, relays):
            part(run)
    finally:
        nth.at_random(0)
        nth.only_in("ip_vs")
        write_sysctl("net/ktcpvs/unload", 1)
        switch.unload()


PARTS = {"switch": everything}
