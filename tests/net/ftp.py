# SPDX-License-Identifier: GPL-2.0
"""FTP: servers of Debian on a host, and a client that says which form of data connection it wants."""

import contextlib
import ftplib
import io
import os
import re
import socket
import tempfile

from daemons import Daemon
from scenario import Failed
from views import wait_until

# What a server needs to have them all: (name of the file, number of its bytes).
FILES = {"small": 700, "large": 200000}
VSFTPD = """\
listen={v4}
listen_ipv6={v6}
listen_port={port}
background=NO
anonymous_enable=YES
anon_root={root}
anon_upload_enable=YES
write_enable=YES
anon_umask=022
no_anon_password=YES
connect_from_port_20=YES
ftp_data_port={data_port}
nopriv_user=nobody
secure_chroot_dir={empty}
seccomp_sandbox=NO
isolate=NO
port_promiscuous={promiscuous}
isolate_network=NO
use_localtime=NO
"""
MODES = ("PASV", "EPSV", "PORT", "EPRT")


def content(name):
    """The bytes of a file."""
    line = name.encode() + b" of a server of FTP\n"
    return (line * (FILES[name] // len(line) + 1))[:FILES[name]]


class Server:
    """A folder with files, and one into which anybody may write."""

    def __init__(self, host, words, config=""):
        self.root = tempfile.mkdtemp(dir="/run", prefix="ftp")
        os.chmod(self.root, 0o755)
        for name in FILES:
            with open(f"{self.root}/{name}", "wb") as file:
                file.write(content(name))
        os.mkdir(f"{self.root}/in")
        os.chmod(f"{self.root}/in", 0o777)
        self.daemon = Daemon(host, config.replace("{root}", self.root), *(word.replace("{root}", self.root) for word in words))

    def stop(self):
        self.daemon.stop()

    def uploaded(self, name):
        """The bytes of a file that somebody has sent."""
        with open(f"{self.root}/in/{name}", "rb") as file:
            return file.read()


def answers(host, address, port):
    """Whether somebody listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = host.socket(family, socket.SOCK_STREAM)
    with one, contextlib.suppress(OSError):
        one.connect((address, port))
        return one.recv(100) != b""
    return False


def vsftpd(host, address, port=21, promiscuous=False):
    """vsftpd; a promiscuous one connects to any host that a client names."""
    empty = tempfile.mkdtemp(dir="/run", prefix="ftp")
    is_v6 = ":" in address
    config = VSFTPD.format(v4="NO" if is_v6 else "YES", v6="YES" if is_v6 else "NO", port=port, data_port=port - 1, empty=empty,
                           root="{root}", promiscuous="YES" if promiscuous else "NO")
    server = Server(host, ["vsftpd", "CONFIG"], config)
    server.daemon.wait_until(lambda: answers(host, address, port), 30, "vsftpd listens")
    return server


def pyftpd(host, address, port=21):
    server = Server(host, ["python3", "-W", "ignore", "-m", "pyftpdlib", "-i", address, "-p", str(port), "-w", "-d", "{root}"])
    server.daemon.wait_until(lambda: answers(host, address, port), 60, "pyftpdlib listens")
    return server


class Client(ftplib.FTP):
    """A control connection of a host."""

    def __init__(self, host, address, port=21, patience=5):
        self.place, self.mode, self.said = host, "PASV", []
        super().__init__()
        # ftplib ignores the address of a reply unless it is told not to.
        self.trust_server_pasv_ipv4_address = True
        with host:
            self.connect(address, port, timeout=patience)
        self.login()

    def getmultiline(self):
        line = super().getmultiline()
        self.said.append(line)
        return line

    def makepasv(self):
        if self.mode == "PASV":
            return ftplib.parse227(self.sendcmd("PASV"))
        return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())

    def makeport(self):
        family = self.sock.family
        listener = socket.create_server(("", 0), family=family, backlog=1)
        port, address = listener.getsockname()[1], self.sock.getsockname()[0]
        self.sendport(address, port) if self.mode == "PORT" else self.sendeprt(address, port)
        listener.settimeout(self.timeout)
        return listener

    def moves(self, mode, name, upload=False):
        """Moves a file in a mode; returns its bytes."""
        self.mode = mode
        self.set_pasv(mode in ("PASV", "EPSV"))
        with self.place:
            if upload:
                self.storbinary(f"STOR in/{upload}", io.BytesIO(content(name)))
                return None
            got = []
            self.retrbinary(f"RETR {name}", got.append)
            return b"".join(got)

    def fetches(self, mode, name="small"):
        if self.moves(mode, name) != content(name):
            raise Failed(f"{mode}: {name} is not what the server has")

    def sends(self, mode, server, name, source="small"):
        self.moves(mode, source, upload=name)
        wait_until(lambda: server.uploaded(name) == content(source), what=f"{mode}: {name} is there")


def masked(line):
    """A reply without its port."""
    line = re.sub(r"\|\|\|\d+\|", "|||port|", line)
    return re.sub(r"\((\d+,\d+,\d+,\d+),\d+,\d+\)", r"(\1,port)", line)
