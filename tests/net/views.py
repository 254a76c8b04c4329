# SPDX-License-Identifier: GPL-2.0
"""What a director shows about itself, in a form that two runs have in common."""

import re
import time

import kernel
from scenario import Failed

# Timers are shown as the first of these that is not smaller: some seconds have passed since the packet.
TIMEOUTS = (0, 2, 3, 10, 30, 60, 110, 120, 250, 300, 900)


def rounded(seconds):
    """The time-out that a timer of so many seconds was started with."""
    return next((limit for limit in TIMEOUTS if seconds <= limit), seconds)


def exact(text):
    """Lines with their ends made visible."""
    return [line + "$" for line in text.split("\n")[:-1]]


def table(director):
    """/proc/net/ip_vs, byte by byte; the services sorted, because the kernel keeps them in random order."""
    lines = exact(director.read("/proc/net/ip_vs"))
    blocks = []
    for line in lines[3:]:
        if line.startswith("  ->"):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return lines[:3] + [line for block in sorted(blocks) for line in block]


def connections(director):
    """/proc/net/ip_vs_conn as a sorted list of lines, timers rounded up to the time-out that they were started with."""
    rows = []
    for line in director.read("/proc/net/ip_vs_conn").splitlines()[1:]:
        words = line.split()
        words[8] = str(rounded(int(words[8])))
        rows.append(" ".join(words))
    return sorted(rows)


def connections_exact(director):
    """/proc/net/ip_vs_conn, byte by byte but for the timers (rounded) and the order (sorted)."""
    lines = exact(director.read("/proc/net/ip_vs_conn"))
    return lines[:1] + sorted(re.sub(r" {1,7}(\d+)\$$", lambda match: f" {rounded(int(match[1])):7}$", line)
                              for line in lines[1:])


def connection_states(director):
    """{client port: (state, rounded timer)} of all connections."""
    rows = [line.split() for line in director.read("/proc/net/ip_vs_conn").splitlines()[1:]]
    return {int(words[2], 16): (words[7], rounded(int(words[8]))) for words in rows}


def listing(director, *options):
    """ipvsadm -Ln with options, line by line."""
    return exact(director.ipvsadm("-Ln", *options))


def wait_until(holds, seconds=10, what="what was waited for", every=0.05):
    """Waits until a function, which is called `every` so many seconds, returns something true, and returns that. A debug kernel
    is given more time."""
    seconds *= kernel.PATIENCE
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"{what} did not happen within {seconds} s")
        time.sleep(every)
