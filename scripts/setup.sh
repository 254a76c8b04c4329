#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sets up the lab: host packages, build environment, stock kernel, prepared tree. Each step is done once, kept in the
# cache folder, and taken up again where it was interrupted. With nothing to do it takes no time.
#
#   KVER=7.2.12+deb13-amd64    another version of the stock kernel than the newest complete one; +deb14 is one of forky or sid,
#                              which gets an environment of sid, and -arm64 one for that processor
#   KDIR=FOLDER                a prepared tree of any other Rust-enabled kernel instead (then for the test VMs also
#                              KIMAGE=vmlinuz and KMODULES=lib/modules/VERSION)
#   MIRROR=URL                 the Debian mirror, where the host's apt should not decide
#
# `setup.sh verify` only compares the prepared tree with the stock kernel again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache host platform environment guest-root kernel verify boot; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done

if [ "${1:-}" = verify ]; then
	load_lab
	KERNEL=$CACHE/kernel-$KVER
	[ "$KDIR" = "$KERNEL/build" ] || die "KDIR=$KDIR was given: there is no stock tree to compare with"
	verify_kernel_tree
	exit
fi

[ "$(uname -m)" = x86_64 ] || die "the lab needs a host of amd64, and this is $(uname -m); modules for arm64 are built there, too: make test-arm64"
if [ -n "${KDIR:-}" ]; then
	[ -f "$KDIR/rust/libkernel.rmeta" ] || die "KDIR=$KDIR is not a prepared tree: it lacks rust/libkernel.rmeta"
	KVER=$(cat "$KDIR/include/config/kernel.release")
fi
platform "${KVER:-}"
# Ends here where there is none: within $(...) only the subshell would end.
environment_packages >/dev/null
# What was asked for, so that another request is not answered with the old lab.
request="$(environment_key) $(boot_key)$(guest_root_key) KVER=${KVER:-} KDIR=${KDIR:-} KIMAGE=${KIMAGE:-} KMODULES=${KMODULES:-}"
ENV=$(environment_path)
export ENV

say_where() {
	# shellcheck source=/dev/null
	(. "$LAB_ENV" && printf '%s\n' "lab: kernel $KVER, prepared tree $KDIR" "lab: environment $ENV, all paths in $LAB_ENV")
}

if [ -f "$LAB_ENV" ] && grep -qxF "# $request" "$LAB_ENV" && host_is_ready; then
	say_where
	exit
fi

STEP_TOTAL=8
[ -z "${KDIR:-}" ] || STEP_TOTAL=4
mkdir -p "$CACHE" "$LOGS"
exec {lock}>"$CACHE/setup.lock"
flock "$lock"

step "packages of the host"
install_host_packages
step "build environment ($SUITE, 2 GB, about a minute)"
make_environment

if [ -n "${KDIR:-}" ]; then
	step "kernel: the prepared tree $KDIR ($KVER)"
else
	step "kernel version"
	choose_kernel
	note "$KVER (Debian version $KERNEL_DEBIAN)"
	KERNEL=$CACHE/kernel-$KVER
	step "kernel packages (seven, about 270 MB)"
	unpack_kernel_packages
	step "kernel source (about 1.8 GB)"
	unpack_kernel_source
	step "prepared tree (about two minutes)"
	prepare_kernel_tree
	step "is it the stock kernel's?"
	verify_kernel_tree
	KDIR=$KERNEL/build
	KIMAGE=$KERNEL/packages/usr/lib/modules/$KVER/vmlinuz
	KMODULES=$KERNEL/packages/usr/lib/modules/$KVER
fi
VM_TREE=
INITRAMFS=
GUEST_ROOT=$ENV
if [ -n "${KIMAGE:-}" ]; then
	step "root, modules and initramfs for the test VMs"
	make_guest_root
	VM_TREE=$CACHE/vm-$KVER/$(boot_key)
	INITRAMFS=$VM_TREE.cpio
	make_vm_tree
	make_initramfs
fi

{
	echo "# $request"
	for name in KVER KDIR ENV KIMAGE KMODULES VM_TREE INITRAMFS ARCHITECTURE GUEST_ROOT; do
		printf '%s=%q\n' "$name" "${!name:-}"
	done
} >"$LAB_ENV.partial"
mv "$LAB_ENV.partial" "$LAB_ENV"
say_where
