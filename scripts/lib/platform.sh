# SPDX-License-Identifier: GPL-2.0
# Which Debian builds a kernel, and for which processor: both are read off the kernel's version, KVER (7.3.4+deb13-arm64). Without
# one it is the stock kernel of trixie-backports for amd64. Of a tree given as KDIR it is the release that the tree names. Sourced, not run.

# platform KVER: sets SUITE, whose rustc, bindgen and gcc the environment has; APT_SUITES, from which packages are fetched; and
# ARCHITECTURE, Debian's name of the processor.
platform() {
	case $1 in
	# Kernels of forky were built in sid, before they came there.
	*+deb14-*) SUITE=sid APT_SUITES="sid forky" ;;
	*) SUITE=trixie APT_SUITES="trixie trixie-backports" ;;
	esac
	case $1 in
	*-arm64) ARCHITECTURE=arm64 ;;
	*) ARCHITECTURE=amd64 ;;
	esac
}

# compiler CONFIG: make's words for the compiler and the processor that a kernel's configuration names. A gcc that the environment
# ENV lacks, or that is not named, is the environment's for that processor: Debian's trees name theirs, others may name any.
compiler() {
	local cc prefix=x86_64-linux-gnu found
	! grep -q '^CONFIG_ARM64=y' "$1" || prefix=aarch64-linux-gnu
	cc=$(sed -nE 's/^CONFIG_CC_VERSION_TEXT="?([^ "]+) .*/\1/p' "$1")
	cc=${cc##*/}
	# Without a prefix it is the compiler of the host that built the kernel; ours is amd64.
	[ "$prefix" != aarch64-linux-gnu ] || [[ $cc == "$prefix"-* ]] || cc=
	if grep -q '^CONFIG_CC_IS_CLANG=y' "$1"; then
		cc=LLVM=1
	else
		if [ -z "$cc" ] || [ ! -x "$ENV/usr/bin/$cc" ]; then
			cc=$prefix-gcc-14
			for found in "$ENV/usr/bin/$prefix"-gcc-[0-9]*; do
				[ ! -x "$found" ] || cc=${found##*/}
			done
		fi
		cc=CC=$cc
	fi
	if [ "$prefix" = aarch64-linux-gnu ]; then
		echo "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- $cc CROSS_COMPILE_COMPAT=arm-linux-gnueabihf-" \
			"CC_COMPAT=arm-linux-gnueabihf-${cc##*-gnu-}"
	else
		echo "$cc"
	fi
}
