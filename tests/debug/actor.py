# SPDX-License-Identifier: GPL-2.0
"""What takes part in the storm (storm.py): a process that does one thing again and again."""

import os
import random
import time

from scenario import check

# What a command may be told while others work against it.
BUSY = {"ok", "ESRCH", "EEXIST", "ENOENT", "ENOMEM"}


class Actor:
    """Does `once` until the end."""

    def __init__(self, lab, end):
        self.lab, self.end, self.count = lab, end, 0

    def tell(self, client, command, payload=b"", allowed=None):
        outcome = client.do(command, payload)[0]
        check(outcome in (allowed or BUSY), f"{command} gave {outcome}")
        return outcome

    def run(self):
        os.sched_setaffinity(0, range(os.cpu_count()))
        random.seed(os.getpid())
        self.prepare()
        while time.monotonic() < self.end:
            self.once()
            self.count += 1
        self.finish()

    def prepare(self):
        pass

    def finish(self):
        pass
