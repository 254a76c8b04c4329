#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Clippy has no word to say, neither about the kernel crates nor about the host crates. In knet it wants one unsafe operation in
# each block.
. "$(dirname "$0")/../lib/gate.sh"
grep -q "^#!\[warn(clippy::multiple_unsafe_ops_per_block)\]" ipvs_rs/knet/lib.rs || fail "knet does not ask for one unsafe operation in each block"
# A folder of its own: with CLIPPY=1 Kbuild would rebuild everything, there and back.
log=target/clippy-kernel.log
mkdir -p target
scripts/kbuild target/clippy-kernel CLIPPY=1 modules >"$log" 2>&1 || fail "the kernel crates do not build with CLIPPY=1" "$(grep -E -A 8 "^(error|warning)" "$log")"
complaints=$(grep -E -A 12 '^(warning|error)' "$log" || true)
[ -z "$complaints" ] || fail "clippy complains about the kernel crates ($log)" "$complaints"
if [ -f Cargo.toml ]; then
	# Always the environment's, so that the lints are the same everywhere.
	output=$(scripts/in-env cargo clippy --quiet --workspace --all-targets --target-dir target/clippy-host -- -D warnings 2>&1) ||
		fail "clippy complains about the host crates" "$output"
fi
pass
