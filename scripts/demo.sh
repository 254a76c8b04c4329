#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shows the load balancer at work, in a VM with Debian's stock kernel: a client, a director and two web servers.
# MODULES=c shows the same with Debian's own C module; `scripts/demo.sh top` ends with our `ipvsadm top`, as the README shows it.
# `scripts/demo.sh l7` shows the layer-7 switch instead: a client, a director and three web servers.
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
program=demo
case ${1:-} in
top) run_cargo build --quiet --release -p ipvsadm ;;
l7)
	run_cargo build --quiet --release -p tcpvsadm
	program=demo-l7
	shift
	;;
esac
echo "Booting Debian's stock kernel in a VM (some seconds) ..."
"$here/vm" -m "$modules" -t 120 -- scripts/guest/$program "$@"
