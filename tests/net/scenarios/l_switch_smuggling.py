# SPDX-License-Identifier: GPL-2.0
"""Requests with two readings: the server gets the bytes that were sent, of a request that was counted, or nothing at all, and the
client an error. `http` looks at the first head of a connection, and passes on the rest as it is."""

import contextlib
import json
import threading

import switch
from lab import VIP, Topology, server_address
from scenario import check, equal, scenario
from switch import PORT, Server, configure, receive_all, tool

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n%s\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n%s\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
REFUSED = {
    "CL.TE": POST % (b"Content-Length: 6\r\n" + CHUNKED) + b"0\r\n\r\nG",
    "TE.CL": POST % (CHUNKED + b"Content-Length: 3\r\n") + b"1\r\nG\r\n0\r\n\r\n",
    "TE.TE, xchunked": POST % (b"Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n") + HIDDEN,
    "TE.TE, two fields": POST % (CHUNKED + b"Transfer-Encoding: identity\r\n") + b"0\r\n\r\n" + HIDDEN,
    "TE.TE, twice": POST % (CHUNKED * 2) + b"0\r\n\r\n" + HIDDEN,
    "TE, a list": POST % b"Transfer-Encoding: chunked, identity\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE, gzip first": POST % b"Transfer-Encoding: gzip, chunked\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE, vertical tab": POST % b"Transfer-Encoding:\x0bchunked\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE, blank before the colon": POST % b"Transfer-Encoding : chunked\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE, line feed in front": POST % b"X: y\nTransfer-Encoding: chunked\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE, folded": POST % b"Transfer-Encoding:\r\n chunked\r\n" + b"0\r\n\r\n" + HIDDEN,
    "TE in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "CL, a list": POST % b"Content-Length: 0, 33\r\n" + HIDDEN,
    "CL, the same twice": POST % b"Content-Length: 0\r\nContent-Length: 0\r\n" + HIDDEN,
    "CL, two": POST % b"Content-Length: 0\r\nContent-Length: 33\r\n" + HIDDEN,
    "CL +5": POST % b"Content-Length: +5\r\n" + b"aaaaa",
    "CL -1": POST % b"Content-Length: -1\r\n" + HIDDEN,
    "CL 0x5": POST % b"Content-Length: 0x5\r\n" + b"aaaaa",
    "CL, too large": POST % b"Content-Length: 18446744073709551621\r\n" + b"aaaaa",
    "CL, empty": POST % b"Content-Length:\r\n" + HIDDEN,
    "CL, digits apart": POST % b"Content-Length: 3 3\r\n" + HIDDEN,
    "lines of LF": (GET % (b"", b"")).replace(b"\r\n", b"\n"),
    "one LF": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "lines of CR": (GET % (b"", b"")).replace(b"\r\n", b"\r") + b"\r\n\r\n",
    "CR in a value": GET % (b"", b"X: a\rb\r\n"),
    "NUL in a value": GET % (b"", b"X: a\0b\r\n"),
    "a folded line": GET % (b"", b"X: a\r\n b\r\n"),
    "no name": GET % (b"", b": a\r\n"),
    "no colon": GET % (b"", b"GET /hidden HTTP/1.1\r\n"),
    "blank in a name": GET % (b"", b"X y: a\r\n"),
    "two hosts": GET % (b"", b"Host: b\r\n"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a list of hosts": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "another host in the target": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "blank behind the version": b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "blank in the target": GET % (b"a b", b""),
    "fragment": GET % (b"a#b", b""),
    "0.9": b"GET /\r\n\r\n",
    "a version with more digits": b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "Connection names the length": POST % b"Content-Length: 33\r\nConnection: Content-Length\r\n" + HIDDEN,
    "Connection names the host": GET % (b"", b"Connection: Host\r\n"),
    "an unknown expectation": GET % (b"", b"Expect: x\r\n"),
    "an error, then a request": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + HIDDEN,
    "two empty lines": b"\r\n\r\n" + GET % (b"", b""),
}
PASSED = {
    "an empty line": b"\r\n" + GET % (b"", b""),
    "a method that nobody knows": b"GOT /x HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute target": b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "TE, tab and case": POST % b"Transfer-Encoding:\tChUnKeD\r\n" + b"3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n",
    "a body with a request in it": POST % (b"Content-Length: %d\r\n" % len(HIDDEN)) + HIDDEN,
    "requests in a row": (GET % (b"1", b"")) + (GET % (b"2", b"")) + HIDDEN,
    "h2c": GET % (b"", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
    "an upgrade": GET % (b"", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "bytes above 127": GET % (b"\xc3\xbc", b"X: \xff\xfe\r\n"),
    "1.0": b"GET / HTTP/1.0\r\n\r\n",
}
PIECES = (1, 7)


class Log:
    """What a server was sent on each of its connections."""

    def __init__(self):
        self.connections, self.changed = [], threading.Condition()

    def serve(self, _server, one):
        found = b""
        with contextlib.suppress(OSError):
            found = receive_all(one)
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with self.changed:
            self.connections.append(found)
            self.changed.notify_all()


def send(client, data, pieces):
    """Sends a request in so many pieces, and FIN; the answer."""
    one = client.connect(VIP, PORT)
    one.settimeout(20)
    one.setsockopt(6, 1, 1)
    size = -(-len(data) // pieces)
    with one, contextlib.suppress(ConnectionError):
        for at in range(0, len(data), size):
            one.sendall(data[at:at + size])
        one.shutdown(1)
        return receive_all(one)
    return b""


def requests(host):
    """How many requests were counted."""
    status, text = tool(host, "-L", "-n", "--json")
    equal(status, 0, text)
    return json.loads(text)[0]["stats"]["requests"]


@scenario(rust_only=True)
def what_has_two_readings_does_not_reach_a_server(t):
    with switch.loaded():
        hosts = Topology(servers=1)
        log = Log()
        server = Server(hosts.servers[0], server_address(1), PORT, log.serve)
        configure(hosts.director, f"-A -i web -l {VIP}:80", f"-a -i web -r {server_address(1)}",
                  f"--add-rule -i web -p .* -r {server_address(1)}", "--start")
        for name, data in REFUSED.items():
            answers = {send(hosts.client, data, pieces).split(b"\r\n")[0].decode() for pieces in PIECES}
            t.note(name, *sorted(answers))
            check(all(answer.startswith(("HTTP/1.1 4", "HTTP/1.1 5")) for answer in answers), f"{name}: {answers}")
        equal(log.connections, [], "what the server has got of requests that were refused")
        equal(requests(hosts.director), 0, "the requests that were counted so far")
        for name, data in PASSED.items():
            for pieces in PIECES:
                before = len(log.connections)
                answer = send(hosts.client, data, pieces)
                check(answer.startswith(b"HTTP/1.1 200"), f"{name}: {answer!r}")
                with log.changed:
                    log.changed.wait_for(lambda before=before: len(log.connections) > before, 10)
                equal(log.connections[before:], [data], f"{name}: what the server has got")
            t.note(name, "passed as it is")
        equal(requests(hosts.director), len(PASSED) * len(PIECES), "the requests that were counted")
        server.close()
