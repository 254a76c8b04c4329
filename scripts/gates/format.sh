#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All Rust files are formatted as rustfmt.toml says.
. "$(dirname "$0")/../lib/gate.sh"
output=$(scripts/format.sh --check -l 2>&1) || fail "some files are not formatted: make fmt" "$(sort -u <<<"$output")"
pass
