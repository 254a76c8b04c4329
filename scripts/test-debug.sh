#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs what faults are found with on the debug kernel: every scenario, our ipvsadm beside Debian's, every allocation
# failing once, what once harmed the kernel, devices that go while the clock runs on, everything at once on four CPUs; and on the
# stock kernel what once harmed it with each fix taken back. Any line of a checker (KASAN, lockdep, RCU, ...) fails it, and so does memory
# that leaks. T=pattern keeps the scenarios that have the pattern in their name, and leaves the rest out; STORM= (60) is for how
# many seconds everything happens at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for_how_long=${STORM:-60}
"$here/debug-kernel.sh"
export LAB=debug
for part in say cache modules cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
load_lab
T=${T:-}
results=$BUILD/test
# Two busy cores may need hours for what two idle ones do in one.
VM_SECONDS=14400
failed=0 passed=0

# begin NAME VM-OPTIONS... -- COMMAND...: runs a command in a VM, in the background.
begin() {
	local name=$1
	shift
	mkdir -p "$results/$name"
	printf '\n== %s on the debug kernel\n' "$name"
	# There before somebody shows it.
	: >"$results/$name/run.log"
	"$here/vm" -m rust -t "$VM_SECONDS" -o "$results/$name" "$@" >>"$results/$name/run.log" 2>&1 &
	declare -g "pid_$name=$!"
}

# Counts the verdicts of a file.
count() {
	passed=$((passed + $(grep -c '^ok ' "$1" || true)))
	failed=$((failed + $(grep -c '^not ok ' "$1" || true)))
}

# end NAME: waits for it, shows and counts what it said.
end() {
	local log=$results/$1/run.log pid=pid_$1 status=0
	tail -n +1 -f --pid="${!pid}" "$log"
	wait "${!pid}" || status=$?
	count "$log"
	# A status of 1 is what those lines have said already.
	if [ "$status" -gt 1 ] || { [ "$status" = 1 ] && ! grep -q '^not ok ' "$log"; }; then
		echo "not ok $1: ended with status $status"
		failed=$((failed + 1))
	fi
	echo "   ($SECONDS s; $passed passed, $failed failed so far)"
}

rm -rf "$results"
mkdir -p "$results"
"$here/kbuild" "${BUILD##*/}" modules >"$results/build.log" 2>&1 || {
	tail -n 40 "$results/build.log"
	die "the modules do not build against the debug kernel"
}
"$here/stale-scheduler.sh" >"$results/stale.log" 2>&1 || die "no stale scheduler; see $results/stale.log"
"$here/second-balancer.sh" >"$results/second.log" 2>&1 || die "no second balancer; see $results/second.log"
"$here/example-modules.sh" >"$results/example.log" 2>&1 || die "no modules of CONTRIBUTING.md; see $results/example.log"
run_cargo build --quiet --release -p tcpvsadm
if [ -z "$T" ]; then
	module_make "$CHECKOUT/tests/debug/planted" "$BUILD/planted" modules >"$results/planted.log" 2>&1
	run_cargo build --quiet --release -p ipvsadm
fi
# Two VMs at once, as each is one thread of the host.
begin scenarios_1 -i -- env PART=1/2 tests/net/run ${T:+"$T"}
begin scenarios_2 -i -- env PART=2/2 tests/net/run ${T:+"$T"}
end scenarios_1
[ -n "$T" ] || begin ipvsadm -i -- tests/debug/watched.py tests/ipvsadm/guest.py
end scenarios_2
if [ -z "$T" ]; then
	begin faults -i -- tests/debug/faults.py
	end ipvsadm
	begin planted -i -d "$BUILD/planted" -- tests/debug/find_planted.py
	end faults
	end planted
	begin reproduce -- tests/debug/reproduce.py
	end reproduce
	printf '\n== fixes taken back, on the stock kernel\n'
	LAB='' "$here/reverted.sh" 2>&1 | tee "$results/reverted.log" || true
	count "$results/reverted.log"
	# One line for each patch.
	[ "$(grep -cE '^(not )?ok reverted: ' "$results/reverted.log")" = "$(find tests/debug/reverted -name '*.patch' | wc -l)" ] || {
		echo "not ok reverted: each patch was tried"
		failed=$((failed + 1))
	}
	begin departures -s 2 -- env CLOCK=runs tests/net/run k_departures k_devices
	end departures
	begin storm -s 4 -- env SECONDS="$for_how_long" tests/debug/storm.py
	end storm
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
