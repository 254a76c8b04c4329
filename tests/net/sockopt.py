# SPDX-License-Identifier: GPL-2.0
"""The interface from before netlink: socket options with structures, said byte by byte, right or wrong, from 64-bit and
from 32-bit system calls."""

import ctypes
import mmap
import socket
import struct

from genl import outcome

BASE = 64 + 1024 + 64
SET = {name: BASE + number for number, name in enumerate(
    "NONE INSERT ADD EDIT DEL FLUSH LIST ADDDEST DELDEST EDITDEST TIMEOUT STARTDAEMON STOPDAEMON RESTORE SAVE ZERO"
    .split())}
GET = {name: BASE + number for number, name in enumerate(
    "VERSION INFO SERVICES SERVICE DESTS DEST TIMEOUT DAEMON".split())}
SERVICE, DEST = struct.Struct("=HxxIHxxI16sIIi"), struct.Struct("=IHxxIiII")
SERVICE_ENTRY_SIZE, DEST_ENTRY_SIZE = 104, 96
LIBC = ctypes.CDLL(None, use_errno=True)
# setsockopt and getsockopt of 32-bit programs, as any program may call them.
COMPAT_SET, COMPAT_GET = 366, 365
# push rbx; mov eax, edi; mov ebx, [rsi]; mov ecx, [rsi+4]; mov edx, [rsi+8]; mov edi, [rsi+16];
# mov esi, [rsi+12]; int 0x80; cdqe; pop rbx; ret
INT80 = bytes.fromhex("53 89f8 8b1e 8b4e04 8b5608 8b7e10 8b760c cd80 4898 5b c3")
MAP_32BIT = 0x40


def be32(text):
    """An address as the number that has its bytes in memory."""
    return struct.unpack("=I", socket.inet_aton(text))[0]


def be16(port):
    return socket.htons(port)


def service(address="0.0.0.0", port=0, protocol=6, mark=0, scheduler=b"rr", flags=0, timeout=0, netmask=-1):
    """struct ip_vs_service_user."""
    return SERVICE.pack(protocol, be32(address), be16(port), mark, scheduler, flags, timeout, netmask)


def dest(address, port=0, flags=0, weight=1, upper=0, lower=0):
    """struct ip_vs_dest_user."""
    return DEST.pack(be32(address), be16(port), flags, weight, upper, lower)


def dests_header(address="0.0.0.0", port=0, protocol=6, mark=0, count=0):
    """struct ip_vs_get_dests without its entries."""
    return struct.pack("=HxxIHxxIIxxxx", protocol, be32(address), be16(port), mark, count)


class Client:
    """A socket of one host, and how its options are set and got."""

    def __init__(self, host, kind=socket.SOCK_RAW, protocol=socket.IPPROTO_RAW):
        self.socket = host.socket(socket.AF_INET, kind, protocol)

    def call_set(self, option, pointer, length):
        """setsockopt; returns 0 or an error number."""
        result = LIBC.setsockopt(self.socket.fileno(), socket.IPPROTO_IP, option, ctypes.c_void_p(pointer), length)
        return ctypes.get_errno() if result else 0

    def call_get(self, option, pointer, length):
        """getsockopt; returns 0 or an error number, and the length that it tells."""
        told = ctypes.c_int(length)
        result = LIBC.getsockopt(self.socket.fileno(), socket.IPPROTO_IP, option, ctypes.c_void_p(pointer),
                                 ctypes.byref(told))
        return (ctypes.get_errno() if result else 0), told.value

    def set(self, name, value=b"", length=None):
        """Sets an option by name or number; returns "ok" or the error's name."""
        buffer = ctypes.create_string_buffer(value, len(value) + 1)
        option = SET.get(name, name)
        return outcome(self.call_set(option, ctypes.addressof(buffer), len(value) if length is None else length))

    def get(self, name, value, length=None):
        """Gets an option; returns the outcome, the length that came back and the buffer, as it is then."""
        buffer = ctypes.create_string_buffer(value, len(value) + 1)
        error, told = self.call_get(GET.get(name, name), ctypes.addressof(buffer),
                                    len(value) if length is None else length)
        return outcome(error), told, buffer.raw[:len(value)]


class CompatClient(Client):
    """The same with the system calls of 32-bit programs."""

    def __init__(self, host, **options):
        super().__init__(host, **options)
        self.code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.code.write(INT80)
        at = ctypes.addressof(ctypes.c_char.from_buffer(self.code))
        self.call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_int, ctypes.c_void_p)(at)
        # What these calls point to must lie below 4 GB.
        self.low = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT)
        self.low_at = ctypes.addressof(ctypes.c_char.from_buffer(self.low))

    def system_call(self, number, *words):
        arguments = (ctypes.c_uint32 * 5)(*words)
        return -self.call(number, ctypes.addressof(arguments))

    def call_set(self, option, pointer, length):
        ctypes.memmove(self.low_at, pointer, min(length, 4096) if pointer else 0)
        return self.system_call(COMPAT_SET, self.socket.fileno(), 0, option, self.low_at if pointer else 0, length)

    def call_get(self, option, pointer, length):
        size = min(max(length, 0), 60000)
        ctypes.memmove(self.low_at, pointer, size)
        told = self.low_at + (1 << 16) - 4
        ctypes.memmove(told, struct.pack("=i", length), 4)
        error = self.system_call(COMPAT_GET, self.socket.fileno(), 0, option, self.low_at, told)
        ctypes.memmove(pointer, self.low_at, size)
        return error, ctypes.c_int.from_address(told).value
