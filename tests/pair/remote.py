# SPDX-License-Identifier: GPL-2.0
"""What the two VMs say to each other. The first makes objects in the second, and calls their methods, one at a time: both
read the same sources, so classes go by name and values as pickles. Nobody else is on this wire."""

import pickle
import socket
import struct
import traceback

import lab
from scenario import Failed, reason_of
from traffic import receive
from views import wait_until

DEVICE, PORT = "eth0", 7000
FIRST, SECOND = "10.255.0.1", "10.255.0.2"
# The other VM may still boot; and no call takes longer.
BOOT_SECONDS, CALL_SECONDS = 120, 120


def send(wire, thing):
    data = pickle.dumps(thing)
    wire.sendall(struct.pack("!I", len(data)) + data)


def take(wire):
    return pickle.loads(receive(wire, *struct.unpack("!I", receive(wire, 4))))


def own_address(address):
    lab.run("ip", "addr", "add", f"{address}/24", "dev", DEVICE)
    lab.run("ip", "link", "set", DEVICE, "up")


class Object:
    """An object in the other VM."""

    def __init__(self, peer, number):
        self.peer, self.number = peer, number

    def __getattr__(self, name):
        return lambda *arguments: self.peer.ask("call", self.number, name, arguments)


class Peer:
    """The second VM as the first one sees it."""

    def __init__(self):
        own_address(FIRST)
        self.wire = wait_until(self.connect, BOOT_SECONDS, "an answer of the second VM", every=0.5)
        self.wire.settimeout(CALL_SECONDS)
        self.node = Object(self, 0)

    @staticmethod
    def connect():
        try:
            return socket.create_connection((SECOND, PORT), timeout=5)
        except OSError:
            return None

    def ask(self, *request):
        send(self.wire, request)
        fine, answer = take(self.wire)
        if not fine:
            raise Failed(f"the second VM: {answer}")
        return answer

    def make(self, kind, *arguments):
        """Makes an object of a class there."""
        return Object(self, self.ask("make", kind, arguments))

    def forget(self):
        """Drops all objects but the node."""
        self.ask("forget")


class Answering:
    """The second VM's side. The first object is the node, the others are what the first VM made."""

    def __init__(self, node):
        self.objects = [node]

    def make(self, kind, arguments):
        self.objects.append(kind(*arguments))
        return len(self.objects) - 1

    def call(self, number, name, arguments):
        return getattr(self.objects[number], name)(*arguments)

    def forget(self):
        del self.objects[1:]

    def answer(self, request):
        name, *arguments = request
        try:
            return True, getattr(self, name)(*arguments)
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            return False, reason_of(error)

    def serve(self):
        """Answers until the first VM hangs up."""
        own_address(SECOND)
        with socket.create_server((SECOND, PORT)) as listener:
            wire, _ = listener.accept()
        while True:
            try:
                request = take(wire)
            except Failed:
                return
            send(wire, self.answer(request))
