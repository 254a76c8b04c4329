# SPDX-License-Identifier: GPL-2.0
# Counting verdicts, the lines `ok NAME` and `not ok NAME`, in `passed` and `failed`. Sourced, not run.

# count FILE
count() {
	passed=$((passed + $(grep -c '^ok ' "$1" || true)))
	failed=$((failed + $(grep -c '^not ok ' "$1" || true)))
}

# ran_to_end STATUS LOG: has a run with this status said all? It has a verdict, and a status of 1 is what `not ok` says.
ran_to_end() {
	case $1:$(grep -c '^not ok ' "$2") in
	0:0) grep -q '^ok ' "$2" ;;
	1:[1-9]*) ;;
	*) false ;;
	esac
}

# only_ours FOLDER: has T let through only what the C module cannot run? FOLDER has the notes of both, in c and in rust.
only_ours() {
	[ -n "$T" ] && ! compgen -G "$1/c/*.txt" >/dev/null && compgen -G "$1/rust/*.txt" >/dev/null
}

# compare_runs FOLDER: shows and counts whether the notes of the C module and of ours are the same.
compare_runs() {
	local log=$1/compare.log status=0
	if only_ours "$1"; then
		echo "   nothing to compare: the C module can run none of these"
		return
	fi
	tests/net/compare "$1/c" "$1/rust" >"$log" 2>&1 || status=$?
	# It ends with 1, and without a verdict, if there is nothing to compare or if it dies.
	[ "$status" = 0 ] || grep -q '^not ok ' "$log" || echo "not ok compare: ran to its end (status $status)" >>"$log"
	cat "$log"
	count "$log"
}
