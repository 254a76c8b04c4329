# SPDX-License-Identifier: GPL-2.0
"""Connections in several states through services of this namespace, so that there is something to list."""

import socket
import subprocess
import threading
import time

import programs

VIP, SERVER = "10.99.0.1", "10.99.0.2"
KEPT = []


def echo_server():
    """A TCP and a UDP server that answer."""
    tcp = socket.create_server((SERVER, 8000), backlog=100)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((SERVER, 8000))

    def serve_tcp():
        while True:
            peer, _ = tcp.accept()
            peer.sendall(peer.recv(4096))
            KEPT.append(peer)

    def serve_udp():
        while True:
            data, peer = udp.recvfrom(65536)
            udp.sendto(data, peer)

    for serve in (serve_tcp, serve_udp):
        threading.Thread(target=serve, daemon=True).start()


def make():
    """Services with their connections."""
    for word in (f"address add {VIP}/32 dev lo", f"address add {SERVER}/32 dev lo"):
        subprocess.run(["ip", *word.split()], check=True)
    echo_server()
    subprocess.run([f"{programs.THEIRS}/ipvsadm", "-R"], check=True, input="\n".join((
        f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:8000 -m",
        f"-A -t {VIP}:81 -s rr -p 100 -M 255.255.255.0", f"-a -t {VIP}:81 -r {SERVER}:8000 -m",
        f"-A -u {VIP}:53 -s wlc", f"-a -u {VIP}:53 -r {SERVER}:8000 -m", "")).encode())
    for number in range(6):
        peer = socket.create_connection((VIP, 80 + number % 2), timeout=10)
        peer.sendall(b"x" * 1000)
        peer.recv(4096)
        if number % 3:
            KEPT.append(peer)
        else:
            peer.close()
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(10)
    peer.connect((VIP, 53))
    for _ in range(40):
        peer.send(b"y" * 1000)
        peer.recv(4096)
    # Counters are brought up to date every two seconds; rates have gone to 0 after some more.
    time.sleep(3)
