#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the scheduler that CONTRIBUTING.md shows, outside of the tree, against the modules in build/. A test runs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
example=$CHECKOUT/build/example
mkdir -p "$example/source"
sed -n '/^```rust$/,/^```$/p' "$CHECKOUT/CONTRIBUTING.md" | grep -v '^```' >"$example/source/ip_vs_first.rs"
cat >"$example/source/Kbuild" <<'END'
obj-m += ip_vs_first.o
RUSTFLAGS_ip_vs_first.o := -Dwarnings -Funsafe_code -L $(IPVS) --extern ipvs --extern ipvs_core
END
"$here/in-env" make -C "$KDIR" --no-print-directory CC=x86_64-linux-gnu-gcc-14 KERNELRELEASE="$KVER" \
	M="$example/source" MO="$example" IPVS="$CHECKOUT/build" KBUILD_EXTRA_SYMBOLS="$CHECKOUT/build/Module.symvers" modules
