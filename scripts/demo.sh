#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shows the load balancer at work, in a VM with Debian's stock kernel: a client, a director and two web servers.
# MODULES=c shows the same with Debian's own C module; `scripts/demo.sh top` ends with our `ipvsadm top`, as the README shows it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
modules=${MODULES:-rust}
if [ "$modules" = rust ]; then
	echo "Building the modules ..."
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	"$here/kbuild" build modules >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		exit 1
	}
fi
[ "${1:-}" != top ] || run_cargo build --quiet --release -p ipvsadm
echo "Booting Debian's stock kernel in a VM (some seconds) ..."
"$here/vm" -m "$modules" -t 120 -- scripts/guest/demo "$@"
