# SPDX-License-Identifier: GPL-2.0
"""RTSP: a server and a player that say exactly what a scenario wants, and programs of Debian: the server rtsp-server-perl with a
source of media, and the player aiortsp."""

import contextlib
import socket
import struct
import threading

from daemons import Daemon
from dual import end
from scenario import check

# The first port of media of a server; each stream has two.
MEDIA = 6970
DESCRIPTION = ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
               "a=control:streamid=0\r\n")
# Prints what packets of media contain.
PLAYER = """
import asyncio, sys
from aiortsp.rtsp.reader import RTSPReader
async def main():
    async with RTSPReader(sys.argv[1], timeout=30, log_level=40) as reader:
        async for packet in reader.iter_packets():
            print(packet.data.decode(), flush=True)
asyncio.run(main())
"""


def rtp(number, data=None):
    """A packet of RTP."""
    return struct.pack("!BBHII", 0x80, 96, number, 3000 * number, 7) + (data or b"picture %d" % number)


def rtcp(number=0):
    """A report of a sender."""
    return struct.pack("!BBHIQIII", 0x80, 200, 6, 7, number, 0, 1, 1)


def frame(channel, data):
    return struct.pack("!BBH", 0x24, channel, len(data)) + data


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def datagrams(host, address, port):
    """A socket for media."""
    one = host.socket(family(address), socket.SOCK_DGRAM)
    one.bind((address, port))
    return one


class Text:
    """Messages and frames that come from a socket."""

    def __init__(self, near):
        self.file = near.makefile("rb")

    def next(self):
        """The next (first line, headers, body), or (channel, data) of a frame; None in the end."""
        first = self.file.read(1)
        if first == b"$":
            channel, length = struct.unpack("!BH", self.file.read(3))
            return channel, self.file.read(length)
        line = (first + self.file.readline()).decode().strip()
        if not line:
            return None
        headers = {}
        while header := self.file.readline().decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return line, headers, self.file.read(int(headers.get("content-length", 0)))


