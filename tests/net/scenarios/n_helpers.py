# SPDX-License-Identifier: GPL-2.0
"""The helper of CONTRIBUTING.md: answers that tell an address, `AT 10.0.0.11 8000`, name the virtual service instead."""

import socket
import threading

import kernel
from lab import CLIENT, VIP, Topology, remove, run, server_address
from packets import udp
from scenario import check, equal, scenario
from scenarios.j_modules import BUSY, built
from scenarios.r_drops import drops
from views import connections, wait_until
from wire import Wires, lines

MODULE = "ip_vs_at"
PORT = 7000
SERVICE = f"-u {VIP}:{PORT}"
ANSWER = f"AT {server_address(1)} 8000\n".encode()
TRANSLATED = f"AT {VIP} {PORT}\n".encode()
UDP_SEGMENT = 103


def serve(lab):
    lab.director.ipvs(f"-A {SERVICE} -s rr", f"-a {SERVICE} -r {server_address(1)}:{PORT} -m")


def apps(lab):
    return lab.director.read("/proc/net/ip_vs_app").splitlines()[1:]


def end_connections(lab):
    """Ends them all: their server goes, and this ends with it what it served."""
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs("-C")
    wait_until(lambda: not connections(lab.director), what="connections end")


class Conversation:
    """A client and a server with sockets; the helper stands between."""

    def __init__(self, lab, server=None):
        self.client, self.server = lab.client.udp(), server or lab.servers[0].udp("", PORT)
        self.client.sendto(b"WHERE\n", (VIP, PORT))
        data, self.peer = self.server.recvfrom(65536)
        equal(data, b"WHERE\n", "the question")

    def answer(self, data):
        """What the client reads if the server says `data`."""
        self.server.sendto(data, self.peer)
        said, sender = self.client.recvfrom(65536)
        equal(sender, (VIP, PORT), "the sender that the client sees")
        return said


@scenario(rust_only=True)
def a_helper_from_the_contributors_page(t):
    lab = Topology()
    serve(lab)
    before = Conversation(lab)
    kernel.load(MODULE)
    equal(apps(lab), ["UDP  7000    0      at               "], "the helper, without connections")
    equal(before.answer(ANSWER), ANSWER, "an answer on a connection that is older than the helper")
    talk = Conversation(lab, before.server)
    equal(apps(lab), ["UDP  7000    1      at               "], "the helper, with a connection")
    for data in (ANSWER, b"AT 1.2.3.4 5\n", b"AT ", b"AT " + b"x" * 1400, ANSWER * 2):
        equal(talk.answer(data), TRANSLATED, f"what becomes of {len(data)} bytes")
    for data in (b"HERE 10.0.0.11\n", b"A", b"T" * 1400):
        equal(talk.answer(data), data, "what is not an answer")
    talk.client.sendto(ANSWER, (VIP, PORT))
    equal(talk.server.recv(65536), ANSWER, "what a client says")
    listed = lab.director.read("/proc/net/ip_vs_conn")
    check(" at" not in listed, "the connection is listed as it always was")
    equal(kernel.unload(MODULE), BUSY, "removing the module of a connection")
    equal(talk.answer(ANSWER), TRANSLATED, "the answer after that")
    talk.server.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 20)
    talk.server.sendto(ANSWER * 4, talk.peer)
    wait_until(lambda: drops(lab) == {"helper": 1}, what="a packet that stands for several is dropped")
    end_connections(lab)
    equal(apps(lab), ["UDP  7000    0      at               "], "the helper, after its connections")
    equal(kernel.unload(MODULE), "ok", "removing the module")
    equal(apps(lab), [], "helpers in the end")


@scenario(rust_only=True)
def packets_of_a_helper_byte_by_byte(t):
    lab = Wires()
    serve(lab)
    kernel.load(MODULE)
    server = server_address(1)
    t.block("question", lines(lab.client_sends(udp(CLIENT, 2000, VIP, PORT, b"WHERE\n"))))
    for name, options in {"answer": {}, "answer without a checksum": {"zero_checksum": True},
                          "answer with options": {"options": b"\1\1\1\0", "words": 6}}.items():
        t.block(name, lines(lab.server_sends(udp(server, PORT, CLIENT, 2000, ANSWER, **options))))
    equal(drops(lab), {}, "drops")
    wrong = bytearray(udp(server, PORT, CLIENT, 2000, ANSWER))
    wrong[-2] ^= 1
    equal(lab.server_sends(bytes(wrong)), [], "an answer with a wrong checksum")
    equal(lab.server_sends(udp(server, PORT, CLIENT, 2000, ANSWER, length=20)), [], "an answer with a wrong length")
    wrong = bytearray(udp(CLIENT, 2000, VIP, PORT, b"WHERE\n"))
    wrong[-2] ^= 1
    equal(lab.client_sends(bytes(wrong)), [], "a question with a wrong checksum")
    equal(drops(lab), {"bad_checksum": 3}, "drops")
    end_connections(lab)
    equal(kernel.unload(MODULE), "ok", "removing the module")


@scenario(rust_only=True)
def a_port_has_one_helper(t):
    again = built("example/ip_vs_at_again.ko.test", "example-modules.sh")
    lab = Topology()
    kernel.load(MODULE)
    said = run("insmod", again, check=False).strip()
    # What the kernel makes of EEXIST.
    check("Device or resource busy" in said, f"a second helper for the port: {said!r}")
    equal(len(apps(lab)), 1, "helpers")
    equal(kernel.unload(MODULE), "ok", "removing the first")
    equal(run("insmod", again, check=False).strip(), "", "loading the other one then")
    equal(apps(lab), ["UDP  7000    0      again            "], "the helper")
    equal(kernel.unload("ip_vs_at_again"), "ok", "removing the other one")


@scenario(rust_only=True)
def a_namespace_ends_with_bound_connections(t):
    kernel.load(MODULE)
    lab = Topology()
    serve(lab)
    talks = [Conversation(lab)]
    equal(kernel.use_count(MODULE), 1, "references")
    remove(lab.director)
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the module")
    del talks


@scenario(rust_only=True)
def a_helper_comes_and_goes_under_traffic(t):
    lab = Topology()
    client, server = lab.client.udp(), lab.servers[0].udp("", PORT)
    server.settimeout(0.2)
    ending = threading.Event()

    def ask():
        while not ending.wait(0.0005):
            client.sendto(b"WHERE\n", (VIP, PORT))

    def answer():
        while not ending.is_set():
            try:
                server.sendto(ANSWER, server.recvfrom(65536)[1])
            except TimeoutError:
                pass

    threads = [threading.Thread(target=work) for work in (ask, answer)]
    for thread in threads:
        thread.start()
    removed = 0
    try:
        lab.director.ipvs_sysctl("expire_nodest_conn", 1)
        for _ in range(10):
            kernel.load(MODULE)
            serve(lab)
            wait_until(lambda: kernel.use_count(MODULE) == 1, what="the connection is bound")
            equal(kernel.unload(MODULE), BUSY, "removing the module of a connection")
            lab.director.ipvs("-C")
            wait_until(lambda: kernel.use_count(MODULE) == 0, what="the connection ends")
            removed += kernel.unload(MODULE) == "ok"
    finally:
        ending.set()
        for thread in threads:
            thread.join()
        client.close()
        server.close()
    equal(removed, 10, "removals")
