#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the fuzz targets of tests/fuzz: scripts/fuzz.sh [TARGET...], two at a time on a machine with two cores or more. Each says
# `ok fuzz: NAME (N inputs)` or `not ok fuzz: NAME: reason`, and then how to see it again.
#
#   SECONDS_EACH=60    how long each target runs; TOTAL=120 instead divides so many seconds among them
#   SEED=1             the same inputs each time, on each machine; without it others each time
#   T=pattern          only the targets with the pattern in `fuzz: NAME`
#
# Each run begins with tests/fuzz/corpus and with what earlier runs found, which is kept in build/fuzz/found. `scripts/fuzz.sh keep`
# adds to the former the shortest of the latter that reach code which nothing did before.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
cd "$CHECKOUT"
BUILT=target/fuzz/fuzz
# How many inputs `keep` adds for each target.
KEPT=7
JOBS=$(nproc)
[ "$JOBS" -le 2 ] || JOBS=2

# The folder with the seeds of a target.
corpus_of() {
	case $1 in
	flow | icmp | nat | onward | sctp | tunnel | tunnel_errors) echo tests/fuzz/corpus/packets ;;
	*) echo "tests/fuzz/corpus/$1" ;;
	esac
}

# libFuzzer ARGS...: a target with what all runs have in common: no input may take 5 seconds or 1 GB.
fuzzer() {
	local name=$1
	shift
	"$here/in-env" "$BUILT/fuzz-$name" -timeout=5 -rss_limit_mb=1024 -max_len=2048 "$@"
}

run_one() {
	local name=$1 found=build/fuzz/found/$1 log=build/fuzz/$1.log inputs
	if [ -n "${SEED:-}" ]; then
		found=build/fuzz/seed-$SEED/$1
		rm -rf "$found"
	fi
	mkdir -p "$found"
	rm -f "build/fuzz/$name-"*
	if fuzzer "$name" -seed="${SEED:-0}" -max_total_time="$SECONDS_EACH" -print_final_stats=1 \
		-artifact_prefix="build/fuzz/$name-" "$found" "$(corpus_of "$name")" >"$log" 2>&1; then
		inputs=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok fuzz: $name ($inputs inputs)"
		return
	fi
	echo "not ok fuzz: $name: $(grep -m 1 -A 1 -E 'panicked at|ERROR: ' "$log" | tr '\n' ' ' || echo "see $log")"
	for input in "build/fuzz/$name-"*; do
		[ ! -e "$input" ] || echo "    scripts/in-env $BUILT/fuzz-$name $input"
	done
	return 1
}

keep() {
	local name merged=build/fuzz/merged corpus
	for name; do
		corpus=$(corpus_of "$name")
		[ -d "build/fuzz/found/$name" ] || continue
		rm -rf $merged
		cp -r "$corpus" $merged
		fuzzer "$name" -set_cover_merge=1 -use_counters=0 $merged "build/fuzz/found/$name" >build/fuzz/merge.log 2>&1
		(cd $merged && ls -Sr) | while read -r input; do
			[ -e "$corpus/$input" ] || echo "$merged/$input"
		done | head -n $KEPT | xargs -r cp -t "$corpus"
	done
}

if [ "${1:-}" = one ]; then
	run_one "$2"
	exit
fi
verb=run
if [ "${1:-}" = keep ]; then
	verb=keep
	shift
fi
targets=()
for source in tests/fuzz/targets/*.rs; do
	name=$(basename "$source" .rs)
	[[ "fuzz: $name" == *"${T:-}"* ]] || continue
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	targets+=("$name")
done
[ "${#targets[@]}" -gt 0 ] || exit 0
[ "$JOBS" -le "${#targets[@]}" ] || JOBS=${#targets[@]}
mkdir -p build/fuzz
# Always the environment's compiler, and its clang for libFuzzer itself.
if ! "$here/in-env" env RUSTC_WORKSPACE_WRAPPER="$here/lib/rustc-for-fuzzing.sh" \
	cargo build --quiet --package ipvs-fuzz --profile fuzz --target-dir target/fuzz >build/fuzz/build.log 2>&1; then
	echo "not ok fuzz: the targets build"
	tail -n 40 build/fuzz/build.log | sed 's/^/    /'
	exit 1
fi
if [ $verb = keep ]; then
	keep "${targets[@]}"
	exit
fi
[ -z "${TOTAL:-}" ] || SECONDS_EACH=$((TOTAL * JOBS / ${#targets[@]}))
export SECONDS_EACH=${SECONDS_EACH:-60}
printf '%s\n' "${targets[@]}" | xargs -P "$JOBS" -n 1 "$0" one
