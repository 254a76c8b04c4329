# SPDX-License-Identifier: GPL-2.0
"""The row of the matrix (q_matrix.py) whose servers are addresses of the director itself, by each forwarding method."""

import errno
import socket
import struct

import sctp as chunks
from dissect import fragments6, sctp, tcp, udp, unreachable
from dual import VERSIONS, DualWires, client, end, gateway, vip
from packets import RST, SYN, fragments
from scenario import scenario
from scenarios.q_matrix import show
from wire import lines

SERVICES = (("-u", 53), ("-u", 54), ("-t", 53), ("--sctp-service", 53))
MSG_ERRQUEUE = 0x2000


class Local:
    """Services whose server is the director, and the director's sockets."""

    def __init__(self, inner, outer, options):
        self.inner, nat = inner, options == "-m"
        self.lab = DualWires()
        offset = 5300 if nat else 0
        for flag, port in SERVICES:
            virtual = end(vip(inner), port)
            self.lab.director.ipvs(f"-A {flag} {virtual} -s rr",
                                   f"-a {flag} {virtual} -r {end(gateway(outer), port + offset)} {options}")
        self.family = socket.AF_INET if inner == 4 else socket.AF_INET6
        here = gateway(inner) if nat else vip(inner)
        self.datagrams = self.bound(socket.SOCK_DGRAM, 0, here, 53 + offset)
        self.stream = self.bound(socket.SOCK_STREAM, 0, here, 53 + offset)
        self.stream.listen(1)
        self.raw = self.bound(socket.SOCK_RAW, chunks.SCTP, here, 0)
        self.ports = 53 + offset, 2000

    def bound(self, kind, protocol, address, port):
        one = self.lab.director.socket(self.family, kind, protocol)
        one.bind((address, port))
        return one

    def ends(self, port=53):
        return client(self.inner), 2000, vip(self.inner), port


def udp_cell(t, here):
    lab, datagrams = here.lab, here.datagrams
    level, option = (socket.IPPROTO_IP, 11) if here.inner == 4 else (socket.IPPROTO_IPV6, 25)
    datagrams.setsockopt(level, option, 1)
    show(t, lab, [("UDP request", udp(*here.ends(), b"question"))], lab.client_sends)
    data, peer = datagrams.recvfrom(100)
    t.note("the director got", data, "from", peer[:2])
    datagrams.sendto(b"answer", peer)
    t.block("UDP reply", lines(lab.collect()))
    about = udp(vip(here.inner), 53, client(here.inner), 2000, b"answer")
    show(t, lab, [("UDP error to the server", unreachable(client(here.inner), vip(here.inner), about))], lab.client_sends)
    try:
        data, extra, _, peer = datagrams.recvmsg(100, 256, MSG_ERRQUEUE)
        number, origin, kind, code = struct.unpack("IBBB", extra[0][2][:7])
        t.note("the director got", errno.errorcode[number], "origin", origin, kind, code, "about", data, "to", peer[:2])
    except BlockingIOError:
        t.note("the director got no error")
    show(t, lab, [("UDP error to the client", udp(*here.ends(54), b"question"))], lab.client_sends)
    show(t, lab, [("UDP ttl 1", udp(*here.ends(), b"old", ttl=1))], lab.client_sends)
    t.note("the director got", datagrams.recvfrom(100)[0])
    cut = (fragments, fragments6)[here.inner == 6]
    show(t, lab, [("UDP in fragments", list(cut(udp(*here.ends(), bytes(3000)), 504)))], lab.client_sends)
    t.note("the director got", len(datagrams.recvfrom(4000)[0]), "bytes")


def tcp_cell(t, here):
    # The reset ends what the listener remembers: a half-open connection of IPv6 would keep the whole namespace.
    show(t, here.lab, [("TCP request", tcp(*here.ends(), SYN)), ("TCP reset", tcp(*here.ends(), RST, seq=1001))],
         here.lab.client_sends)


def sctp_cell(t, here):
    show(t, here.lab, [("SCTP request", sctp(*here.ends(), chunks.INIT))], here.lab.client_sends)
    packet = here.raw.recv(1000)
    ports = packet[20 if here.inner == 4 else 0:][:4]
    t.note("the director got", struct.unpack("!HH", ports))
    here.raw.sendto(chunks.segment(*here.ports, chunks.INIT_ACK), (client(here.inner), 0))
    t.block("SCTP reply", lines(here.lab.collect()))


def cell(method, inner, outer, options):
    def one(t):
        here = Local(inner, outer, options)
        udp_cell(t, here)
        tcp_cell(t, here)
        sctp_cell(t, here)
        t.block("connections", sorted(" ".join(row.split()[:8])
                                      for row in here.lab.director.read("/proc/net/ip_vs_conn").splitlines()[1:]))
        t.note("MTU exceeded: not run, nothing leaves this host")
        for socket_ in (here.datagrams, here.stream, here.raw):
            socket_.close()
    one.__name__ = f"local_{method}_of_ipv{inner}" + (f"_in_ipv{outer}" if method == "tunnel" else "")
    one.__module__ = __name__
    scenario(one)


for inside in VERSIONS:
    cell("nat", inside, inside, "-m")
    cell("dr", inside, inside, "-g")
    for outside in VERSIONS:
        cell("tunnel", inside, outside, "-i")
