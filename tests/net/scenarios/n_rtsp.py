# SPDX-License-Identifier: GPL-2.0
"""The helper for RTSP: media by UDP through the director, in both directions, and programs of Debian."""

import threading

import kernel
import rtsp
from dual import VERSIONS, Dual, client, end, server, vip
from lab import CLIENT, VIP, Topology, remove, run, server_address
from scenario import check, equal, scenario
from scenarios.j_modules import BUSY
from views import connections, wait_until

MODULE = "ip_vs_rtsp"


def in_lines(text):
    return text.splitlines(keepends=True)


def in_bytes(text):
    return [text[at:at + 1] for at in range(len(text))]


def in_the_address(text):
    """Two pieces with an address of a server between them."""
    return [text[:text.find(b"172.16") + 3], text[text.find(b"172.16") + 3:]]


def load(*parameters):
    """The helper with these parameters."""
    # It is there still if the scenario before has failed.
    kernel.unload(MODULE)
    run("modprobe", MODULE, *parameters)


def serve(lab, version=4, ports=(554,), servers=1):
    for port in ports:
        service = f"-t {end(vip(version), port)}"
        lab.director.ipvs(f"-A {service} -s rr", *(f"-a {service} -r {end(server(version, number), port)} -m"
                                                   for number in range(1, servers + 1)))


def apps(lab):
    return lab.director.read("/proc/net/ip_vs_app").splitlines()[1:]


def finish(lab, *servers):
    """Ends the servers and all connections, and removes the helper."""
    for one in servers:
        one.stop()
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs("-C")
    wait_until(lambda: not connections(lab.director), what="connections end")
    # A connection that is listed no more may be about to give its reference back.
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the helper")


def flows(lab):
    """(port of the client, virtual port, port of the server) of the connections of media, sorted."""
    rows = [row.split() for row in connections(lab.director)]
    return sorted(tuple(int(row[place], 16) for place in (2, 4, 6)) for row in rows if row[0] == "UDP")


def hears(pair, expected, place=0, sender=None):
    """Media come to one of two sockets, maybe from one sender."""
    data, peer = pair[place].recvfrom(65536)
    equal(data, expected, "media")
    if sender:
        equal(peer[:2], sender, "their sender")
    return peer


def streams_by_udp(version, tracked):
    load()
    lab = Dual()
    serve(lab, version)
    lab.director.ipvs_sysctl("conntrack", tracked)
    own, there, far = client(version), vip(version), server(version)
    servant = rtsp.Server(lab.servers[0], far, source=True, plays=(rtsp.rtp(1), rtsp.rtcp(1)))
    talk = rtsp.Player(lab.client, own, there)
    equal(apps(lab), ["TCP  554     1      rtsp             "], "the helper, with a connection")
    talk.asks("DESCRIBE")
    for number in range(2):
        found = talk.sets_up(4588 + 2 * number)
        equal(found["server_port"], f"{rtsp.MEDIA + 2 * number}-{rtsp.MEDIA + 2 * number + 1}", "the ports of the server")
        named = len(f"source={far}") + (2 if version == 6 else 0)
        equal(found.get("source"), None, "the address of the server")
        equal(found.get("x"), "x" * (named - 2), "what is in its place")
    equal(flows(lab), [(4588 + port, rtsp.MEDIA + port, rtsp.MEDIA + port) for port in range(4)], "what is expected")
    # The client begins with one of them, the server with the others.
    talk.pairs[0][0].sendto(b"open", (there, rtsp.MEDIA))
    hears(servant.pairs[0], b"open", sender=(own, 4588))
    for _ in range(2):
        talk.asks("PLAY")
        for number, pair in enumerate(talk.pairs):
            for place, packet in enumerate((rtsp.rtp(1), rtsp.rtcp(1))):
                port = rtsp.MEDIA + 2 * number + place
                hears(pair, packet, place, (there, port))
                pair[place].sendto(b"report", (there, port))
                hears(servant.pairs[number], b"report", place, (own, 4588 + 2 * number + place))
        talk.asks("PAUSE")
    equal(len(flows(lab)), 4, "connections of media")
    equal(kernel.unload(MODULE), BUSY, "removing the helper of a session")
    talk.asks("TEARDOWN")
    talk.close()
    finish(lab, servant)


for ip in VERSIONS:
    for value in (0, 1):
        def one(t, ip=ip, value=value):
            streams_by_udp(ip, value)
        one.__name__, one.__module__ = f"streams_of_rtsp_over_ipv{ip}_with_conntrack_{value}", __name__
        scenario(rust_only=True)(one)


