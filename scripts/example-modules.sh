#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the modules that CONTRIBUTING.md shows, outside of the tree, against the modules in build/; each is called what it
# says. And the helper once more by another name, which is not installed with the others. Tests run them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache modules; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
example=$BUILD/example
rm -rf "$example"
mkdir -p "$example/source"
awk -v folder="$example/source" '
	/^```rust$/ { text = name = ""; inside = 1; next }
	/^```$/ && inside { printf "%s", text >(folder "/" name ".rs"); inside = 0 }
	inside { text = text $0 "\n" }
	inside && match($0, /^    name: "[a-z_]+"/) { name = substr($0, 12, RLENGTH - 12) }' "$CHECKOUT/CONTRIBUTING.md"
sed 's/"ip_vs_at"/"ip_vs_at_again"/; s/"at"/"again"/' "$example/source/ip_vs_at.rs" >"$example/source/ip_vs_at_again.rs"
for file in "$example/source"/*.rs; do
	name=$(basename "$file" .rs)
	echo "obj-m += $name.o"
	echo "RUSTFLAGS_$name.o := -Dwarnings -Funsafe_code -L \$(IPVS) --extern ipvs --extern ipvs_core"
done >"$example/source/Kbuild"
module_make "$example/source" "$example" IPVS="$BUILD" KBUILD_EXTRA_SYMBOLS="$BUILD/Module.symvers" modules
mv "$example/ip_vs_at_again.ko" "$example/ip_vs_at_again.ko.test"
