# SPDX-License-Identifier: GPL-2.0
# What the test VM boots with: a module tree without what a VM never needs, and a tiny initramfs. Sourced, not run.

# Enough of the stock kernel's modules for networking; a whole tree would take depmod and modprobe longer.
VM_MODULES='^(net|lib|crypto|arch/[a-z0-9]+/crypto|fs/(9p|netfs|overlayfs|configfs)|drivers/net|drivers/virtio)/'
VM_MODULES_NOT='^drivers/net/(ethernet|wireless|usb|can|wwan|phy|dsa|arcnet|hamradio|fddi|pcs|mdio|ieee802154|ipa)/'
# In the order of their dependencies. virtio-pci and the consoles are built into Debian's kernels.
BOOT_MODULES="fs/netfs/netfs net/9p/9pnet net/9p/9pnet_virtio fs/9p/9p fs/overlayfs/overlay"

# Changes whenever what is made here would.
boot_key() {
	{ echo "${KMODULES:-}" && cat "$CHECKOUT/scripts/lib/boot.sh" "$CHECKOUT/scripts/guest/initramfs-init"; } |
		sha256sum | cut -c 1-12
}

# Makes VM_TREE (a lib/modules/KVER) from KMODULES, unpacked: under emulation the guest is slow at that.
make_vm_tree() {
	local partial=$VM_TREE.partial module
	[ -d "$VM_TREE" ] && return
	rm -rf "$partial"
	mkdir -p "$partial/kernel"
	cp "$KMODULES"/modules.order "$KMODULES"/modules.builtin* "$partial/"
	(cd "$KMODULES/kernel" && find . -name '*.ko*' -printf '%P\n') |
		grep -E "$VM_MODULES" | grep -vE "$VM_MODULES_NOT" |
		while read -r module; do
			mkdir -p "$partial/kernel/${module%/*}"
			case $module in
			*.xz) xz -dc "$KMODULES/kernel/$module" >"$partial/kernel/${module%.xz}" ;;
			*.zst) zstd -qdc "$KMODULES/kernel/$module" >"$partial/kernel/${module%.zst}" ;;
			*) cp "$KMODULES/kernel/$module" "$partial/kernel/$module" ;;
			esac
		done
	mv "$partial" "$VM_TREE"
}

# Makes INITRAMFS: busybox, the boot modules and scripts/guest/initramfs-init. Not compressed: QEMU loads it at once,
# the guest would unpack it slowly.
make_initramfs() {
	local root module
	root=$(mktemp -d)
	mkdir -p "$root"/{bin,dev,proc,sys,modules,root}
	cp "$GUEST_ROOT/usr/bin/busybox" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	for module in $BOOT_MODULES; do
		# A kernel that has one of these built in needs no module for it.
		[ ! -f "$VM_TREE/kernel/$module.ko" ] || cp "$VM_TREE/kernel/$module.ko" "$root/modules/"
		echo "${module##*/}" >>"$root/modules/order"
	done
	cp "$CHECKOUT/scripts/guest/initramfs-init" "$root/init"
	chmod +x "$root/init"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$INITRAMFS.partial"
	mv "$INITRAMFS.partial" "$INITRAMFS"
	rm -rf "$root"
}
