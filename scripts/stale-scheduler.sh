#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds a scheduler, an engine, a helper and the match of iptables as an older or newer source tree would give them: of a copy
# of this one in which a file changed that decides what they and ip_vs share. Tests see them refused. The names keep them from
# being installed with the others.
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
for module in ip_vs_rr ip_vs_pe_sip ip_vs_ftp xt_ipvs; do
	mv "$copy/out/$module.ko" "$copy/$module.ko.stale"
done
find "$copy/out" -name '*.ko' -delete
