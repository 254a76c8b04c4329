#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds a scheduler as an older or newer source tree would give it: of a copy of this one in which a file changed that
# decides what schedulers and ip_vs share. A test sees it refused. The name keeps it from being installed with the others.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache modules; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
copy=$BUILD/stale
copy_sources "$copy"
echo '// Another layout.' >>"$copy/ipvs_rs/ipvs/model/pool.rs"
module_make "$copy" "$copy/out" modules
mv "$copy/out/ip_vs_rr.ko" "$copy/ip_vs_rr.ko.stale"
find "$copy/out" -name '*.ko' -delete
