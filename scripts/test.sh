#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs every test, in tiers from quick to slow: the build, the gates, the host tests, the fuzz targets, the scenarios in VMs
# (Debian's C module and ours side by side). T=pattern keeps only what has the pattern in its name. The last line counts all of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo verdicts; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
T=${T:-}
# Longest time for the scenarios in one VM, in seconds.
VM_SECONDS=2400
# Time for all fuzz targets, in seconds; to build them comes on top, the first time.
FUZZ_SECONDS=120
passed=0 failed=0
results=$CHECKOUT/build/test
tier_began=

tier() {
	[ -z "$tier_began" ] || tier_end
	tier_began=$SECONDS
	printf '\n== %s\n' "$1"
}

tier_end() {
	printf '   (%d s; %d passed, %d failed so far)\n' $((SECONDS - tier_began)) "$passed" "$failed"
}

check() {
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		echo "not ok $name"
		failed=$((failed + 1))
		return 1
	fi
}

build() {
	"$here/kbuild" build modules >"$results/build.log" 2>&1 || {
		tail -n 40 "$results/build.log" | sed 's/^/    /'
		return 1
	}
}

gates() {
	local gate
	for gate in scripts/gates/*"$T"*.sh; do
		[ -x "$gate" ] || continue
		"$gate" 2>&1 | tee "$results/gate.log" || true
		count "$results/gate.log"
		# A gate that died without a verdict has not passed.
		grep -qE '^(not )?ok ' "$results/gate.log" || check "$(basename "$gate" .sh)" false || true
	done
}

host_tests() {
	local log=$results/cargo.log ran lost
	run_cargo test --workspace --no-fail-fast -- ${T:+"$T"} >"$log" 2>&1 || true
	read -r ran lost < <(awk '/^test result:/ { p += $4; f += $6 } END { print p + 0, f + 0 }' "$log")
	passed=$((passed + ran)) failed=$((failed + lost))
	echo "$ran passed, $lost failed"
	[ "$lost" = 0 ] || grep -E -A 8 '^(test .* FAILED|---- )' "$log" | sed 's/^/    /'
	if ! grep -q '^test result:' "$log"; then
		tail -n 40 "$log" | sed 's/^/    /'
		check "host tests build" false || true
	fi
}

fuzz() {
	SEED=1 TOTAL=$FUZZ_SECONDS "$here/fuzz.sh" 2>&1 | tee "$results/fuzz.log" || true
	count "$results/fuzz.log"
	# One line for each target.
	[ "$(grep -cE '^(not )?ok fuzz: ' "$results/fuzz.log")" = "$(fuzz_targets | wc -l)" ] || check "fuzz: each target ran" false || true
}

# The names of the fuzz targets that T lets through.
fuzz_targets() {
	basename -s .rs -a tests/fuzz/targets/*.rs | sed 's/^/fuzz: /' | grep -F -- "$T" || true
}

# Is there a scenario that T lets through? To boot two VMs for nothing would take a quarter of a minute.
scenarios_match() {
	grep -qF -- "$T" <<<"$(basename -s .py -a tests/net/scenarios/*.py && grep -rhA 3 '^@scenario' tests/net/scenarios | grep -oE '^def \w+')"
}

scenarios() {
	local kind pid_c pid_rust
	rm -rf "${results:?}"/*/
	for kind in c rust; do
		mkdir -p "$results/$kind"
		# Both at once, and instructions as their clock: what they see does not depend on how busy this machine is.
		"$here/vm" -i -m $kind -t $VM_SECONDS -o "$results/$kind" -- tests/net/run ${T:+"$T"} >"$results/$kind/run.log" 2>&1 &
		declare "pid_$kind=$!"
	done
	scenarios_end rust "$pid_rust"
	scenarios_end c "$pid_c"
	compare_runs "$results"
}

# What is about several CPUs at the same time, or about what the kernel waits for, runs once more where there are two threads of
# the host, and a clock that does not skip the time in which nothing happens. Only what is about devices on the C module, too.
parallel() {
	local files=(k_departures k_devices k_namespaces l_table m_leaks t_tables) pid_c pid_rust
	mkdir -p "$results/parallel" "$results/parallel-c"
	"$here/vm" -m rust -t $VM_SECONDS -o "$results/parallel" -- env CLOCK=runs tests/net/run "${files[@]}" >"$results/parallel/run.log" 2>&1 &
	pid_rust=$!
	"$here/vm" -m c -t $VM_SECONDS -o "$results/parallel-c" -- env CLOCK=runs tests/net/run k_departures >"$results/parallel-c/run.log" 2>&1 &
	pid_c=$!
	scenarios_end parallel $pid_rust
	scenarios_end parallel-c $pid_c
}

