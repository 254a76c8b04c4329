#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What knet uses of C's structures is compared with C when the module is loaded: both lists are the same, and what is in
# neither cannot be used, as the bindings have it deprecated (scripts/lib/compared.awk).
. "$(dirname "$0")/../lib/gate.sh"
rust=ipvs_rs/knet/layout.rs c=ipvs_rs/sys/layout.c mark=scripts/lib/compared.awk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The lists, as TYPE and TYPE.FIELD.
sed -n '/= layout! {/,/^};/p' "$rust" | sed '1d;$d;s://.*::' | tr -d '\n' | grep -oE '[a-z0-9_]+ \{[^}]*\}' |
	while read -r type _ fields; do
		echo "$type"
		tr ',' '\n' <<<"${fields%\}}" | sed -E 's/=.*//; s/[ \t]//g; /^$/d' | sed "s/^/$type./"
	done >"$work/rust"
headers=$(sed -nE 's/^#define HEADERS "(.*)"/\1/p' "$c")
sed -nE -e 's/^\tSIZE\((\w+)\).*/\1/p; s/^\tFIELD\((\w+), (\w+)\).*/\1.\2/p; s/^\tPART\((\w+), (\w+),.*/\1.\2/p; s/^\tENTRY\("([^"]+)".*/\1/p' \
	-e "s/^\tENTRY\(HEADERS,.*/$headers/p; s/^\tHEADER\((\w+)\).*/$headers.\1/p" "$c" >"$work/c"
[ -s "$work/rust" ] || fail "no list in $rust" ""
differing=$(diff "$work/rust" "$work/c") || fail "$rust and $c compare different things" "$differing"

# Nothing but the build applies the marks, and nothing in knet looks past them.
grep -q 'layout-files' Kbuild || fail "the build does not mark the bindings" ""
waived=$(grep -rnE 'allow\((.*, *)?(deprecated|warnings)' ipvs_rs/knet --include=*.rs || true)
[ -z "$waived" ] || fail "knet may use what is not compared" "$waived"

# Do the marks hold? Each use planted here must be refused, for this reason, and the others taken.
cat >"$work/layout.rs" <<'END'
static LAYOUT: &[(&str, usize)] = layout! {
    listed { one, type = type_, deep = __bindgen_anon_1.two }
};
bits! {
    listed { bit = 1 }
}
END
cat >"$work/bindings.rs" <<'END'
pub struct listed {
    pub one: u8,
    pub other: u8,
    pub type_: u8,
    pub split:
        u8,
    pub __bindgen_anon_1: listed__bindgen_ty_1,
}
pub union listed__bindgen_ty_1 {
    pub two: u8,
    pub three: u8,
}
pub struct unlisted {
    pub field: u8,
}
impl listed {
    pub fn bit(&self) -> u8 {
        0
    }
    pub fn set_bit(&mut self, _: u8) {}
    pub fn set_other_bit(&mut self, _: u8) {}
}
END
awk -f "$mark" "$work/layout.rs" "$work/bindings.rs" >"$work/marked.rs"
# try WORDS: compiles a function that does this to a structure.
try() {
	printf '#![allow(non_camel_case_types)]\n#[allow(deprecated)]\nmod bindings { include!("marked.rs"); }\npub fn use_it(it: &mut bindings::listed) { let _ = &it; %s }\n' "$1" >"$work/use.rs"
	"${rustc[@]}" --edition 2021 --crate-type lib --emit metadata -Ddeprecated -Aunused -Aprivate_interfaces -o "$work/use.rmeta" "$work/use.rs" >"$work/log" 2>&1
}
rustc=(scripts/in-env rustc)
rustc --version >/dev/null 2>&1 && rustc=(rustc)
for taken in 'it.one = 1;' 'it.type_ = 1;' 'it.__bindgen_anon_1.two = 1;' 'it.set_bit(it.bit());'; do
	try "$taken" || fail "what is compared is refused: $taken" "$(cat "$work/log")"
done
for planted in 'it.other = 1;' 'it.split = 1;' 'let bindings::listed { other, .. } = it;' 'it.__bindgen_anon_1.three = 1;' \
	'it.set_other_bit(1);' 'let _ = size_of::<bindings::unlisted>();'; do
	! try "$planted" && grep -q 'not compared with C' "$work/log" || fail "what is not compared is taken: $planted" "$(cat "$work/log")"
done
pass
