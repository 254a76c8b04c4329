# SPDX-License-Identifier: GPL-2.0
"""What NAT does to a packet: checksums, TTL, MTU, fragments."""

from lab import CLIENT, VIP, Topology, mac, server_address
from packets import ACK, DF, PSH, SYN, describe, fragments, tcp, udp
from scenario import check, scenario
from traffic import ask_udp, close_tcp, open_tcp, talk_tcp
from wire import Wire, Wires, lines

SERVER = server_address(1)
SERVICES = [f"-A -u {VIP}:53 -s rr", f"-a -u {VIP}:53 -r {SERVER}:5353 -m",
            f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:8080 -m"]


def request(payload=b"hello", sport=2000, **options):
    return udp(CLIENT, sport, VIP, 53, payload, **options)


def answer(payload=b"world", dport=2000, **options):
    return udp(SERVER, 5353, CLIENT, dport, payload, **options)


def wires():
    lab = Wires()
    lab.director.ipvs(*SERVICES)
    return lab


def show(t, title, seen):
    """Notes what was seen; a wrong checksum is a failure whoever makes it."""
    t.block(title, lines(seen))
    check(not any("BAD" in words for _, words in seen), f"{title}: a wrong checksum in {seen}")


def pending(wire):
    """The packets with data that have arrived on a wire by now."""
    wire.socket.settimeout(0.3)
    found = []
    while True:
        try:
            packet, finished = wire.receive()
        except TimeoutError:
            return found
        if packet[9] == 17 or packet[33] & PSH:
            found.append((packet, finished))


def checksums_with(t, client_tx, director_tx):
    """Real stacks talk; the wires are tapped at both ends. `tx off` makes a host finish its checksums in software."""
    lab = Topology()
    lab.director.ipvs(*SERVICES)
    lab.client.run("ethtool", "-K", "c0", "tx", client_tx)
    lab.servers[0].run("ethtool", "-K", "s0", "tx", client_tx)
    for device in ("c0", "s1"):
        lab.director.run("ethtool", "-K", device, "tx", director_tx)
    taps = [("client", Wire(lab.client, "c0", mac(1), mac(2))), ("server", Wire(lab.servers[0], "s0", mac(3), mac(4)))]
    one, other = lab.client.udp("", 2000), lab.servers[0].udp("", 5353)
    ask_udp(one, (VIP, 53), [other])
    _, near, far = open_tcp(lab.client, (VIP, 80), [lab.servers[0].listen("", 8080)])
    port = near.getsockname()[1]
    talk_tcp(near, far)
    close_tcp(near, far)
    for name, tap in taps:
        seen = [(name, describe(*one).replace(f":{port}", ":PORT")) for one in pending(tap)]
        show(t, f"client tx {client_tx}, director tx {director_tx}", seen)
        check(len(seen) == 2, f"{len(seen)} packets with data at the {name}")
        wanted = "csum-ok" if director_tx == "off" or client_tx == "off" else "csum-partial"
        check(all(wanted in words for _, words in seen), f"not {wanted}: {seen}")


@scenario
def checksums_are_right_when_left_to_the_hardware(t):
    checksums_with(t, "on", "on")


@scenario
def checksums_are_right_when_the_director_finishes_them(t):
    checksums_with(t, "on", "off")


@scenario
def checksums_are_right_when_the_hosts_finish_them(t):
    checksums_with(t, "off", "on")


@scenario
def checksums_are_right_without_any_offload(t):
    checksums_with(t, "off", "off")


@scenario
def udp_zero_checksums_in_both_directions(t):
    lab = wires()
    show(t, "request without checksum", lab.client_sends(request(zero_checksum=True)))
    show(t, "answer without checksum", lab.server_sends(answer(zero_checksum=True)))
    show(t, "empty request without checksum", lab.client_sends(request(b"", zero_checksum=True)))


@scenario
def checksums_of_many_payloads_stay_right(t):
    lab = wires()
    for size in (0, 1, 2, 3, 7, 64, 1000, 1471, 1472):
        payload = bytes((size * 7 + index * 13) & 255 for index in range(size))
        show(t, f"{size} bytes", lab.client_sends(request(payload)) + lab.server_sends(answer(payload)))
    # Payloads that drive the sum to its edges: 0xffff and 0x0000 after translation.
    seen = []
    for word in range(0, 65536, 257):
        seen += lab.client_sends(request(word.to_bytes(2, "big")))
        seen += lab.server_sends(answer(word.to_bytes(2, "big")))
    check(not any("BAD" in words or "no-csum" in words for _, words in seen), "a wrong checksum among all words")
    t.note(len(seen), "datagrams with right checksums")


@scenario
def a_wrong_checksum_stays_wrong(t):
    lab = wires()
    for title, packet in (("request", request()), ("segment", tcp(CLIENT, 2001, VIP, 80, SYN))):
        broken = packet[:-1] + bytes([packet[-1] ^ 1])
        t.block(title, lines(lab.client_sends(broken)))


@scenario
def ttl_is_decremented_and_one_is_too_little(t):
    lab = wires()
    for ttl in (64, 3, 2, 1):
        show(t, f"request with ttl {ttl}", lab.client_sends(request(ttl=ttl)))
        show(t, f"answer with ttl {ttl}", lab.server_sends(answer(ttl=ttl)))
    show(t, "first packet of a connection with ttl 1", lab.client_sends(request(sport=2002, ttl=1)))


@scenario
def packets_above_the_mtu(t):
    lab = wires()
    lab.director.ip("link set s1 mtu 1300")
    for size in (1272, 1273, 1400):
        show(t, f"request of {size} bytes with DF", lab.client_sends(request(bytes(size), fragment=DF)))
        show(t, f"request of {size} bytes", lab.client_sends(request(bytes(size))))
    show(t, "segment with DF", lab.client_sends(
        tcp(CLIENT, 2003, VIP, 80, SYN), tcp(CLIENT, 2003, VIP, 80, ACK, bytes(1400), fragment=DF)))
    lab.director.ip("link set s1 mtu 1500", "link set c0 mtu 1300")
    show(t, "answer of 1400 bytes with DF", lab.server_sends(answer(bytes(1400), fragment=DF)))
    show(t, "answer of 1400 bytes", lab.server_sends(answer(bytes(1400))))


@scenario
def fragments_in_both_directions(t):
    lab = wires()
    payload = bytes(index % 251 for index in range(3000))
    for title, size in (("large", 1480), ("small", 504)):
        show(t, f"request in {title} fragments", lab.client_sends(*fragments(request(payload), size)))
        show(t, f"answer in {title} fragments", lab.server_sends(*fragments(answer(payload), size)))
    backwards = list(fragments(request(payload), 1480))[::-1]
    show(t, "request, last fragment first", lab.client_sends(*backwards))
    show(t, "request, first fragment only", lab.client_sends(backwards[-1]))
    show(t, "request, later fragments only", lab.client_sends(*backwards[:2]))


@scenario
def fragmented_datagrams_between_real_stacks(t):
    lab = Topology()
    lab.director.ipvs(*SERVICES)
    one, server = lab.client.udp("", 2000), lab.servers[0].udp("", 5353)
    for size in (1472, 1473, 8000, 60000):
        ask_udp(one, (VIP, 53), [server], bytes(index % 249 for index in range(size)))
        t.note(size, "bytes there and back")
