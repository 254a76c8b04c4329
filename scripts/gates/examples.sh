#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The examples in the documents of knet compile: each ```rust block becomes a function, and all of them one object, which Kbuild
# builds against the crate in build/. A line that begins with `# ` is part of the code and not of the document, as with rustdoc.
. "$(dirname "$0")/../lib/gate.sh"
. scripts/lib/modules.sh
load_lab
[ -f build/libknet.rmeta ] || fail "there is no crate knet in build/"
mapfile -t files < <(sources 'ipvs_rs/knet/*.rs' | grep -v '/loom/')
# Code that nobody compiles says what was once true.
ignored=$(grep -nE '^ *//[/!] ```[a-z_,]*ignore' "${files[@]}" || true)
[ -z "$ignored" ] || fail "an example that is not compiled" "$ignored"

work=$CHECKOUT/target/knet-examples
rm -rf "$work"
mkdir -p "$work/source"
# `origins` says where each line of the source comes from.
awk -v origins="$work/origins" '
	function emit(text) { print text; print FILENAME ":" FNR > origins }
	FNR == 1 { inside = 0 }
	!/^[ \t]*\/\/[\/!]/ { next }
	{ text = $0; sub(/^[ \t]*\/\/[\/!] ?/, "", text) }
	!inside && text ~ /^```rust/ {
		inside = 1
		emit("fn example_" ++count "() {")
		emit("    fn inner() -> Result<(), impl core::fmt::Debug> {")
		next
	}
	inside && text ~ /^```/ {
		inside = 0
		emit("    }")
		emit("    let _ = inner();")
		emit("}")
		next
	}
	inside { sub(/^#( |$)/, "", text); emit(text) }
	BEGIN {
		emit("// SPDX-License-Identifier: GPL-2.0")
		emit("//! The examples in the documents of knet.")
		emit("#![allow(dead_code)]")
		emit("const __LOG_PREFIX: &[u8] = b\"example\\0\";")
	}' "${files[@]}" >"$work/source/knet_examples.rs"
examples=$(grep -c '^fn example_' "$work/source/knet_examples.rs" || true)
[ "$examples" -gt 0 ] || fail "there is no example"

cat >"$work/source/Kbuild" <<'END'
obj-m += knet_examples.o
RUSTFLAGS_knet_examples.o := -Dwarnings -Funsafe_code -L $(IPVS) --extern knet
END
module_make "$work/source" "$work" IPVS="$CHECKOUT/build" knet_examples.o >"$work/log" 2>&1 && [ -f "$work/knet_examples.o" ] ||
	fail "an example does not compile" "$(awk '
		NR == FNR { origin[NR] = $0; next }
		match($0, /--> .*knet_examples\.rs:[0-9]+/) {
			line = substr($0, RSTART, RLENGTH)
			sub(/.*:/, "", line)
			print " --> " origin[line]
			next
		}
		/^error/ { shown = 12 }
		shown-- > 0' "$work/origins" "$work/log" | grep . || tail -n 20 "$work/log")"
pass "$examples examples"
