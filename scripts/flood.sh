#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Floods the C module and ours in turn and shows the rows side by side: scripts/flood.sh [FLOOD.DEFENCE]...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/lib/say.sh"
. "$here/lib/cache.sh"
cd "$CHECKOUT"
failed=0
for kind in c rust; do
	echo "== $kind"
	"$here/vm" -i -m $kind -t 1200 -o "build/flood/$kind" -- tests/debug/flood.py "$@" || failed=1
done
"$here/in-env" jq -rs '.[0] as $c | .[1] | to_entries[] | "\n\(.value.flood), \(.value.defence):", (.key as $row | .value | to_entries[]
	| select(.value | type != "string") | "  \(.key): \(.value), C \($c[$row][.key])")' \
	build/flood/c/flood.json build/flood/rust/flood.json
exit $failed
