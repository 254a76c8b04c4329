#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds tests/kbuild/second_balancer.rs, outside of the tree, against the base in build/, as a balancer of its own: tests load it
# beside ip_vs. So does the module there that tests sockets and threads. Then the base as an older or newer source tree would give it, and that balancer against it: tests see them refused.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache modules; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
make_second_balancer "$BUILD" "$BUILD/second"

copy=$BUILD/stale-base
copy_sources "$copy"
echo '// Another layout.' >>"$copy/ipvs_rs/knet/rcu/slot.rs"
module_make "$copy" "$copy/out" ipvs_rs.ko
cp "$copy/out/ipvs_rs.ko" "$copy/ipvs_rs.ko.stale"
make_second_balancer "$copy/out" "$copy"
find "$copy/out" -name '*.ko' -delete
