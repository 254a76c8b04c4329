# SPDX-License-Identifier: GPL-2.0
"""The layer-7 switch: its modules and its tool, servers that tell what they were sent, and clients that say what they are told."""

import contextlib
import hashlib
import os
import socket
import struct
import subprocess
import threading
import time

import kernel
import lab
from scenario import Failed, equal

TOOL = f"{kernel.TOOLS}/tcpvsadm"
MODULES = ("ktcpvs_wlc", "ktcpvs_http", "ktcpvs")
PORT = 80


@contextlib.contextmanager
def loaded():
    """The modules, which are all gone at the end: nothing holds them any more."""
    if not os.path.exists(TOOL):
        raise Failed(f"no {TOOL}: cargo build --release -p tcpvsadm makes it")
    kernel.load("ktcpvs")
    try:
        yield
    finally:
        if kernel.use_count("ktcpvs") is not None:
            lab.write_sysctl("net/ktcpvs/unload", 1)
        unload()


def unload():
    for name in MODULES:
        if kernel.use_count(name) is not None:
            equal(kernel.unload(name), "ok", f"removing {name}")


def tool(host, *words, text=None):
    """Runs the tool; its status, and what it printed."""
    with host:
        done = subprocess.run([TOOL, *words], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
    return done.returncode, done.stdout


def configure(host, *lines):
    """Runs commands, none of which may fail."""
    for line in lines:
        equal(tool(host, *line.split()), (0, ""), line)


def wait_until(is_so, what, seconds=30):
    """Waits for something that is to happen soon."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise Failed(f"waited in vain for {what}")
        time.sleep(0.02)


def is_heard(host):
    """Whether a socket has joined a group of generic netlink."""
    sockets = (line.split() for line in host.read("/proc/net/netlink").splitlines()[1:])
    return any(one[1] == "16" and int(one[3], 16) for one in sockets)


class Lines:
    """The tool, while it runs: the lines that it prints."""

    def __init__(self, host, *words):
        with host:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([TOOL, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(lambda: is_heard(host), "the tool to listen")

    def until(self, last):
        """The lines up to the last one, with which the tool ends."""
        lines = []
        while last not in lines:
            line = self.process.stdout.readline()
            if not line:
                raise Failed(f"the tool has ended behind {lines}")
            lines.append(line.rstrip("\n"))
        self.process.kill()
        self.process.wait()
        return lines


def receive_all(one):
    """What comes until the peer says FIN."""
    parts = []
    while part := one.recv(65536):
        parts.append(part)
    return b"".join(parts)


def head_of(one):
    """What comes until the end of a head, or FIN."""
    found = b""
    while b"\r\n\r\n" not in found:
        part = one.recv(4096)
        if not part:
            break
        found += part
    return found


def abort(one):
    """Resets a connection."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


class Server:
    """A server whose connections are given to `serve(server, connection)`, each in a thread."""

    def __init__(self, host, address, port, serve):
        self.received = []
        self.serve = serve
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with host:
            self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self.listener.accept()
                one.settimeout(30)
                threading.Thread(target=self.run, args=(one,), daemon=True).start()

    def run(self, one):
        with contextlib.suppress(OSError), one:
            self.serve(self, one)

    def close(self):
        # A thread that waits in accept() keeps the socket.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def web(name):
    """Answers requests without a body, one after the other, with a name and the target."""
    def serve(server, one):
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                part = one.recv(4096)
                if not part:
                    return
                rest += part
            head, rest = rest.split(b"\r\n\r\n", 1)
            server.received.append(head + b"\r\n\r\n")
            body = b"%s %s\n" % (name.encode(), head.split(b" ")[1])
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            if b"\r\nconnection: close" in head.lower():
                return
    return serve


def echo(_server, one):
    """Says what it was told, once the client has said all."""
    one.sendall(receive_all(one))


def digest(_server, one):
    """Tells the digest of what it was sent, and sends as many bytes back."""
    total = hashlib.sha256()
    length = 0
    while part := one.recv(1 << 16):
        total.update(part)
        length += len(part)
    one.sendall(total.hexdigest().encode())
    while length > 0:
        part = bytes(min(length, 1 << 16))
        one.sendall(part)
        length -= len(part)


def silent(server, one):
    """Says nothing, and waits for the end."""
    server.received.append(b"")
    while one.recv(4096):
        pass
