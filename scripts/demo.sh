#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shows the load balancer at work, in a VM with Debian's stock kernel: a client, a director and two web servers.
# MODULES=c shows the same with Debian's own C module.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
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
echo "Booting Debian's stock kernel in a VM (some seconds) ..."
"$here/vm" -m "$modules" -t 120 -- scripts/guest/demo
