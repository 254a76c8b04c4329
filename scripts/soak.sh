#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mixed traffic for so many minutes, of the VM's clock, on the C module and ours: scripts/soak.sh MINUTES. The rows, a table and a
# plot (soak.svg) are in build/soak.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/lib/say.sh"
. "$here/lib/cache.sh"
cd "$CHECKOUT"
minutes=${1:?usage: scripts/soak.sh MINUTES}
failed=0
for kind in c rust; do
	echo "== $kind"
	# A busy host may take many times as long as the VM's clock says.
	"$here/vm" -i -m $kind -t $((minutes * 600 + 600)) -o "build/soak/$kind" -- tests/debug/soak.py "$minutes" || failed=1
done
tests/debug/plot.py build/soak
exit $failed
