#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ipvs-netlink could go to crates.io: cargo makes packages of it and of ipvs_core, which it needs, and builds them from these alone,
# with all features. That is `cargo publish --dry-run` without its look at crates.io, so it needs no network if the libraries are
# there. cargo takes several packages that need each other from 1.90 on; an older one only lists the files.
. "$(dirname "$0")/../lib/gate.sh"
. scripts/lib/cargo.sh
packages=(-p ipvs_core -p ipvs-netlink)
for wanted in description license keywords categories rust-version; do
	for manifest in ipvs_rs/core/Cargo.toml userspace/ipvs-netlink/Cargo.toml; do
		grep -qE "^$wanted(\.workspace)? = " "$manifest" || fail "$manifest has no $wanted"
	done
done
minor=$({ cargo --version 2>/dev/null || true; } | sed -nE 's/^cargo 1\.([0-9]+)\..*/\1/p')
if [ "${minor:-0}" -lt 90 ]; then
	for package in ipvs_core ipvs-netlink; do
		said=$(run_cargo package --list --allow-dirty -p "$package" 2>&1) || fail "$package makes no package" "$said"
		grep -q '^Cargo.toml$' <<<"$said" || fail "$package makes an odd package" "$said"
	done
	pass "listed only: cargo is older than 1.90"
fi
package() {
	cargo package --quiet --allow-dirty --all-features "${packages[@]}" "$@" 2>&1
}
said=$(package --offline) || said=$(package) || fail "ipvs-netlink makes no package" "$(grep -vE '^ *(Packag|Updat|Verify|Compil)' <<<"$said")"
pass
