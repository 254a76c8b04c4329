# SPDX-License-Identifier: GPL-2.0
"""The layer-7 switch: commands, relays, requests, and its end under load."""

import contextlib
import hashlib
import json
import socket
import threading
import time

import lab
import socket_map
import switch
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario
from switch import PORT, Server, configure, echo, head_of, receive_all, tool, web

FILE = f"""virtual web {{   # two servers
    LISTEN = {VIP}:80
    scheduler = http
    maxclients = 500
    server = {server_address(1)}:80 1
    server = {server_address(2)}:80 3
    rule = pattern "^/images/.*" use server {server_address(1)}:80
    rule = pattern ".*" use server {server_address(2)}:80
    rule = pattern "^/docs/[a-z]+\\.html$" use server {server_address(1)}:80
}}
virtual mail {{ listen = {VIP}:25 scheduler = wlc server = {server_address(1)}:25 1 }}
"""


def get(host, target, port=PORT):
    """The answer that curl is given."""
    return host.run("curl", "-sS", "-m", "20", f"http://{VIP}:{port}{target}", check=False).strip()


def ask(host, request, pieces=1, ends=True):
    """Sends a request in pieces, and that there is no more, and returns all of the answer."""
    one = host.connect(VIP, PORT)
    one.settimeout(60)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size = -(-len(request) // pieces)
    for at in range(0, len(request), size):
        one.sendall(request[at:at + size])
        time.sleep(0.002)
    if ends:
        one.shutdown(socket.SHUT_WR)
    answer = receive_all(one)
    one.close()
    return answer


def is_reset(one):
    """Whether the peer resets a connection; what comes before does not matter."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        receive_all(one)
        return False
    return True


def resets(host, port):
    """Whether a connection is reset, be it before connect() returns."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        with host.connect(VIP, port) as one:
            return is_reset(one)
    return True


def break_off(_server, one):
    one.sendall(bytes(1000))
    time.sleep(0.1)
    switch.abort(one)


@scenario(rust_only=True)
def the_switch_is_configured_as_its_tool_says(t):
    with switch.loaded():
        hosts = Topology(servers=2)
        director = hosts.director
        names = [Server(server, server_address(number), PORT, web(f"server{number}"))
                 for number, server in zip(hosts.numbers, hosts.servers)]
        configure(director, f"-A -i web -s http -P 80 -l {VIP}", f"-a -i web -r {server_address(1)}",
                  f"-a -i web -r {server_address(2)}:80 -w 1", f"--add-rule -i web --pattern=/one.* -r {server_address(1)}",
                  f"--add-rule -i web -p .* -r {server_address(2)}:80", "--start")
        equal(get(hosts.client, "/one"), "server1 /one", "the first rule")
        equal(get(hosts.client, "/two"), "server2 /two", "the last rule")
        for line in ("-L -n", "-L -n -i web", "-Ln -i nobody", "-A -i web", f"-a -i web -r {server_address(1)}:80",
                     f"-d -i web -r {server_address(1)}:80", "-D -i web", "-E -i web -P 81", f"-a -i nobody -r {VIP}:1",
                     f"-d -i web -r {VIP}:1", "-A -i x -s nosuch", f"--del-rule -i web -p /no -r {server_address(1)}",
                     f"--add-rule -i web -p ( -r {server_address(1)}", "--start -i web", "-X", "-A", "-a -i web -r 10.0.0.1 -w x"):
            status, text = tool(director, *line.split())
            t.block(f"{line} ({status})", text.splitlines())
        # A list can be loaded again, and a file with a fault changes nothing.
        listed = tool(director, "-L", "-n")[1]
        equal(tool(director, "-f", "-", text=listed), (0, ""), "loading a list")
        equal(tool(director, "-L", "-n")[1], listed, "the list that was loaded")
        equal(get(hosts.client, "/one"), "server1 /one", "a request after that")
        status, text = tool(director, "-f", "-", text=listed.replace("server = ", "server = nobody nobody ", 1))
        t.block(f"a file with a fault ({status})", text.splitlines())
        equal(tool(director, "-L", "-n")[1], listed, "the list after a file with a fault")
        configure(director, "--stop")
        equal(tool(director, "-f", "-", text=FILE), (0, ""), "loading a file")
        t.block("a file", tool(director, "-L", "-n")[1].splitlines())
        configure(director, "--start")
        for target in ("/images/a", "/docs/a.html", "/docs/A.html"):
            t.note("GET", target, get(hosts.client, target))
        check("server" in director.read("/proc/net/ktcpvs"), "/proc/net/ktcpvs has no server")
        configure(director, "--stop", "-D -i web", "-F")
        equal(tool(director), (0, "TCP Virtual Server version 1.0.0\n"), "the list at the end")
        for server in names:
            server.close()


@scenario(rust_only=True)
def relays_pass_on_all_that_they_get(_t):
    with switch.loaded():
        hosts = Topology(servers=2)
        client, director = hosts.client, hosts.director
        server = Server(hosts.servers[0], server_address(1), 7, echo)
        counting = Server(hosts.servers[0], server_address(1), 9, switch.digest)
        closing = Server(hosts.servers[0], server_address(1), 11, lambda _, one: switch.abort(one))
        waiting = Server(hosts.servers[0], server_address(1), 13, switch.silent)
        breaking = Server(hosts.servers[0], server_address(1), 19, break_off)
        for name, port in (("echo", 7), ("digest", 9), ("abort", 11), ("silent", 13), ("nobody", 15),
                           ("break", 19)):
            configure(director, f"-A -i {name} -s wlc -l {VIP}:{port}", f"-a -i {name} -r {server_address(1)}")
        configure(director, "--start")
        # A half-close passes, and the answer comes after it.
        one = client.connect(VIP, 7)
        one.sendall(b"hello")
        one.shutdown(socket.SHUT_WR)
        equal(receive_all(one), b"hello", "the echo")
        # 8 MB to the server and 8 MB back, to a client that begins to read late.
        one = client.connect(VIP, 9)
        one.settimeout(120)
        data = bytes(range(256)) * 32768
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        answer = receive_all(one)
        equal(answer[:64].decode(), hashlib.sha256(data).hexdigest(), "the digest of what was sent")
        equal(len(answer), 64 + len(data), "the length of what came back")
        # A byte of urgent data is one like others.
        one = client.connect(VIP, 7)
        one.sendall(b"ab")
        one.send(b"c", socket.MSG_OOB)
        one.sendall(b"de")
        one.shutdown(socket.SHUT_WR)
        equal(receive_all(one), b"abcde", "the echo of urgent data")
        check(resets(client, 11), "a reset of the server does not reach the client")
        check(resets(client, 15), "the client of a server that refuses is not reset")
        # What breaks off does not look whole.
        check(resets(client, 19), "the client of a server that breaks off is not reset")
        # A reset of the client reaches the server.
        one = client.connect(VIP, 13)
        while not waiting.received:
            time.sleep(0.01)
        switch.abort(one)
        # One that is down is passed over: the other one answers everybody.
        configure(director, f"-A -i both -s wlc -l {VIP}:17", f"-a -i both -r {server_address(2)}:17",
                  f"-a -i both -r {server_address(1)}:7", "--start -i both")
        for _ in range(4):
            one = client.connect(VIP, 17)
            one.sendall(b"x")
            one.shutdown(socket.SHUT_WR)
            equal(receive_all(one), b"x", "the echo of the server that is there")
        # A server of weight 0 gets nothing.
        configure(director, f"-e -i both -r {server_address(1)}:7 -w 0", f"-e -i both -r {server_address(2)}:17 -w 0")
        check(resets(client, 17), "a server of weight 0 answers")
        for one in (server, counting, closing, waiting, breaking):
            one.close()


HEAD = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
REFUSED = {
    "400 Bad Request": [b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n"],
    "414 URI Too Long": [b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"],
    "431 Request Header Fields Too Large": [b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n"],
    "501 Not Implemented": [b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"],
    "505 HTTP Version Not Supported": [b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
}


@scenario(rust_only=True)
def requests_choose_servers_and_strange_ones_are_refused(t):
    with switch.loaded():
        hosts = Topology(servers=2)
        client, director = hosts.client, hosts.director
        server = Server(hosts.servers[0], server_address(1), PORT, web("one"))
        other = Server(hosts.servers[1], server_address(2), PORT, web("two"))
        broken = Server(hosts.servers[1], server_address(2), 81, lambda _, one: head_of(one))
        configure(director, f"-A -i web -l {VIP}:80", f"-a -i web -r {server_address(1)}:80", f"-a -i web -r {server_address(2)}:81",
                  f"-a -i web -r {server_address(2)}:9", f"--add-rule -i web -p ^/a -r {server_address(1)}:80",
                  f"--add-rule -i web -p ^/broken -r {server_address(2)}:81", f"--add-rule -i web -p ^/down -r {server_address(2)}:9",
                  "--start")
        for pieces in (1, 2, 7, len(HEAD)):
            answer = ask(client, HEAD, pieces)
            check(answer.endswith(b"one /a\n"), f"{pieces} pieces: {answer!r}")
        check(all(head.startswith(b"GET /a ") for head in server.received), "a head was changed on its way")
        for status, requests in REFUSED.items():
            for request in requests:
                answer = ask(client, request)
                check(answer.startswith(b"HTTP/1.1 " + status.encode()), f"{request[:60]!r}: {answer[:60]!r}")
                check(b"Connection: close\r\n" in answer, "the answer of the switch does not close")
        for target, status in ((b"/none", b"503"), (b"/broken", b"502"), (b"/down", b"502")):
            answer = ask(client, b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target)
            check(answer.startswith(b"HTTP/1.1 " + status), f"{target}: {answer!r}")
        # HEAD gets no body.
        answer = ask(client, b"HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n")
        check(answer.startswith(b"HTTP/1.1 503") and answer.endswith(b"\r\n\r\n"), f"HEAD: {answer!r}")
        # A head that is not complete in time; a client that says nothing; a server that is filtered.
        director.sysctl("net/ktcpvs/header_timeout", 1)
        director.sysctl("net/ktcpvs/keepalive_timeout", 1)
        answer = ask(client, b"GET / HT", ends=False)
        check(answer.startswith(b"HTTP/1.1 408"), f"a slow head: {answer!r}")
        director.run("ip", "route", "add", "blackhole", "198.51.100.9")
        director.ip("route del blackhole 198.51.100.9", "addr add 198.51.100.1/24 dev c0",
                    "neigh add 198.51.100.9 lladdr 02:00:00:00:00:99 dev c0")
        configure(director, "-a -i web -r 198.51.100.9:80", "--add-rule -i web -p ^/filtered -r 198.51.100.9:80")
        answer = ask(client, b"GET /filtered HTTP/1.1\r\nHost: a\r\n\r\n")
        check(answer.startswith(b"HTTP/1.1 504"), f"a server that is filtered: {answer!r}")
        # What stands in where others fail.
        listed = tool(director, "-L", "-n")[1]
        text = listed.replace("scheduler = http\n", f"scheduler = http\n redirect = {server_address(2)}:80\n")
        equal(tool(director, "-f", "-", text=text), (0, ""), "loading a redirect")
        equal(get(client, "/none"), "two /none", "a request without a rule")
        equal(get(client, "/down"), "two /down", "a request to a server that is down")
        t.block("errors", sorted(set(word for line in director.read("/proc/net/ktcpvs").splitlines() if "times" in line
                                     for word in line.split(", ") if " times " in word)))
        # IPv6, within the director.
        director.sysctl("net/ipv6/conf/lo/disable_ipv6", 0)
        six = Server(director, "::1", 82, web("six"))
        configure(director, "-A -i six -l [::1]:80", "-a -i six -r [::1]:82", "--add-rule -i six -p .* -r [::1]:82", "--start -i six")
        equal(director.run("curl", "-sS", "-m", "20", "-g", "http://[::1]/x", check=False).strip(), "six /x", "IPv6")
        for one in (server, other, broken, six):
            one.close()


@scenario(rust_only=True)
def the_switch_goes_under_load(t):
    """Relays that move bytes, wait for heads, wait for servers: `unload` ends all of them, and so does the end of a namespace."""
    for how in ("unload", "flush", "namespace"):
        with switch.loaded():
            hosts = Topology(servers=1)
            client, director = hosts.client, hosts.director
            server = Server(hosts.servers[0], server_address(1), 9, lambda _, one: flood(one))
            other = Server(hosts.servers[0], server_address(1), PORT, web("one"))
            configure(director, f"-A -i bulk -s wlc -l {VIP}:9", f"-a -i bulk -r {server_address(1)}",
                      f"-A -i web -l {VIP}:80", f"-a -i web -r {server_address(1)}:80",
                      f"--add-rule -i web -p .* -r {server_address(1)}:80", "--start")
            ended = []
            threads = [threading.Thread(target=drain, args=(client, ended), daemon=True) for _ in range(8)]
            for thread in threads:
                thread.start()
            heads = [client.connect(VIP, PORT) for _ in range(20)]
            for one in heads:
                one.sendall(b"GET /slow HTTP/1.1\r\n")
            kept = [client.connect(VIP, PORT) for _ in range(10)]
            for one in kept:
                one.sendall(b"GET /kept HTTP/1.1\r\nHost: a\r\n\r\n")
                check(head_of(one).startswith(b"HTTP/1.1 200"), "a request on a connection that is kept")
            if how == "flush":
                configure(director, "-F")
            else:
                if how == "namespace":
                    # It lives on by its relays, without a name.
                    lab.remove(director)
                lab.write_sysctl("net/ktcpvs/unload", 1)
                switch.unload()
            for one in heads + kept:
                check(is_reset(one), f"{how} does not reset")
            for thread in threads:
                thread.join(20)
            equal(len(ended), len(threads), f"clients of which {how} has ended the connections")
            for one in (server, other):
                one.close()
            lab.remove_all()
        t.note(how, "ok")


def relays(director, *words):
    """The relays as the tool lists them."""
    status, text = tool(director, "-L", "--relays", "-n", "--json", *words)
    equal(status, 0, f"listing relays: {text}")
    return json.loads(text)


def wait_for_relays(director, count, *words):
    switch.wait_until(lambda: len(relays(director, *words)) == count, f"{count} relays {words}")


def answers(_server, one):
    """Answers with the status that the path names, and closes."""
    head = head_of(one)
    one.sendall(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\n\r\n" % head.split()[1][1:])


@scenario(rust_only=True)
def relays_are_listed_and_ended(t):
    with switch.loaded():
        hosts = Topology(servers=2)
        client, director = hosts.client, hosts.director
        one, two = server_address(1), server_address(2)
        servers = [Server(hosts.servers[0], one, 7, switch.silent), Server(hosts.servers[1], two, 7, switch.silent),
                   Server(hosts.servers[0], one, PORT, answers)]
        monitor = switch.Lines(director, "--monitor", "-n")
        configure(director, f"-A -i web -l {VIP}:80", f"-a -i web -r {one}:80", f"--add-rule -i web -p .* -r {one}:80",
                  f"-A -i first -s wlc -l {VIP}:7", f"-a -i first -r {one}", f"-A -i second -s wlc -l {VIP}:8",
                  f"-a -i second -r {two}:7 -w 2", f"-e -i second -r {two}:7 -w 3", "--start")
        held = {name: [client.connect(VIP, port) for _ in range(3)] for name, port in (("first", 7), ("second", 8), ("web", 80))}
        held["web"][0].sendall(b"GET / HT")
        for one_of_first in held["first"]:
            one_of_first.sendall(b"hello")
        # Of those that say nothing to `web`, nobody is told before TCP_DEFER_ACCEPT is over.
        wait_for_relays(director, 7)
        switch.wait_until(lambda: all(relay["bytes_in"] == 5 for relay in relays(director, "-i", "first")), "what was said to be moved")
        for name in ("first", "second", "web"):
            shown = [{key: relay[key] for key in ("service", "server", "state", "bytes_in", "bytes_out", "requests")}
                     for relay in relays(director, "-i", name)]
            t.block(name, [json.dumps(shown[0], sort_keys=True), str(len(shown))])
        port = held["first"][1].getsockname()[1]
        equal([relay["client"] for relay in relays(director, "-c", f"{lab.CLIENT}:{port}")], [f"{lab.CLIENT}:{port}"], "one relay")
        equal(tool(director, "-L", "--relays", "-i", "nobody"), (255, "No such service\n"), "relays of nobody")
        for words, count in ((("-c", f"{lab.CLIENT}:{port}"), 1), (("-i", "first", "-r", two), 0), (("-r", f"{two}:7"), 3),
                             (("-i", "first"), 2), (("--all",), 1)):
            equal(tool(director, "--end-relays", *words), (0, f"{count} relays ended\n"), f"ending {words}")
        for name in ("first", "second"):
            for ended in held[name]:
                check(is_reset(ended), f"a relay of {name} was not reset")
        wait_for_relays(director, 0)
        # Answers by class, and heads as long as is allowed.
        for status, times in ((b"200", 2), (b"301", 1), (b"404", 3), (b"502", 1), (b"100", 1)):
            for _ in range(times):
                ask(client, b"GET /%s HTTP/1.0\r\n\r\n" % status)
        director.sysctl("net/ktcpvs/max_head", 300)
        long = b"GET /200 HTTP/1.0\r\nX: %s\r\n\r\n"
        check(ask(client, long % (b"y" * 200)).startswith(b"HTTP/1.1 200"), "a head of 222 bytes is refused")
        check(ask(client, long % (b"y" * 300)).startswith(b"HTTP/1.1 431"), "a head of 322 bytes is taken")
        found = json.loads(tool(director, "-L", "-n", "--json", "-i", "web")[1])[0]
        equal(found["stats"]["answers"], {"2xx": 3, "3xx": 1, "4xx": 3, "5xx": 1}, "answers of the service")
        equal(found["servers"][0]["stats"]["answers"], found["stats"]["answers"], "answers of the server")
        equal(found["stats"]["errors"], {"431": 1}, "answers of the switch")
        check(found["stats"]["requests"] > 0, "no request was counted")
        equal(found["servers"][0]["stats"]["requests"], found["stats"]["requests"], "requests of the server")
        listed = tool(director, "-L", "-n")[1]
        configure(director, f"--del-rule -i web -p .* -r {one}:80", f"-d -i web -r {one}:80", "--stop -i web", "-D -i web", "--stop")
        equal(tool(director, "-f", "-", text=listed), (0, ""), "loading a list")
        configure(director, "-F")
        t.block("what a listener hears", monitor.until("-F"))
        for server in servers:
            server.close()


@scenario(rust_only=True)
def connections_that_a_socket_map_takes_are_not_ours(_t):
    """They have the callback of the listener until they are accepted, and say something before that; then they are closed."""
    with switch.loaded():
        hosts = Topology(servers=1)
        client, director = hosts.client, hosts.director
        server = Server(hosts.servers[0], server_address(1), 7, echo)
        listed = f"virtual echo {{ listen = {VIP}:7 scheduler = wlc maxclients = 1 server = {server_address(1)}:7 1 }}"
        equal(tool(director, "-f", "-", text=listed), (0, ""), "loading a configuration")
        configure(director, "--start")
        # While there is one, no other one is accepted.
        first = client.connect(VIP, 7)
        second = client.connect(VIP, 7)
        with socket_map.taking(7):
            taken = [client.connect(VIP, 7) for _ in range(8)]
            for one in taken:
                one.sendall(b"hello")
            time.sleep(0.2)
            first.shutdown(socket.SHUT_WR)
            equal(receive_all(first), b"", "the echo of nothing")
            second.sendall(b"not taken")
            second.shutdown(socket.SHUT_WR)
            equal(receive_all(second), b"not taken", "the echo of one from before")
            for one in taken:
                check(is_reset(one), "one that was taken goes on")
        last = client.connect(VIP, 7)
        last.sendall(b"afterwards")
        last.shutdown(socket.SHUT_WR)
        equal(receive_all(last), b"afterwards", "the echo of one from afterwards")
        server.close()


def flood(one):
    while True:
        one.sendall(bytes(1 << 16))


def drain(client, ended):
    one = client.connect(VIP, 9)
    try:
        receive_all(one)
    except OSError:
        ended.append(True)