class Server:
    """A server with up to eight streams. Its replies name it if `source`; `cut` makes pieces of them; `hides` are parameters of a
    request that are not in the reply. After PLAY it sends what `plays` is."""

    def __init__(self, host, address, port=554, source=False, cut=None, hides=(), plays=(rtp(1), rtp(2))):
        self.address, self.source, self.cut, self.hides, self.plays = address, source, cut, hides, plays
        self.pairs = [[datagrams(host, address, MEDIA + 2 * number + add) for add in (0, 1)] for number in range(8)]
        self.listener = host.socket(family(address), socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(16)
        self.listener.settimeout(None)
        self.used, self.frames = 0, []
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in sum(self.pairs, []):
            one.close()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, peer = self.listener.accept()
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.answer, args=(near, peer[0]), daemon=True).start()

    def answer(self, near, peer):
        streams, text = [], Text(near)
        with contextlib.suppress(OSError), near:
            while message := text.next():
                if len(message) == 2:
                    self.frames.append(message)
                    continue
                line, headers, _ = message
                method = line.split()[0]
                more, body = [], b""
                if method == "SETUP":
                    more.append("Transport: " + self.choose(headers["transport"], streams, peer))
                elif method == "DESCRIBE":
                    body = DESCRIPTION.encode()
                elif method == "OPTIONS":
                    more.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
                self.says(near, headers, more, body)
                if method == "PLAY":
                    for send in streams:
                        for packet in self.plays:
                            send(packet)

    def says(self, near, headers, more, body):
        lines = ["RTSP/1.0 200 OK", f"CSeq: {headers['cseq']}", *more, "Session: 7"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        reply = "".join(line + "\r\n" for line in [*lines, ""]).encode() + body
        for piece in self.cut(reply) if self.cut else [reply]:
            near.sendall(piece)

    def choose(self, offers, streams, peer):
        """The transport of the first offer, and a stream of it."""
        words = [word for word in offers.split(",")[0].split(";") if word.split("=")[0] not in self.hides]
        values = dict(word.partition("=")[::2] for word in offers.split(",")[0].split(";"))
        if "interleaved" in values:
            streams.append(None)
            return ";".join(words)
        number, self.used = self.used, self.used + 1
        ports = [int(port) for port in values["client_port"].split("-")]

        def send(packet):
            # A report has a port of its own.
            place = int(packet[1] == 200)
            self.pairs[number][place].sendto(packet, (peer, ports[place]))

        streams.append(send)
        words.append(f"server_port={MEDIA + 2 * number}-{MEDIA + 2 * number + 1}")
        if self.source:
            words.append(f"source=[{self.address}]" if ":" in self.address else f"source={self.address}")
        return ";".join(words)


class Player:
    """A control connection of a host, and the media that it receives."""

    def __init__(self, host, own, address, port=554):
        self.host, self.own, self.address = host, own, address
        self.near = host.socket(family(address), socket.SOCK_STREAM)
        self.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.near.connect((address, port))
        self.text, self.number, self.pairs = Text(self.near), 0, []
        self.url = f"rtsp://{end(address, port)}/a"

    def asks(self, method, *headers, cut=None, path="", body=""):
        """The headers of the reply to a request, which comes in the pieces that `cut` makes of it."""
        self.number += 1
        lines = [f"{method} {self.url}{path} RTSP/1.0", f"CSeq: {self.number}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        request = "".join(line + "\r\n" for line in [*lines, ""]).encode() + body.encode()
        for piece in cut(request) if cut else [request]:
            self.near.sendall(piece)
        line, found, _ = self.text.next()
        check(line.split()[1] == "200", f"{method}: {line}")
        check(found["cseq"] == str(self.number), f"{method}: {found}")
        return found

    def sets_up(self, port, more="", cut=None, path=""):
        """Asks for a stream to this port and the next one; returns the parameters of the reply."""
        self.pairs.append([datagrams(self.host, self.own, port + add) for add in (0, 1)])
        transport = f"Transport: RTP/AVP;unicast;client_port={port}-{port + 1}{more}"
        reply = self.asks("SETUP", transport, cut=cut, path=path)["transport"]
        return dict(word.partition("=")[::2] for word in reply.split(";"))

    def close(self):
        self.near.close()
        for one in sum(self.pairs, []):
            one.close()


def perl(host, address):
    """rtsp-server-perl: players at port 554, sources at 5545."""
    daemon = Daemon(host, "", "rtsp-server-perl")

    def answers():
        with contextlib.suppress(OSError):
            host.connect(address, 554).close()
            return True
        return False

    daemon.wait_until(answers, 60, "rtsp-server-perl listens")
    return daemon


class Source:
    """Media that a host sends to rtsp-server-perl."""

    def __init__(self, host, own, address):
        self.talk = Player(host, own, address, 5545)
        # The first request of a kind loads modules of Perl.
        self.talk.near.settimeout(60)
        self.talk.asks("ANNOUNCE", "Content-Type: application/sdp", body=DESCRIPTION)
        chosen = self.talk.sets_up(5000, ";mode=record", path="/streamid=0")
        self.ports = [int(port) for port in chosen["server_port"].split("-")]
        self.talk.asks("RECORD", "Session: 7")
        self.number = 0

    def sends(self):
        """Sends a picture, and a report now and then."""
        self.number += 1
        for one, port, packet in zip(self.talk.pairs[0], self.ports, (rtp(self.number), rtcp(self.number))):
            one.sendto(packet, (self.talk.address, port))


class Viewer(Daemon):
    """aiortsp, which shows the pictures of a stream."""

    def __init__(self, host, url):
        super().__init__(host, "", "python3", "-c", PLAYER, url)

    def sees(self, many, meanwhile=lambda: None):
        """The first pictures; something is done again and again until they are there."""

        def pictures():
            meanwhile()
            with open(self.log, encoding="utf-8") as log:
                lines = log.read().split("\n")[:-1]
            return lines if len(lines) >= many else None

        return self.wait_until(pictures, 60, "pictures are seen")[:many]
