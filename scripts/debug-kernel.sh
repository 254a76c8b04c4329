#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the debug kernel (scripts/debug/config) of the same source as the stock one, with clang, which KASAN needs together
# with Rust, and makes the lab that LAB=debug chooses: LAB=debug scripts/kbuild build-debug modules, LAB=debug scripts/vm ...
# Kept in the cache by version and configuration, taken up again where it was interrupted; with nothing to do it takes no time.
# The C module is built along, so that both can be looked at.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
LAB=
for part in say cache boot; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
config=$here/debug/config
source=$CACHE/kernel-$KVER/source
[ -d "$source" ] || die "a debug kernel needs the source of the stock kernel, and KDIR=$KDIR was given without"
tree=$CACHE/debug-$KVER/$({ echo "$KVER" && cat "$config"; } | sha256sum | cut -c 1-12)
release=${KVER%%[+-]*}-debug

debug_make() {
	"$here/in-env" nice make -C "$source" O="$tree/build" LLVM=1 KERNELRELEASE="$release" -j"$(nproc)" "$@"
}

# What the configuration asks for and the kernel did not take: another version may have renamed it.
check_config() {
	local line lost=
	while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=" "$tree/build/.config" || lost+=" $line" ;;
		*) grep -qxF "$line" "$tree/build/.config" || lost+=" $line" ;;
		esac
	done < <(grep '^CONFIG_' "$config")
	[ -z "$lost" ] || die "this kernel does not take$lost"
}

STEP_TOTAL=3
mkdir -p "$tree/build" "$LOGS"
exec {lock}>"$tree/.lock"
flock "$lock"
if [ ! -e "$tree/.built" ]; then
	step "debug kernel: configuration"
	if [ ! -e "$tree/build/.config" ]; then
		progress "$LOGS/debug-config.log" - debug_make KCONFIG_ALLCONFIG="$config" allnoconfig ||
			die "configuring the debug kernel failed; make's words are in $LOGS/debug-config.log"
	fi
	check_config
	step "debug kernel: build (8 minutes on two idle cores, half an hour on busy ones)"
	progress "$LOGS/debug-build.log" - debug_make all ||
		die "building the debug kernel failed; make's words are in $LOGS/debug-build.log"
	step "debug kernel: its modules"
	progress "$LOGS/debug-modules.log" - debug_make INSTALL_MOD_PATH="$tree/root" DEPMOD=true modules_install ||
		die "installing its modules failed; make's words are in $LOGS/debug-modules.log"
	touch "$tree/.built"
fi

KVER=$release
KDIR=$tree/build
KIMAGE=$KDIR/arch/x86/boot/bzImage
KMODULES=$tree/root/lib/modules/$KVER
VM_TREE=$tree/vm-$(boot_key)
INITRAMFS=$VM_TREE.cpio
make_vm_tree
[ -e "$INITRAMFS" ] || make_initramfs
# 5-level paging gives KASAN false reports early on.
VM_CPU=,la57=off
VM_APPEND=kasan_multi_shot
VM_MEMORY=2560
for name in KVER KDIR ENV KIMAGE KMODULES VM_TREE INITRAMFS ARCHITECTURE GUEST_ROOT VM_CPU VM_APPEND VM_MEMORY; do
	printf '%s=%q\n' "$name" "${!name}"
done >"$CACHE/debug.env.partial"
mv "$CACHE/debug.env.partial" "$CACHE/debug.env"
echo "debug lab: kernel $KVER, tree $tree"
