# SPDX-License-Identifier: GPL-2.0
"""The configuration of IPVS in this network namespace: read, compared and put back, without any ipvsadm."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "net"))

import genl  # noqa: E402
import kernel  # noqa: E402

IS_DEBUG = kernel.IS_DEBUG

# What is read but not configured: numbers of connections, and statistics.
DEST_GAUGES = {7, 8, 9}
DAEMON_STATE, MASTER, BACKUP = 1, 1, 2
TIMES = ((genl.TIMEOUT_TCP, 900), (genl.TIMEOUT_TCP_FIN, 120), (genl.TIMEOUT_UDP, 300))


class Host:
    """The namespace that this process is in."""

    @staticmethod
    def socket(*kind):
        return socket.socket(*kind)


def nest(payload, kind):
    """The content of the attribute `kind`."""
    return next(content for found, content in genl.attributes(payload) if found == kind)


def settings(content, without):
    """The attributes that configure a service or a server."""
    return b"".join(genl.attribute(kind, value) for kind, value in genl.attributes(content) if kind not in without)


class Table:
    """Services with their servers, daemons and timeouts."""

    def __init__(self):
        self.client = genl.Client(Host)
        self.keys, self.shown = {}, {}

    def read(self):
        """All of it, as the kernel's bytes: cheap to get, and equal if nothing has changed."""
        services = []
        for _, _, payload in self.client.dump("GET_SERVICE"):
            if payload not in self.keys:
                self.keys[payload] = genl.attribute(genl.SERVICE, genl.service_key(nest(payload, genl.SERVICE)))
            dests = self.client.dump("GET_DEST", self.keys[payload])
            services.append((payload, tuple(dest for _, _, dest in dests)))
        daemons = tuple(payload for _, _, payload in self.client.dump("GET_DAEMON"))
        times = self.client.do("GET_CONFIG")[1][0][2]
        return tuple(services), daemons, times

    def lines(self, read):
        """What was read, as sorted lines: the configuration only."""
        services, daemons, times = read
        lines = ["timeouts " + " ".join(f"{kind}={content.hex()}" for kind, content in genl.attributes(times))]
        lines += ["daemon " + genl.show(nest(payload, genl.DAEMON), genl.DAEMON_NAMES) for payload in daemons]
        for payload, dests in services:
            words = genl.show(nest(payload, genl.SERVICE), genl.SERVICE_NAMES)
            lines.append("service " + words)
            lines += [f"server {genl.show(settings(nest(dest, genl.DEST), DEST_GAUGES), genl.DEST_NAMES)} of {words}"
                      for dest in dests]
        return sorted(lines)

    def write(self, read):
        """Makes the configuration what was read."""
        services, daemons, _ = read
        if daemons:
            raise ValueError("daemons are not put back")
        requests = [("FLUSH", b"")]
        requests += [("DEL_DAEMON", genl.attribute(genl.DAEMON, genl.attribute(DAEMON_STATE, genl.u32(role))))
                     for role in (MASTER, BACKUP)]
        requests.append(("SET_CONFIG", b"".join(genl.attribute(kind, genl.u32(value)) for kind, value in TIMES)))
        for payload, dests in services:
            service = settings(nest(payload, genl.SERVICE), genl.STATS_NESTS)
            requests.append(("NEW_SERVICE", genl.attribute(genl.SERVICE, service)))
            # The newest comes first.
            for dest in reversed(dests):
                server = settings(nest(dest, genl.DEST), genl.STATS_NESTS | DEST_GAUGES)
                requests.append(("NEW_DEST", self.keys[payload] + genl.attribute(genl.DEST, server)))
        for command, body in requests:
            said = self.client.do(command, body)[0]
            if said != "ok" and command != "DEL_DAEMON":
                raise RuntimeError(f"{command}: {said}")
