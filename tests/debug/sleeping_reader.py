# SPDX-License-Identifier: GPL-2.0
"""A program that asks by a socket option, and sleeps while the kernel writes the answer into its memory."""

import socket
import struct
import threading

import sockopt
from faulting import Buffer
from lab import VIP
from scenario import check

PORT = 80
# The header of a question, and the size of an entry of the answer, which is about one service and one server. The header is
# there, and the entries are to be written where no memory is.
QUESTIONS = {
    "SERVICES": (struct.pack("=Ixxxx", 1), sockopt.SERVICE_ENTRY_SIZE),
    "DESTS": (sockopt.dests_header(VIP, PORT, count=1), sockopt.DEST_ENTRY_SIZE),
}


class Here:
    """This process's own namespace, as a host."""

    @staticmethod
    def socket(*arguments):
        return socket.socket(*arguments)


class SleepingReader:
    """Asks one question again and again, in a thread that sleeps amid the answer."""

    def __init__(self, client):
        self.client, self.buffer = client, Buffer()
        self.thread, self.result = None, None

    def ask(self, question):
        """Comes back when the reader sleeps, or has its answer without; whether it sleeps."""
        header, more = QUESTIONS[question]
        self.buffer.empty()
        at = self.buffer.put(header)
        self.result = None

        def run():
            self.result = self.client.call_get(sockopt.GET[question], at, len(header) + more)

        self.thread = threading.Thread(target=run)
        self.thread.start()
        while self.thread.is_alive():
            if self.buffer.is_touched(0.02):
                return True
        return False

    def wake(self):
        """Lets it go on; the number of the error, or 0."""
        self.buffer.fill()
        self.thread.join(60)
        check(not self.thread.is_alive(), "the reader does not come back")
        return self.result[0]
