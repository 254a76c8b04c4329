# SPDX-License-Identifier: GPL-2.0
"""What a scenario is: a function that drives a kernel, says what it saw, and checks what must hold everywhere.

What it notes goes into its transcript. Two module sets behave alike when their transcripts are equal, so notes hold no
times, no random ports and no order that the kernel chooses at random."""

import os
import traceback

SCENARIOS = []


class Failed(Exception):
    """A check of a scenario did not hold."""


class Transcript:
    """The notes of one scenario, one line each."""

    def __init__(self):
        self.lines = []

    def note(self, *words):
        """Adds one line."""
        self.lines.append(" ".join(str(word) for word in words))

    def block(self, title, lines):
        """Adds a title and the lines below it, indented."""
        self.note(title + ":")
        for line in lines:
            self.note("  " + line)

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def scenario(function=None, *, rust_only=False):
    """Marks a function of one argument, its transcript, as a scenario; its name is the sentence that is reported.

    With rust_only the C module has nothing to compare with: what it notes must be what expected/NAME says, if that is
    there."""
    def register(function):
        function.rust_only = rust_only
        SCENARIOS.append(function)
        return function
    return register(function) if function else register


def check(holds, reason):
    """Ends the scenario with a reason unless something holds."""
    if not holds:
        raise Failed(reason)


def equal(found, wanted, what):
    """Ends the scenario unless two values are equal."""
    check(found == wanted, f"{what}: {found!r} instead of {wanted!r}")


def reason_of(error):
    """One line for what ended a scenario: its own reason, or the place of an unexpected exception."""
    if isinstance(error, Failed):
        return " / ".join(str(error).splitlines())
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}:{place.lineno})"
