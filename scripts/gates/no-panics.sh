#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No finished module refers to a symbol that panics: a panic in the kernel is a crash of the machine.
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t modules < <(find build -name '*.ko' 2>/dev/null)
[ "${#modules[@]}" -gt 0 ] || fail "there are no modules in build/"
# No module links ktcpvs_core yet, so its object is made here, as Kbuild would make it.
work=target/unlinked
mkdir -p "$work"
compile() {
	scripts/in-env rustc --edition 2021 --crate-type rlib --crate-name "$1" -L "$work" -Copt-level=2 -Cpanic=abort -Coverflow-checks=on -Ccodegen-units=1 "${@:3}" "$2" 2>&1
}
complaints=$(compile ipvs_core ipvs_rs/core/lib.rs "--emit=link=$work/libipvs_core.rlib" &&
	compile ktcpvs_core ktcpvs_rs/core/lib.rs "--emit=obj=$work/ktcpvs_core.o" --extern ipvs_core) || fail "ktcpvs_core does not build" "$complaints"
modules+=("$work/ktcpvs_core.o")
symbols=$(nm --undefined-only --print-file-name "${modules[@]}")
panics='panic|_4core.*fail'
verdict "modules refer to symbols that panic" "$(grep -E "$panics" <<<"$symbols" || true)"