@scenario(rust_only=True)
def programs_of_rtsp_through_the_director(t):
    """A source sends to rtsp-server-perl, which writes its replies line by line, and aiortsp plays, all through the director."""
    load("ports=554,5545")
    lab = Topology()
    serve(lab, ports=(554, 5545))
    servant = rtsp.perl(lab.servers[0], server_address(1))
    source = rtsp.Source(lab.client, CLIENT, VIP)
    viewers = [rtsp.Viewer(lab.client, f"rtsp://{VIP}/a") for _ in range(2)]
    for viewer in viewers:
        said = viewer.sees(5, source.sends)
        check(all(line.startswith("picture ") for line in said), f"aiortsp said {said}")
    equal(len(flows(lab)), 6, "connections of media")
    source.talk.close()
    # The server has no answer to TEARDOWN, for which aiortsp would wait.
    for viewer in viewers:
        viewer.process.kill()
    finish(lab, servant)


@scenario(rust_only=True)
def media_of_rtsp_on_the_control_connection(t):
    load()
    lab = Topology()
    serve(lab)
    text = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;client_port=1-2;server_port=3000-3001;source=172.16.1.2\r\n\r\n"
    packets = [text, b"", rtsp.rtp(1, b"x" * 1400), text * 2, rtsp.rtp(2, b"y" * 60000)] * (400 // kernel.LESS)

    class Interleaved(rtsp.Server):
        def says(self, near, headers, more, body):
            super().says(near, headers, more, body)
            if not more and not body:
                near.sendall(b"".join(rtsp.frame(number % 2, packet) for number, packet in enumerate(packets)))

        def answer(self, near, peer):
            self.plays = ()
            super().answer(near, peer)

    servant = Interleaved(lab.servers[0], server_address(1), source=True)
    talk = rtsp.Player(lab.client, CLIENT, VIP)
    transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
    equal(talk.asks("SETUP", f"Transport: {transport}")["transport"], transport, "the reply")
    talk.asks("PLAY")
    for number, packet in enumerate(packets):
        equal(talk.text.next(), (number % 2, packet), f"frame {number}")
    for packet in (text, rtsp.rtcp(), text):
        talk.near.sendall(rtsp.frame(1, packet))
    talk.asks("OPTIONS")
    equal(servant.frames, [(1, packet) for packet in (text, rtsp.rtcp(), text)], "frames of the client")
    equal(flows(lab), [], "connections of media")
    # The control connection is read as ever behind the frames.
    equal(talk.sets_up(4588)["x"], "x" * 15, "the server's address")
    equal(flows(lab), [(4588, 6970, 6970), (4589, 6971, 6971)], "what is expected")
    talk.close()
    finish(lab, servant)


@scenario(rust_only=True)
def a_player_that_takes_frames(t):
    """aiortsp with media on the control connection."""
    load()
    lab = Topology()
    serve(lab)

    class Frames(rtsp.Server):
        def answer(self, near, peer):
            self.plays = ()
            super().answer(near, peer)

        def says(self, near, headers, more, body):
            super().says(near, headers, more, body)
            if "range" in headers:
                near.sendall(b"".join(rtsp.frame(0, rtsp.rtp(number)) for number in range(8)))

    servant = Frames(lab.servers[0], server_address(1))
    viewer = rtsp.Viewer(lab.client, f"rtspt://{VIP}/a")
    equal(viewer.sees(8), [f"picture {number}" for number in range(8)], "what is seen")
    equal(flows(lab), [], "connections of media")
    finish(lab, viewer, servant)


@scenario(rust_only=True)
def messages_of_rtsp_in_pieces(t):
    load()
    lab = Topology()
    serve(lab)
    servant = rtsp.Server(lab.servers[0], server_address(1), source=True, plays=(rtsp.rtp(1),))
    talk = rtsp.Player(lab.client, CLIENT, VIP)
    # A line that is there as a whole is changed; one of which only the end is there is understood.
    for number, (cut, names) in enumerate(((in_lines, None), (in_the_address, server_address(1)))):
        servant.cut = cut
        found = talk.sets_up(4588 + 2 * number, cut=in_bytes)
        equal(found.get("source"), names, "the server's address")
        equal(len(flows(lab)), 2 * number + 2, "what is expected")
    servant.cut = None
    talk.asks("PLAY", cut=in_bytes)
    for pair in talk.pairs:
        hears(pair, rtsp.rtp(1))
    talk.close()
    finish(lab, servant)


@scenario(rust_only=True)
def replies_of_rtsp_of_many_kinds(t):
    load()
    lab = Topology()
    serve(lab)
    servant = rtsp.Server(lab.servers[0], server_address(1), hides=("client_port",), plays=(rtsp.rtp(1),))
    talk = rtsp.Player(lab.client, CLIENT, VIP)
    talk.sets_up(4588)
    equal(flows(lab), [(4588, 6970, 6970), (4589, 6971, 6971)], "with ports of the request only")
    servant.hides = ()
    for title, more in {"to another host": ";destination=10.0.0.9", "from another host": ";source=172.16.1.9",
                        "to a group": ";multicast"}.items():
        talk.sets_up(4590 + 2 * len(talk.pairs), more)
        equal(len(flows(lab)), 2, f"what is expected {title}")
    talk.sets_up(4700, f";destination={CLIENT}")
    equal(len(flows(lab)), 4, "what is expected to the client by its address")
    talk.close()
    finish(lab, servant)


@scenario(rust_only=True)
def two_servers_of_rtsp_with_the_same_ports(t):
    load()
    lab = Topology(servers=2)
    serve(lab, servers=2)
    servants = [rtsp.Server(host, server_address(number), plays=(rtsp.rtp(number),))
                for number, host in zip(lab.numbers, lab.servers)]
    talks = [rtsp.Player(lab.client, CLIENT, VIP) for _ in servants]
    for number, talk in enumerate(talks):
        talk.sets_up(4588 + 2 * number)
    seen = []
    for talk in talks:
        talk.asks("PLAY")
        data, peer = talk.pairs[0][0].recvfrom(100)
        equal(peer, (VIP, rtsp.MEDIA), "the sender")
        seen.append(data)
    equal(sorted(seen), [rtsp.rtp(1), rtsp.rtp(2)], "what comes of both")
    for talk in talks:
        talk.close()
    finish(lab, *servants)


@scenario(rust_only=True)
def three_ports_of_rtsp(t):
    load("ports=554,8554,0,60554")
    equal(open(f"/sys/module/{MODULE}/parameters/ports", encoding="ascii").read().strip(), "554,8554,0,60554", "the parameter")
    lab = Topology()
    serve(lab, ports=(554, 8554, 60554))
    equal(apps(lab), [f"TCP  {port:<5}   0      rtsp             " for port in (60554, 8554, 554)], "the helpers")
    servants = [rtsp.Server(lab.servers[0], server_address(1), 60554)]
    talk = rtsp.Player(lab.client, CLIENT, VIP, 60554)
    talk.sets_up(4588)
    equal(len(flows(lab)), 2, "what is expected")
    equal([row.split()[2] for row in apps(lab)], ["1", "0", "0"], "their connections")
    talk.close()
    finish(lab, *servants)


@scenario(rust_only=True)
def media_of_rtsp_that_pause(t):
    """Each request lets them wait again, up to TEARDOWN."""
    load()
    lab = Topology()
    serve(lab)
    lab.director.ipvsadm("--set", "0", "0", "1000")
    servant = rtsp.Server(lab.servers[0], server_address(1), plays=(rtsp.rtp(1),))
    talk = rtsp.Player(lab.client, CLIENT, VIP)
    talk.sets_up(4588)
    lab.director.ipvsadm("--set", "0", "0", "2000")

    def timers():
        rows = [row.split() for row in lab.director.read("/proc/net/ip_vs_conn").splitlines()]
        return {(int(row[8]) - 1) // 1000 for row in rows if row[0] == "UDP"}

    equal(timers(), {0}, "thousands of seconds")
    talk.asks("GET_PARAMETER")
    equal(timers(), {1}, "thousands of seconds after a request")
    lab.director.ipvsadm("--set", "0", "0", "3000")
    talk.asks("TEARDOWN")
    talk.asks("OPTIONS")
    equal(timers(), {1}, "thousands of seconds after the end")
    talk.close()
    finish(lab, servant)


@scenario(rust_only=True)
def a_namespace_ends_with_rtsp(t):
    load()
    for _ in range(3):
        lab = Topology()
        serve(lab)
        servant = rtsp.Server(lab.servers[0], server_address(1), plays=(rtsp.rtp(1), rtsp.rtcp()))
        talk = rtsp.Player(lab.client, CLIENT, VIP)
        talk.near.settimeout(0.5)
        talk.sets_up(4588)
        over, count = threading.Event(), []

        def work(talk=talk, over=over, count=count):
            try:
                while not over.is_set():
                    talk.asks("PLAY")
                    hears(talk.pairs[0], rtsp.rtp(1))
                    count.append(1)
            except Exception:  # pylint: disable=broad-except
                pass

        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: len(count) > 3, what="media are played")
        remove(lab.director)
        over.set()
        thread.join()
        servant.stop()
        talk.close()
        remove(*lab.servers, lab.client)
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the helper")
