# SPDX-License-Identifier: GPL-2.0
"""Numbers of system calls that Python has no function for: each processor has its own."""

import os

USERFAULTFD, BPF = {"x86_64": (323, 321), "aarch64": (282, 280)}[os.uname().machine]
