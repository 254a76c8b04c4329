# SPDX-License-Identifier: GPL-2.0
"""A web server of one sentence: its name, on port 80."""
import socket
import sys

name = sys.argv[1].encode() + b"\n"
listener = socket.create_server(("", 80), backlog=64)
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))
