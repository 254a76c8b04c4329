# SPDX-License-Identifier: GPL-2.0
"""Programs that run beside a scenario: daemons of the director, and web servers to balance."""

import os
import signal
import subprocess
import tempfile
import threading

from lab import server_address
from scenario import Failed
from views import wait_until

PORT = 8080


class Daemon:
    """A program of a host with a configuration file, stopped in the end. CONFIG among its words is the file's path."""

    def __init__(self, host, config, *words):
        self.folder = tempfile.mkdtemp(dir="/tmp")
        self.config = f"{self.folder}/config"
        self.configure(config)
        self.log = f"{self.folder}/log"
        with host, open(self.log, "wb") as log:
            self.process = subprocess.Popen([self.config if word == "CONFIG" else word for word in words],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)

    def configure(self, config):
        """Replaces the configuration file."""
        with open(self.config + ".new", "w", encoding="ascii") as file:
            file.write(config)
        os.rename(self.config + ".new", self.config)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def wait_until(self, holds, seconds, what):
        """As the function of that name; shows the log of the program if it does not happen."""
        try:
            return wait_until(holds, seconds, what)
        except Failed as error:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Failed(f"{error}; status {self.process.poll()}; its last words: {log.read()[-1500:]}") from None

    def stop(self):
        """Ends the program as an administrator does; returns its status."""
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("the program does not end when it is told to") from None


class Web:
    """A web server on server N of a topology, that tells its number; it can be down for a while."""

    def __init__(self, lab, number):
        self.host, self.number, self.listener = lab.servers[number - 1], number, None
        self.up()

    def up(self):
        self.listener = self.host.listen(server_address(self.number), PORT)
        self.listener.settimeout(None)
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def down(self):
        # Wakes the thread in accept, which closing does not.
        self.listener.shutdown(2)
        self.listener.close()

    def serve(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(near,), daemon=True).start()

    def answer(self, near):
        """Answers each line of a connection, until the client ends it."""
        try:
            with near:
                while near.recv(1024):
                    near.sendall(f"server {self.number}\n".encode())
        except OSError:
            pass


def ask(client, address, port=80):
    """One connection to a service: what it answers, or the name of the error."""
    try:
        with client.connect(address, port) as near:
            near.sendall(b"hello\n")
            return near.recv(1024).decode().strip()
    except OSError as error:
        return type(error).__name__
