# SPDX-License-Identifier: GPL-2.0
"""Operations that are tried with each of their allocations failing, and what must hold then."""

import errno
import re

import kernel
import nth
from scenario import Failed, check, equal

# Of an operation that has no end.
MOST = 5000
# What a lack of memory may look like; EPERM is a dropped packet's. "kept" is for what may stay as it was, and "dropped" for
# packets, where the operation has seen that it did, or that it was counted.
HONEST = {"ENOMEM", "ENOBUFS", "EPERM", "kept", "dropped"}


# What a checker says when it lacks memory itself: it is deprived of it here.
DEPRIVED = re.compile(r"ref_tracker: memory allocation failure|kmemleak: Cannot allocate a scan area")


class Run:
    """Tries operations, and counts what was tried."""

    def __init__(self, say=lambda line: print(line, flush=True)):
        self.say = say
        self.reached, self.failed, self.operations, self.lost = 0, 0, 0, 0
        self.log, self.sites = kernel.Log(), set()
        self.by_thread, self.by_workers = nth.Nth(), nth.Workers()

    def look_at_log(self):
        """Notes where allocations failed.

        # Errors: what a healthy kernel never says."""
        lines = self.log.new_lines()
        self.sites |= nth.sites(lines)
        trouble = [line for line in self.log.trouble(lines) if not DEPRIVED.search(line)]
        if trouble:
            raise Failed(f"kernel log: {trouble[0]}")

    def all(self, what, operation, undo=None, state=None, way=None, least=1, most=None, surely=False,
            also=()):
        """Lets each allocation of an operation fail in turn: at least so many of them, and at most so many. `undo` makes the
        operation possible again, `state` shows its effect, `way` is one of those of `nth`. It must succeed all the same if
        `surely` is set. `also` are errors by which C tells of a lack of memory here."""
        outcomes, silent, number = {}, {}, 0
        way = way or self.by_thread
        try:
            if isinstance(way, nth.Packets):
                # The first time is not like the others.
                for first in (operation, lambda: way.begin(operation)):
                    equal(first(), "ok", "to begin with")
                    if undo:
                        undo()
            for number in range(1, MOST):
                before = state() if state else None
                outcome, injected = way.attempt(number, operation)
                self.look_at_log()
                if not injected:
                    equal(outcome, "ok", "without a failure")
                    for told_nothing, found in silent.items():
                        equal(found, state(), f"the state after failure {told_nothing}, of which nobody was told")
                    break
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                if outcome != "ok":
                    check(not surely, f"refused: {outcome}")
                    check(outcome in HONEST or outcome in also, f"an error that says something else: {outcome}")
                    if state:
                        equal(state(), before, f"the state after failure {number} ({outcome})")
                    equal(operation(), "ok", f"the next attempt after failure {number} ({outcome})")
                elif state:
                    silent[number] = state()
                if undo:
                    undo()
            else:
                raise Failed("there is no end")
            if undo:
                undo()
            reached = number - 1
            check(reached >= least, f"{reached} allocations failed, there are {least}")
            check(most is None or reached <= most, f"{reached} allocations failed, there may be {most}")
            self.reached += reached
            self.operations += 1
            text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            self.say(f"ok faults: {what}: {reached} allocations{': ' if text else ''}{text}")
        except Failed as error:
            self.lost += 1
            self.say(f"not ok faults: {what}: allocation {number}: {' / '.join(str(error).splitlines())}")
        finally:
            self.failed += sum(outcomes.values())


def name_of(error):
    """An OSError's name."""
    return errno.errorcode[error.errno]


def expect(client, command, payload=b""):
    """A command that must work."""
    equal(client.do(command, payload)[0], "ok", command)
