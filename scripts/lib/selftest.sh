# SPDX-License-Identifier: GPL-2.0
# The kernel's own test of IPVS, ipvs.sh. Sourced, not run.

# copy_selftest FOLDER: copies it from the kernel's source, as it is, with what it needs, to FOLDER/netfilter.
copy_selftest() {
	local source=$KDIR/source/tools/testing/selftests/net
	mkdir -p "$1/netfilter" &&
		cp -r "$source/lib.sh" "$source/lib" "$1" &&
		cp "$source/netfilter/ipvs.sh" "$source/netfilter/lib.sh" "$1/netfilter"
}
