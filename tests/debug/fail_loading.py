# SPDX-License-Identifier: GPL-2.0
"""Each allocation of a new namespace fails once, and of loading a module."""

import ctypes
import errno
import os
import subprocess

import kernel
import nth
from attempts import name_of
from lab import HOME
from scenario import equal

FINIT_MODULE = 313
# Which KUnit tests run when a module is loaded.
TESTS = "/sys/module/kunit/parameters/filter_glob"


def namespaces(run):
    """What a new namespace is given by ip_vs."""
    def one():
        try:
            os.unshare(os.CLONE_NEWNET)
        except OSError as error:
            return name_of(error)
        os.setns(HOME, os.CLONE_NEWNET)
        return "ok"

    idle = kernel.modules()
    run.all("a new namespace", one)
    kernel.wait_for_modules(idle, 60)


def run_tests(pattern):
    """Chooses them; the end of a line would be part of the pattern."""
    with open(TESTS, "w", encoding="ascii") as file:
        file.write(pattern)


def loading(run):
    """ip_vs, its base, and of the schedulers the one that has most to do then; what the kernel itself allocates counts too."""
    run_tests("none")
    for module in ("ip_vs_lblc", "ip_vs", kernel.BASE):
        path = subprocess.run(["modinfo", "-n", module], check=True, capture_output=True, text=True).stdout.strip()
        kernel.unload_all()
        if module == kernel.BASE:
            equal(kernel.unload(module), "ok", f"removing {module}")
        elif module != "ip_vs":
            # What it stands on stays.
            kernel.load(module)
            equal(kernel.unload(module), "ok", f"removing {module}")
        nth.anywhere()
        file = os.open(path, os.O_RDONLY)

        def insert():
            status = ctypes.c_long(kernel.LIBC.syscall(FINIT_MODULE, file, b"", 0)).value
            return "ok" if status == 0 else errno.errorcode[ctypes.get_errno()]

        def remove(module=module):
            equal(kernel.unload(module), "ok", f"removing {module}")

        run.all(f"load {module}", insert, remove)
        os.close(file)
    run_tests("*")
    kernel.load("ip_vs", *kernel.SCHEDULERS_AT_START)
    nth.only_in("ip_vs")


PARTS = {"namespaces": namespaces, "loading": loading}
