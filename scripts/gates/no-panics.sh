#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No finished module refers to a symbol that panics: a panic in the kernel is a crash of the machine.
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t modules < <(find build -name '*.ko' 2>/dev/null)
[ "${#modules[@]}" -gt 0 ] || fail "there are no modules in build/"
symbols=$(nm --undefined-only --print-file-name "${modules[@]}")
panics='panic|_4core.*fail'
verdict "modules refer to symbols that panic" "$(grep -E "$panics" <<<"$symbols" || true)"
