#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds programs of ours into target/release, where VMs find them: scripts/tools.sh PACKAGE...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
run_cargo build --quiet --release "${@/#/--package=}"
