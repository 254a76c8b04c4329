#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every unsafe block and unsafe impl argues why it is sound, in a SAFETY comment above it (or above its statement), and names a fact.
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t files < <(sources 'ipvs_rs/knet*.rs' 'ipvs_rs/sys*.rs')
[ "${#files[@]}" -gt 0 ] || pass "no files yet"
bare=$(grep -nE '// SAFETY: (By the type invariants?|By an invariant|As above)\.$' "${files[@]}" || true)
[ -z "$bare" ] || fail "a SAFETY comment that names no fact" "$bare"
verdict "unsafe without a SAFETY comment" "$(awk '
	# `argued` lasts from a SAFETY comment to the end of the statement that follows it.
	FNR == 1 { argued = 0; comment = 0 }
	{ text = $0; sub(/^[ \t]+/, "", text) }
	text ~ /^\/\// { if (text ~ /SAFETY:/) argued = 1; comment = 1; next }
	text ~ /^#\[/ || text == "" { next }
	{
		plain = text
		gsub(/"[^"]*"/, "", plain)
		here = plain ~ /\/[\/*].*SAFETY:/
		sub(/\/\/.*/, "", plain)
		if (plain ~ /(^|[^A-Za-z0-9_])unsafe[ \t]*(\{|impl[ <])/ && !argued && !here)
			print FILENAME ":" FNR ": " text
		if (plain ~ /[;{}][ \t]*$/) argued = 0
	}' "${files[@]}")"
