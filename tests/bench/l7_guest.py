#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a request costs behind a proxy, inside a VM that counts instructions: l7_guest.py [PROXY...] prints one JSON object,
{"module": path of ktcpvs, "rows": {proxy: {row: figure}}}. A figure is all that the machine's only CPU does for a request or for a
megabyte, in instructions: client, network, director, proxy and server.

new-1, new-16    a connection for each request, by one client or 16 at once
kept-1, kept-16  requests on connections that are kept
big              a megabyte of long answers
memory, slab     a connection that is kept and says nothing, of HELD=10000 (0: none): bytes by MemAvailable and by Slab of /proc/meminfo,
                 of all in the machine

With --profile FILE l7-PROXY-ROW it measures one row, and leaves the addresses of functions in FILE (see guest.py)."""

import json
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../net"))

from l7_proxies import FOLDER, MEGABYTES, PROXIES, hosts, modules  # noqa: E402

GENERATOR = "/src/build/bench/load"
SMALL, BIG = "/images/small", "/images/big"
# Path, clients, kind of connections, requests, how many units of the row a request is.
ROWS = {
    "new-1": (SMALL, 1, "new", 300, 1),
    "new-16": (SMALL, 16, "new", 600, 1),
    "kept-1": (SMALL, 1, "kept", 600, 1),
    "kept-16": (SMALL, 16, "kept", 600, 1),
    "big": (BIG, 1, "kept", 3, MEGABYTES),
}
WARM_UP, RUNS = 100, 3
# Longer than TCP remembers a connection that has ended, in seconds of a clock that skips the time in which nothing happens.
FORGOTTEN = 70
HELD = int(os.environ.get("HELD", "10000"))


def load(topology, at, path, requests, clients, kind, marks=False):
    """The instructions of a request."""
    address, port = at
    environment = {**os.environ, **({"MARKS": "1"} if marks else {})}
    with topology.client:
        done = subprocess.run([f"{FOLDER}/load", address, str(port), path, str(requests), str(clients), kind],
                              text=True, stdout=subprocess.PIPE, env=environment, check=True)
    return float(done.stdout)


def measure(topology, at, row, marks=False):
    """A row: the smallest of some figures, as what the kernel did meanwhile for itself may be in some of them."""
    path, clients, kind, requests, units = ROWS[row]
    load(topology, at, path, min(WARM_UP, requests), clients, kind)
    runs = 1 if marks else RUNS
    return min(load(topology, at, path, requests, clients, kind, marks) for _ in range(runs)) / units


def memory():
    """MemAvailable and Slab, in bytes, once what is to be freed has been."""
    time.sleep(2)
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file)
    return [int(fields[name].split()[0]) << 10 for name in ("MemAvailable", "Slab")]


def hold(topology, at):
    """What each of many connections takes that wait for nothing, and whether all of them still serve afterwards."""
    # Pages of slabs that are made once are not those of the connections; those of earlier rows that wait for their time are to be gone.
    load(topology, at, SMALL, 200, 16, "new")
    time.sleep(FORGOTTEN)
    before = memory()
    with topology.client:
        one = subprocess.Popen([f"{FOLDER}/load", at[0], str(at[1]), SMALL, str(HELD), "1", "held"],
                               text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with one:
        one.stdout.readline()
        after = memory()
        one.stdin.close()
    if one.returncode:
        raise SystemExit("a connection that was held does not serve any more")
    return {"memory": (before[0] - after[0]) / HELD, "slab": (after[1] - before[1]) / HELD}


def measure_proxy(topology, name):
    """All rows of a proxy."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    with PROXIES[name](topology) as at:
        rows = {row: measure(topology, at, row) for row in ROWS}
        return {**rows, **(hold(topology, at) if HELD else {})}


def profile(symbols, wanted):
    """Runs one row for counts.c."""
    name = max((name for name in PROXIES if wanted.startswith(f"l7-{name}-")), key=len)
    row = wanted[len(f"l7-{name}-"):]
    with hosts() as topology, PROXIES[name](topology) as at:
        cost = measure(topology, at, row, marks=True)
        with open("/proc/kallsyms", encoding="ascii") as source, open(symbols, "w", encoding="ascii") as target:
            target.write(source.read())
    print(json.dumps({"module": modules(), "rows": {wanted: cost}, "profile": ROWS[row][3] * ROWS[row][4]}))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    # Reading from a shared folder of the host would make the clock wait.
    shutil.copy(GENERATOR, f"{FOLDER}/load")
    if sys.argv[1:2] == ["--profile"]:
        profile(*sys.argv[2:])
        return
    with hosts() as topology:
        rows = {name: measure_proxy(topology, name) for name in sys.argv[1:] or PROXIES}
    print(json.dumps({"module": modules(), "rows": rows}))


if __name__ == "__main__":
    main()