# Two directors in two VMs, with our module in one or in both: what the backup is told, and that open connections go on there.
# make test-pair does more of it.
pair() {
	a_pair c rust _tells_an_ipv4_group
	a_pair rust c _tells_an_ipv4_group
	a_pair rust rust d_eager downloads_go_on_at_the_backup_when e_move
}

# a_pair MASTER BACKUP PATTERN...: those scenarios on a master and a backup with these modules.
a_pair() {
	local name=pair-$1-$2
	mkdir -p "$results/$name"
	"$here/pair" -a "$1" -b "$2" -o "$results/$name" "${@:3}" >"$results/$name/run.log" 2>&1 &
	scenarios_end "$name" $!
}

# What once harmed the kernel, with freed memory poisoned.
reproductions() {
	local kind=reproduce
	mkdir -p "$results/$kind"
	"$here/vm" -m rust -a slab_debug=P -t $VM_SECONDS -o "$results/$kind" -- tests/debug/reproduce.py >"$results/$kind/run.log" 2>&1 &
	scenarios_end $kind $!
}

# The kernel's own test of IPVS, as it is in the kernel's source; it must run on our modules, and not be skipped.
selftest() {
	local source=$KDIR/source/tools/testing/selftests/net folder=$results/selftest/net
	mkdir -p "$folder/netfilter" &&
		cp -r "$source/lib.sh" "$source/lib" "$folder" &&
		cp "$source/netfilter/ipvs.sh" "$source/netfilter/lib.sh" "$folder/netfilter" &&
		"$here/vm" -i -m rust -t 300 -- scripts/guest/selftest build/test/selftest/net/netfilter 2>&1 |
		tee "$results/selftest.log" | sed 's/^/    /' &&
		grep -q '(Rust)' "$results/selftest.log" && grep -q 'ipvs.sh: .*PASS' "$results/selftest.log"
}

# Our ipvsadm beside Debian's, on both modules at once.
tools() {
	local kind pid_c pid_rust
	for kind in c rust; do
		mkdir -p "$results/ipvsadm-$kind"
		tests/ipvsadm/run $kind >"$results/ipvsadm-$kind/run.log" 2>&1 &
		declare "pid_$kind=$!"
	done
	scenarios_end ipvsadm-c "$pid_c"
	scenarios_end ipvsadm-rust "$pid_rust"
}

# How far the scenarios are, in each VM that has begun.
progress() {
	local log
	for log in "$results"/*/run.log; do
		echo "   done so far on $(basename "$(dirname "$log")"): $(grep -cE '^(not )?ok ' "$log" || true)"
	done
}

# scenarios_end KIND PID: waits for one VM, showing how far all are, and counts its results.
scenarios_end() {
	local log=$results/$1/results.log status=0
	while kill -0 "$2" 2>/dev/null; do
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			sleep 1
			kill -0 "$2" 2>/dev/null || break 2
		done
		progress
	done
	wait "$2" || status=$?
	grep -E '^(not )?ok ' "$results/$1/run.log" | sed -E "s/^(not ok|ok) /\1 $1: /" | tee "$log" || true
	count "$log"
	ran_to_end "$status" "$log" || { [ "$1:$status" = c:0 ] && only_ours "$results"; } || {
		tail -n 80 "$results/$1/run.log" | sed 's/^/    /'
		check "$1: the scenarios ran to the end (status $status)" false || true
	}
}

"$here/setup.sh"
load_lab
mkdir -p "$results"

tier "build"
built=yes
check "modules build" build || built=no
tier "gates"
gates
if [ -f Cargo.toml ]; then
	tier "host tests"
	host_tests
fi
if [ -n "$(fuzz_targets)" ]; then
	tier "fuzz targets"
	fuzz
fi
if [ -x tests/net/run ] && scenarios_match; then
	tier "scenarios in VMs"
	if [ "$built" = yes ]; then
		"$here/example-modules.sh" >"$results/example.log" 2>&1 || check "the modules of CONTRIBUTING.md are built" false || true
		"$here/stale-scheduler.sh" >"$results/stale.log" 2>&1 || check "a stale scheduler is built" false || true
		"$here/second-balancer.sh" >"$results/second.log" 2>&1 || check "a second balancer is built" false || true
		run_cargo build --quiet --release -p tcpvsadm >"$results/tcpvsadm.log" 2>&1 || check "tcpvsadm is built" false || true
		scenarios
		[ -n "$T" ] || parallel
		[ -n "$T" ] || pair
		[ -n "$T" ] || reproductions
		[ -n "$T" ] || tools
	else
		check "scenarios (nothing was built)" false || true
	fi
fi
if [ "$built" = yes ] && [[ ipvs.sh == *"$T"* ]]; then
	tier "the kernel's selftest"
	check "ipvs.sh on our modules" selftest || true
fi
tier_end
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
