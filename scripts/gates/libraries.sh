#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each library was looked at: its licence, and whether it is maintained and has no advisory (scripts/lib/libraries). `cargo deny`
# looks, too, where it is installed, with the database of today.
. "$(dirname "$0")/../lib/gate.sh"
offending=$(python3 scripts/lib/libraries.py)
if [ -z "$offending" ] && command -v cargo-deny >/dev/null; then
	offending=$(cargo deny check 2>&1 | grep -E '^(error|warning)' || true)
fi
verdict "libraries" "$offending"
