#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# API documentation: the host crates' by cargo, the kernel crates' by the rules in Kbuild.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
run_cargo doc --workspace --no-deps
"$here/kbuild" build IPVS_DOC=1 modules
