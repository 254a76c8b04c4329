#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Makes the pictures in docs/pictures: what `ipvsadm top`, `monitor` and `report` show of traffic in a VM. Screens are drawn from what
# the programs print to a terminal (scripts/lib/screen.py), the report by a headless Chromium. They differ each time: look at
# them before they are committed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
command -v chromium >/dev/null || die "the picture of the report needs Chromium: sudo apt install chromium fonts-dejavu-core"
out=build/pictures pictures=docs/pictures
# Enough for the plots and the table, not for the drops below them.
REPORT_WIDE=1000 REPORT_HIGH=1000

# report_picture: a page of its own profile that asks nobody on the network.
report_picture() {
	local profile
	profile=$(mktemp -d)
	timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$profile" --window-size=$REPORT_WIDE,$REPORT_HIGH \
		--screenshot="$PWD/$pictures/report.png" "file://$PWD/$out/report.html" >"$out/chromium.log" 2>&1 || {
		rm -rf "$profile"
		tail -n 5 "$out/chromium.log" >&2
		die "Chromium makes no picture; all words are in $out/chromium.log"
	}
	rm -rf "$profile"
}

mkdir -p "$out" "$pictures"
[ -n "${KEEP:-}" ] || {
	rm -f "$out"/*.terminal "$out/report.html"
	"$here/tools.sh" ipvsadm
	"$here/vm" -i -m rust -t 900 -o "$out" -- scripts/guest/pictures
}
python3 "$here/lib/screen.py" "director# ipvsadm top" 110 17 <"$out/top.terminal" >"$pictures/top.svg"
python3 "$here/lib/screen.py" "director# ipvsadm monitor -t" 110 9 <"$out/monitor.terminal" >"$pictures/monitor.svg"
report_picture
ls -l "$pictures"
