#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds everything for arm64 and tries it on Debian's kernel for that processor, of the stock kernel's version (or KVER=), in an emulated
# machine: each module loads and goes, our ipvsadm balances by NAT and by direct routing, and the scenarios see the same on the C
# module and on ours. T=pattern keeps the scenarios that have the pattern in their name. What is made is in build-arm64 and target/aarch64-*.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache host verdicts; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
if [ -z "${KVER:-}" ]; then
	env -u LAB -u KVER -u KDIR -u KIMAGE -u KMODULES "$here/setup.sh"
	KVER=$(LAB_ENV=$CACHE/lab.env && load_lab && echo "${KVER%-*}-arm64")
fi
export LAB=arm64 KVER
LAB_ENV=$CACHE/arm64.env BUILD=$CHECKOUT/build-arm64
T=${T:-}
VM_SECONDS=14400
results=$BUILD/test
passed=0 failed=0
mkdir -p "$LOGS"
install_arm64_emulator
"$here/setup.sh"
load_lab
rm -rf "$results"
mkdir -p "$results"

# check NAME CMD...: CMD's words are in a log of that name.
check() {
	local name=$1 log=$results/${1// /-}.log
	if "${@:2}" >"$log" 2>&1; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		tail -n 30 "$log" | sed 's/^/    /'
		echo "not ok $name"
		failed=$((failed + 1))
	fi
}

tools() {
	"$here/in-env" env CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc-14 \
		cargo build --release --target aarch64-unknown-linux-gnu -p ipvsadm -p tcpvsadm
}

# end NAME PID: waits for a VM, shows and counts what it said.
end() {
	local log=$results/$1/run.log status=0
	wait "$2" || status=$?
	grep -E '^(not )?ok ' "$log" | sed -E "s/^(not ok|ok) /\1 $1: /" | tee "$results/$1/results.log" || true
	count "$results/$1/results.log"
	ran_to_end "$status" "$log" || { [ "$1:$status" = c:0 ] && only_ours "$results"; } || {
		tail -n 40 "$log" | sed 's/^/    /'
		echo "not ok $1: ran to its end (status $status)"
		failed=$((failed + 1))
	}
}

# begin NAME VM-OPTIONS... -- COMMAND...: a VM in the background, whose process is PID.
begin() {
	mkdir -p "$results/$1"
	"$here/vm" -i -t $VM_SECONDS -o "$results/$1" "${@:2}" >"$results/$1/run.log" 2>&1 &
	PID=$!
}

check "modules are built" "$here/kbuild" build-arm64 modules
check "examples are built" "$here/example-modules.sh"
check "modules of other sources are built" "$here/stale-scheduler.sh"
check "second balancer is built" "$here/second-balancer.sh"
check "tools are built" tools
begin balances -m rust -- scripts/guest/arm64
end balances $PID
# Each is one thread of the host.
begin c -m c -- tests/net/run ${T:+"$T"}
pid_c=$PID
begin rust -m rust -- tests/net/run ${T:+"$T"}
end rust $PID
end c $pid_c
compare_runs "$results"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
