# SPDX-License-Identifier: GPL-2.0
# A kernel of Debian's: which version, its seven packages, and the tree prepared for building Rust modules.
# Sourced, not run.

# The series whose internal interfaces the modules are written against.
KERNEL_SERIES='7\.[23]'
KERNEL_SERIES_NAMES='7.2 or 7.3'

# kernel_packages KVER: the packages of one version, KVER being what uname -r says (7.2.12+deb13-amd64).
kernel_packages() {
	local bare=${1%-"$ARCHITECTURE"} series
	series=$(printf '%s' "$1" | grep -oE '^[0-9]+\.[0-9]+')
	echo "linux-headers-$1 linux-headers-$bare-common linux-kbuild-$bare linux-source-$series" \
		"linux-binary-$1 linux-modules-$1 linux-base-$1"
}

# package_versions PACKAGE: the versions that the environment's apt can fetch.
package_versions() {
	"$CHECKOUT/scripts/in-env" apt-cache madison "$1" | awk -F ' *\\| *' '{ print $2 }'
}

# Sets KVER (unless given) to the newest version of which all packages are there, and KERNEL_DEBIAN to their version.
choose_kernel() {
	local candidates candidate
	progress "$LOGS/kernel-lists.log" - "$CHECKOUT/scripts/in-env" --root apt-get update ||
		die "could not fetch the package lists of $APT_SUITES; apt's words are in $LOGS/kernel-lists.log"
	candidates=${KVER:-$("$CHECKOUT/scripts/in-env" apt-cache pkgnames linux-headers- |
		sed -nE "s/^linux-headers-($KERNEL_SERIES\.[0-9]+\+deb13-amd64)\$/\1/p" | sort -rV)}
	for candidate in $candidates; do
		if kernel_is_complete "$candidate"; then
			KVER=$candidate
			return
		fi
		note "$candidate: $KERNEL_LACKS is not there (yet, or any more)"
	done
	die "no kernel version with all of its packages in $APT_SUITES (looked at: ${candidates:-none})"
}

# Sets KERNEL_DEBIAN; or KERNEL_LACKS, the first package that is not there at the version of the headers.
kernel_is_complete() {
	local package packages
	packages=$(kernel_packages "$1")
	KERNEL_DEBIAN=$(package_versions "linux-headers-$1")
	KERNEL_DEBIAN=${KERNEL_DEBIAN%%$'\n'*}
	for package in $packages; do
		KERNEL_LACKS=$package
		[ -n "$KERNEL_DEBIAN" ] && grep -qxF "$KERNEL_DEBIAN" <<<"$(package_versions "$package")" || return 1
	done
}

# Fetches (apt verifies the checksums) and unpacks the packages into $KERNEL/packages.
unpack_kernel_packages() {
	local debs=$KERNEL/debs package
	local -a wanted
	[ -d "$KERNEL/packages" ] && return
	mkdir -p "$debs" "$KERNEL/packages.partial"
	for package in $(kernel_packages "$KVER"); do
		wanted+=("$package=$KERNEL_DEBIAN")
	done
	(cd "$debs" && progress "$LOGS/kernel-download.log" "$debs" "$CHECKOUT/scripts/in-env" --root \
		apt-get -o APT::Sandbox::User=root download "${wanted[@]}") ||
		die "could not download the packages of $KVER; apt's words are in $LOGS/kernel-download.log"
	progress "$LOGS/kernel-unpack.log" "$KERNEL/packages.partial" \
		bash -c 'for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done' - "$debs" "$KERNEL/packages.partial" ||
		die "could not unpack the packages of $KVER; see $LOGS/kernel-unpack.log"
	mv "$KERNEL/packages.partial" "$KERNEL/packages"
	rm -rf "$debs"
}

# The source of another processor's kernel of the same version is the same: its files get a second name.
unpack_kernel_source() {
	local other
	[ -d "$KERNEL/source" ] && return
	rm -rf "$KERNEL/source.partial"
	for other in "$CACHE/kernel-${KVER%-"$ARCHITECTURE"}"-*; do
		if [ -d "$other/source" ] && cmp -s "$other"/packages/usr/src/linux-source-*.tar.xz "$KERNEL"/packages/usr/src/linux-source-*.tar.xz; then
			# A file system may have no second names, or not for files of others.
			if cp -al "$other/source" "$KERNEL/source.partial" 2>"$LOGS/kernel-source.log"; then
				mv "$KERNEL/source.partial" "$KERNEL/source"
				return
			fi
			rm -rf "$KERNEL/source.partial"
		fi
	done
	mkdir -p "$KERNEL/source.partial"
	progress "$LOGS/kernel-source.log" "$KERNEL/source.partial" tar -C "$KERNEL/source.partial" \
		--strip-components=1 -xf "$KERNEL"/packages/usr/src/linux-source-*.tar.xz ||
		die "could not unpack the kernel source; tar's words are in $LOGS/kernel-source.log"
	mv "$KERNEL/source.partial" "$KERNEL/source"
}

kernel_make() {
	# shellcheck disable=SC2046
	"$CHECKOUT/scripts/in-env" make -C "$KERNEL/source" O="$1" $(compiler "$1/.config") KERNELRELEASE="$KVER" -j"$(nproc)" \
		"${@:2}"
}

# Makes $KERNEL/build: the headers package's configuration plus the compiled Rust metadata that it lacks.
prepare_kernel_tree() {
	local headers=$KERNEL/packages/usr/src/linux-headers-$KVER tree=$KERNEL/build
	[ -f "$tree/.prepared" ] && return
	mkdir -p "$tree"
	cp "$headers/.config" "$tree/.config"
	progress "$LOGS/kernel-prepare.log" - kernel_make "$tree" olddefconfig prepare modules_prepare ||
		die "preparing the kernel tree failed; make's words are in $LOGS/kernel-prepare.log"
	cp "$headers/Module.symvers" "$tree/Module.symvers"
	touch "$tree/.prepared"
}
