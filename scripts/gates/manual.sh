#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mandoc has no warning about any page of the manual, and make uninstall removes each of them.
. "$(dirname "$0")/../lib/gate.sh"
for part in cargo host environment packaging tools; do
	# shellcheck source=/dev/null
	. "scripts/lib/$part.sh"
done
load_lab
(packaging_environment) >&2 || fail "there is no tree with mandoc"
packaging_environment
documents=target/manual
rm -rf "$documents"
for source in userspace/*/src/bin/*-docs.rs; do
	program=$(basename "$source" .rs)
	run_cargo build --quiet -p "${program%-docs}" --bin "$program" || fail "$program does not build"
	"target/debug/$program" "$documents" 2>/dev/null || scripts/in-env "target/debug/$program" "$documents"
done
for page in "$documents"/man8/*.8; do
	[[ " ${TOOL_FILES[*]} " == *" share/man/man8/${page##*/}.gz "* ]] || fail "scripts/lib/tools.sh does not know ${page##*/}"
done
# shellcheck disable=SC2016
words=$(ENV=$PACKAGING scripts/in-env bash -c 'for page in "$1"/man8/*.8; do mandoc -Tlint -W warning "$page"; done' - "$documents" 2>&1 || true)
[ -z "$words" ] || fail "mandoc has warnings" "$words"
pass "$(find "$documents/man8" -name '*.8' | wc -l) pages"
