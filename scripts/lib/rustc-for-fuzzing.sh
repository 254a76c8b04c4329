#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What cargo runs in place of rustc for the crates of the workspace (RUSTC_WORKSPACE_WRAPPER), so that libFuzzer sees which
# branches of our own code a run takes and what it compares. All of these options are stable.
exec "$@" -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
	-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
	-C llvm-args=-sanitizer-coverage-trace-compares
