# SPDX-License-Identifier: GPL-2.0
"""Conversations through the director with real sockets, one step after the other in one process."""

import hashlib
import os
import select
import socket

from scenario import Failed, check, equal


def reached(sockets, seconds=5):
    """The index of the only socket that has something to read."""
    ready = select.select(sockets, [], [], seconds)[0]
    check(len(ready) == 1, f"{len(ready)} servers were reached instead of one")
    return sockets.index(ready[0])


def ask_udp(client, target, servers, payload=b"question"):
    """One datagram to the service and the answer back; returns which server answered."""
    client.sendto(payload, target)
    index = reached(servers)
    data, source = servers[index].recvfrom(65536)
    equal(data, payload, "what the server received")
    servers[index].sendto(b"answer to " + data, source)
    answer, sender = client.recvfrom(65536)
    equal(answer, b"answer to " + payload, "what the client received")
    equal(sender, target, "the sender that the client sees")
    return index


def open_tcp(client, target, listeners):
    """Opens a connection to the service; returns (index of the server, client's socket, server's socket)."""
    near = client.connect(*target)
    index = reached(listeners)
    far, _ = listeners[index].accept()
    far.settimeout(5)
    return index, near, far


def talk_tcp(near, far, payload=b"question"):
    """A question and its answer on an open connection."""
    near.sendall(payload)
    equal(receive(far, len(payload)), payload, "what the server received")
    far.sendall(payload[::-1])
    equal(receive(near, len(payload)), payload[::-1], "what the client received")


def receive(one, size):
    """Reads exactly so many bytes."""
    data = b""
    while len(data) < size:
        part = one.recv(size - len(data))
        if not part:
            raise Failed(f"the connection ended after {len(data)} of {size} bytes")
        data += part
    return data


def close_tcp(near, far):
    """The client ends first, then the server."""
    near.shutdown(socket.SHUT_WR)
    equal(far.recv(1), b"", "the end of the stream at the server")
    far.close()
    equal(near.recv(1), b"", "the end of the stream at the client")
    near.close()


def bulk(source, sink, size):
    """Moves random bytes as fast as it goes and checks that they arrive unchanged."""
    block = os.urandom(1 << 16)
    sent, got = hashlib.sha256(), hashlib.sha256()
    to_send, to_come, pending = size, size, b""
    source.setblocking(False)
    sink.setblocking(False)
    while to_come:
        readable, writable, _ = select.select([sink], [source] if to_send or pending else [], [], 5)
        check(readable or writable, f"the transfer stalled with {to_come} of {size} bytes to come")
        if writable:
            if not pending:
                pending = block[:to_send]
                to_send -= len(pending)
                sent.update(pending)
            pending = pending[source.send(pending):]
        if readable:
            part = sink.recv(1 << 20)
            check(part, f"the connection ended with {to_come} of {size} bytes to come")
            got.update(part)
            to_come -= len(part)
    source.settimeout(5)
    sink.settimeout(5)
    equal(got.hexdigest(), sent.hexdigest(), "the digest of what arrived")
