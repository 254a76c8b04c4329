#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# API documentation: the host crates' by cargo into target/doc, the kernel crates' by rustdoc into target/doc-kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
cd "$CHECKOUT"
[ ! -f Cargo.toml ] || run_cargo doc --workspace --no-deps

# The kernel has no documentation goal for modules out of its tree. But Kbuild keeps the command that compiled each crate;
# the same one with rustdoc in place of rustc documents it, in the order of the crates' dependencies.
for crate in sys core knet ipvs; do
	saved=build/ipvs_rs/$crate/.lib.o.cmd
	[ -f "$saved" ] || die "crate $crate is not built: run make first"
	command=$(sed -nE '1 { s/^[^=]*:= //; s/;.*//; s/ rustc / rustdoc /; s/ --(emit=|out-dir )[^ ]+//g; s/ -C(metadata)=[^ ]+//g; p }' "$saved")
	echo "rustdoc $crate"
	(cd build && "$here/in-env" env RUSTC_BOOTSTRAP=1 IPVS_SYS_OBJ="$CHECKOUT/build/ipvs_rs/sys" bash -c "$command \
		--cap-lints warn --document-private-items --output '$CHECKOUT/target/doc-kernel'")
done
echo "kernel crates: target/doc-kernel/ipvs/index.html; host crates: target/doc/"
