# SPDX-License-Identifier: GPL-2.0
# Is the prepared tree really the stock kernel's? Sourced, not run.

# The mangled names of Rust symbols in Module.symvers or nm output.
rust_symbols() {
	grep -oE '\b_R[A-Za-z0-9_]+' | sort -u
}

# A configuration without the revision of the compiler's package; the compiler's version stays.
same_gcc() {
	sed -E '/^CONFIG_CC_VERSION_TEXT=/s/ \(Debian [^)]*\)//' "$1"
}

# Our compiler must mangle every name that the stock kernel exports in the same way, or no Rust module would load.
verify_kernel_tree() {
	local headers=$KERNEL/packages/usr/src/linux-headers-$KVER tree=$KERNEL/build theirs ours
	# sid may have another Debian revision of the same gcc by now.
	cmp -s <(same_gcc "$headers/.config") <(same_gcc "$tree/.config") ||
		die "olddefconfig changed the stock configuration: compare $headers/.config with $tree/.config"
	theirs=$(rust_symbols <"$headers/Module.symvers")
	ours=$("$CHECKOUT/scripts/in-env" sh -c "cat $tree/rust/exports_*_generated.h" | rust_symbols)
	[ -n "$theirs" ] || die "the stock kernel exports no Rust symbols: was it built with CONFIG_RUST?"
	if [ "$theirs" != "$ours" ]; then
		diff <(echo "$theirs") <(echo "$ours") >"$LOGS/kernel-symbols.diff" || true
		die "the prepared tree mangles Rust symbols in another way than the stock kernel; see $LOGS/kernel-symbols.diff"
	fi
	note "configuration unchanged; all $(wc -l <<<"$theirs") exported Rust symbols are the stock kernel's"
}
