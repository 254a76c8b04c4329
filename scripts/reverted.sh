#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Are the tests of fixes worth something? Takes each fix back that has a patch in tests/debug/reverted, in a copy of the sources,
# and runs its test: `ok` when the test fails, and for the reason that the patch names. A patch that no longer applies fails.
#   scripts/reverted.sh [NAME]...
# A patch tells in front of its first `diff`: `Test: COMMAND`, run in the VM, and `Seen: PATTERN`, looked for (grep -E) in what
# the command and the kernel say. It is made by `git diff -R` of what the fix changed in ipvs_rs and sched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache modules; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
patches=$CHECKOUT/tests/debug/reverted
# Not below $BUILD, where a VM takes its modules from.
work=$CHECKOUT/target/reverted${LAB:+-$LAB}
# Freed memory that is read is seen sooner; the debug kernel has its own way.
poison=(-a slab_debug=P)
[ -z "${LAB:-}" ] || poison=()
failed=0

# field NAME PATCH: what a patch says of itself.
field() {
	sed -n "/^diff /q; s/^$1: //p" "$2"
}

# git looks for no checkout around the copy.
apply() {
	GIT_CEILING_DIRECTORIES=$work git -C "$work/source" apply "$@"
}

# reason NAME: why the test of this fix is worth nothing, or nothing.
reason() {
	local patch=$patches/$1.patch results=$work/$1 test seen status=0
	test=$(field Test "$patch") seen=$(field Seen "$patch")
	[ -n "$test" ] && [ -n "$seen" ] || {
		echo "the patch does not name its test"
		return
	}
	mkdir -p "$results"
	apply "$patch" 2>"$results/apply.log" || {
		echo "the patch does not apply: $(head -n 1 "$results/apply.log")"
		return
	}
	module_make "$work/source" "$work/out" modules >"$results/build.log" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		# shellcheck disable=SC2086
		"$here/vm" -m rust -d "$work/out" "${poison[@]}" -t 1800 -o "$results" -- $test >"$results/run.log" 2>&1 || status=$?
		if [ "$status" = 0 ]; then
			echo "$test succeeds"
		elif ! grep -qE -e "$seen" "$results/run.log" "$results/console.log"; then
			echo "$test ended with $status, but nobody said $seen; see $results"
		fi
	else
		echo "what the patch leaves does not build; see $results/build.log"
	fi
	apply -R "$patch"
}

# What every VM gets, and then those of a copy instead.
"$here/kbuild" "${BUILD##*/}" modules >/dev/null 2>&1 || die "the modules do not build"
rm -rf "$work/source"
copy_sources "$work/source"
[ $# -gt 0 ] || mapfile -t names < <(find "$patches" -name '*.patch' -printf '%f\n' | sed 's/\.patch$//' | sort)
[ $# -eq 0 ] || names=("$@")
for name in "${names[@]}"; do
	said=$(reason "$name")
	if [ -z "$said" ]; then
		echo "ok reverted: $name: $(grep -hoE -m 1 -e "$(field Seen "$patches/$name.patch")" "$work/$name/run.log" "$work/$name/console.log" | head -n 1)"
	else
		echo "not ok reverted: $name: $said"
		failed=1
	fi
done
exit $failed
