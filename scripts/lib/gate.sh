# SPDX-License-Identifier: GPL-2.0
# What every gate (scripts/gates/*.sh) shares: one line `ok NAME` or `not ok NAME: reason`, the offending lines below.
# Sourced, not run.
set -euo pipefail
GATE=$(basename "$0" .sh)
. "$(dirname "$0")/../lib/say.sh"
. "$(dirname "$0")/../lib/cache.sh"
. "$(dirname "$0")/../lib/sources.sh"
cd "$CHECKOUT"

pass() {
	echo "ok $GATE${1:+ ($1)}"
	exit 0
}

# fail REASON [LINES]
fail() {
	echo "not ok $GATE: $1"
	[ -z "${2:-}" ] || head -n 20 <<<"$2" | sed 's/^/    /'
	exit 1
}

# Passes when there are no offending LINES: verdict REASON LINES
verdict() {
	[ -z "$2" ] || fail "$1" "$2"
	pass
}
