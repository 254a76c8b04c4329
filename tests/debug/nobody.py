# SPDX-License-Identifier: GPL-2.0
"""Anybody: a user without rights, in a user and a network namespace of his own, where he may do what root may."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import traceback

from scenario import Failed, check

UID = 65534
PR_SET_DUMPABLE = 4
LIBC = ctypes.CDLL(None, use_errno=True)
FAILED = "failed: "


def become():
    """Gives up all rights for good, and enters the namespaces."""
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    # Who has changed his uid does not own his files in /proc, unless he says that he has no secrets.
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {UID} 1"), ("gid_map", f"0 {UID} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Process:
    """A process that runs one function; with `rights=False` as anybody. The function gets its end of a channel to this one."""

    def __init__(self, function, rights=False):
        here, there = Channel.pair()
        self.channel, self.pid = here, os.fork()
        if self.pid:
            there.close()
            return
        here.close()
        try:
            if not rights:
                become()
            function(there)
            status = 0
        except Failed as error:
            there.say(f"{FAILED}{error}")
            status = 1
        except Exception as error:  # pylint: disable=broad-except
            traceback.print_exc()
            there.say(f"{FAILED}{type(error).__name__}: {error}")
            status = 1
        sys.stdout.flush()
        os._exit(status)

    def hear(self, seconds):
        """The next line that the process says."""
        line = self.channel.hear(seconds)
        check(line is not None, f"the process said nothing for {seconds:.0f} s")
        check(line, "the process is dead")
        check(not line.startswith(FAILED), line)
        return line

    def say(self, line):
        self.channel.say(line)

    def end(self):
        """Waits for a process that has nothing more to do, or is to be killed."""
        self.channel.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Channel:
    """Lines to and from another process."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.rest = reader, writer, b""

    @classmethod
    def pair(cls):
        (one, two), (three, four) = os.pipe(), os.pipe()
        return cls(one, four), cls(three, two)

    def say(self, line):
        try:
            os.write(self.writer, " / ".join(str(line).splitlines()).encode() + b"\n")
        except BrokenPipeError:
            pass  # What the dead say is heard later.

    def hear(self, seconds=None):
        """A line, "" when there is nobody at the other end, or None when the time is up."""
        while b"\n" not in self.rest:
            if not select.select([self.reader], [], [], seconds)[0]:
                return None
            more = os.read(self.reader, 4096)
            if not more:
                return ""
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()

    def close(self):
        os.close(self.reader)
        os.close(self.writer)
