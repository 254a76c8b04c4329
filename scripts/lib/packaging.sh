# SPDX-License-Identifier: GPL-2.0
# Two more Debian trees beside the build environment: one with the tools that make and check packages, and one that is the disk of
# the VM in which packages are tried. Both are kept in the cache. Sourced, not run.

PACKAGING_PACKAGES="debhelper dpkg-dev lintian mandoc systemd e2fsprogs openssl file kmod binutils ovmf python3-virt-firmware xz-utils"
# A small director as an administrator has it, with nothing of this project.
DIRECTOR_PACKAGES="systemd-sysv udev initramfs-tools kmod procps iproute2 ipvsadm keepalived curl python3-minimal openssl sudo"
# Drivers that a VM never has would only make depmod slow under emulation.
DIRECTOR_DPKG=(--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/*' --dpkgopt='path-exclude=/usr/lib/modules/*/kernel/sound/*'
	--dpkgopt='path-include=*/drivers/block/virtio_blk*' --dpkgopt='path-include=*/drivers/net/dummy*'
	--dpkgopt='path-include=*/drivers/net/veth*')

# tree_key WORD...: changes whenever one of the words does.
tree_key() {
	printf '%s\n' "$@" | sha256sum | cut -c 1-12
}

# Sets PACKAGING, the tree with debhelper, lintian, mandoc and systemd, and makes it unless it is there.
packaging_environment() {
	# shellcheck disable=SC2086
	PACKAGING=$CACHE/packaging-$(tree_key trixie $PACKAGING_PACKAGES)
	# shellcheck disable=SC2086
	[ -d "$PACKAGING" ] || make_debian "$PACKAGING" "$LOGS/packaging.log" "$(printf '%s,' $PACKAGING_PACKAGES)"
}

# Sets KERNEL_DEBIAN, the version of the packages of the kernel KVER, from the one that was unpacked for the lab.
kernel_debian_version() {
	local changes=$KMODULES/../../../share/doc/linux-modules-$KVER/changelog.Debian.gz
	[ -f "$changes" ] || die "$changes is missing: packages are made for Debian's own kernels only"
	KERNEL_DEBIAN=$(zcat "$changes" | sed -nE '1s/^[^(]*\(([^)]*)\).*/\1/p')
}

# Sets DIRECTOR, a Debian with the kernel KVER as a package, and makes it unless it is there.
director_tree() {
	local pin
	# shellcheck disable=SC2086
	DIRECTOR=$CACHE/director-$(tree_key "$KVER" "$KERNEL_DEBIAN" $DIRECTOR_PACKAGES "${DIRECTOR_DPKG[@]}")
	[ -d "$DIRECTOR" ] && return
	pin='Package: linux-*\nPin: release n=trixie-backports\nPin-Priority: 900\n'
	# shellcheck disable=SC2086
	make_debian "$DIRECTOR" "$LOGS/director.log" "$(printf '%s,' $DIRECTOR_PACKAGES "linux-image-$KVER=$KERNEL_DEBIAN" "linux-kbuild-${KVER%-*}=$KERNEL_DEBIAN")" "${DIRECTOR_DPKG[@]}" \
		--setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" && printf '$pin' >\"\$1/etc/apt/preferences.d/kernel\""
}
