#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lets every allocation fail once: of each command and listing, of each way of a packet, of other sizes of the tables, of
new namespaces, and of loading the modules. `faults.py PART...` does some parts only.

For each operation the first allocation fails, then the second, and so on until none is left to fail. Each failure must
give an error, or change nothing that can be seen; a packet may be dropped if that is counted; and the same operation must
work right after it. At the end nothing may have leaked. Runs on the debug kernel."""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [f"{HERE}/../net", HERE]

import checkers  # noqa: E402
import fail_commands  # noqa: E402
import fail_connections  # noqa: E402
import fail_loading  # noqa: E402
import fail_switch  # noqa: E402
import fail_workers  # noqa: E402
import kernel  # noqa: E402
import lab as hosts  # noqa: E402
import nth  # noqa: E402
from attempts import DEPRIVED, Run  # noqa: E402
from scenario import Failed  # noqa: E402

PARTS = fail_commands.PARTS | fail_connections.PARTS | fail_workers.PARTS | fail_loading.PARTS | fail_switch.PARTS


def main():
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    hosts.prepare_kernel()
    os.system("ip link set lo up")
    log = kernel.Log()
    checkers.begin()
    nth.prepare()
    nth.only_in("ip_vs")
    run, idle = Run(), kernel.modules()
    for part in sys.argv[1:] or PARTS:
        began = time.monotonic()
        try:
            PARTS[part](run)
        except Failed as error:
            run.lost += 1
            print(f"not ok faults: {part}: {' / '.join(str(error).splitlines())}", flush=True)
        finally:
            nth.at_random(0)
            # What a part leaves where it was cut short is not the next one's.
            os.system("ipvsadm -C")
        print(f"faults: {part} took {time.monotonic() - began:.0f} s of the VM's clock", flush=True)
    nth.anywhere()
    try:
        kernel.wait_for_modules(idle, 60)
    except Failed as error:
        run.lost += checkers.verdict("faults: use counts", str(error))
    print(f"faults: {run.operations} operations, {run.reached} allocations reached, {run.failed} failures, at "
          f"{len(run.sites)} places of our code that the kernel names (allocations that ask for silence are not among them)",
          flush=True)
    # What fails nothing finds nothing.
    run.lost += checkers.verdict("faults: allocations failed", "" if run.failed else "none did: is the injection on?")
    with open("/out/sites.log", "w", encoding="ascii") as file:
        file.write("".join(site + "\n" for site in sorted(run.sites)))
    sys.exit(1 if checkers.end(log, DEPRIVED) + run.lost else 0)


if __name__ == "__main__":
    main()
