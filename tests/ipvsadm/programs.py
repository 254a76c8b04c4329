# SPDX-License-Identifier: GPL-2.0
"""The two programs that are compared, and how a line of a list is run."""

import os
import shlex
import subprocess

THEIRS = "/usr/sbin"
OURS = "/src/target/release"
PACKAGE = ("ipvsadm", "ipvsadm-save", "ipvsadm-restore")
NOBODY = 65534


def run(folder, words, stdin=b""):
    """[status, stdout, stderr] of one command; words may begin with the name of a program of the package, or with !nobody."""
    user = None
    if words and words[0] == "!nobody":
        user, words = NOBODY, words[1:]
    program = PACKAGE[0]
    if words and words[0] in PACKAGE[1:]:
        program, words = words[0], words[1:]
    environment = dict(os.environ, PATH=f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin")
    # No time limit: where instructions are the clock, a wait for the host may take a minute of it. The VM has one.
    done = subprocess.run([program, *words], executable=f"{folder}/{program}", input=stdin, capture_output=True, check=False,
                          env=environment, user=user, cwd="/")
    return [done.returncode, done.stdout.decode(errors="backslashreplace"), done.stderr.decode(errors="backslashreplace")]


def commands(line):
    """The (words, stdin) of each command of a case, which `;` separates; `<<<` names the input of the one before."""
    words, stdin, out = [], b"", []
    tokens = iter(shlex.split(line))
    for token in tokens:
        if token == "<<<":
            stdin = next(tokens).encode().decode("unicode_escape").encode("latin-1")
        elif token == ";":
            out.append((words, stdin))
            words, stdin = [], b""
        else:
            words.append(token)
    return out + [(words, stdin)]
