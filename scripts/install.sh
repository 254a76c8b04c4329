#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds the modules and installs them where modprobe prefers them to the stock ones: for the running kernel, or KVER=.
# DESTDIR= names another root, in which nothing but the modules is written.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache kernel installed; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
PATH=$PATH:/usr/sbin:/sbin
as_who_asked
cd "$CHECKOUT"

# First of all, before minutes of building: is it a kernel that can load what is built?
if [ -z "${KDIR:-}${DESTDIR:-}" ]; then
	export KVER=${KVER:-$(uname -r)}
	check_kernel "$KVER"
	[ -d "/lib/modules/$KVER" ] || die "kernel $KVER is not installed here (running: $(uname -r))"
fi
mkdir -p "$LOGS"
log=$LOGS/install.log
"$here/setup.sh" | grep -v '^lab: ' || [ "${PIPESTATUS[0]}" = 0 ]
load_lab
echo "Building the modules for $KVER ..."
"$here/kbuild" build modules >"$log" 2>&1 || {
	tail -n 30 "$log" >&2
	die "the modules do not build; all of make's words are in $log"
}

as=$SUDO
[ -z "${DESTDIR:-}" ] || as=
updates=$(module_root)/$KVER/updates
[ ! -d "$updates/ipvs-rs" ] || die "the package ipvs-rs-modules-$KVER is installed: remove it first"
target=${updates%/updates}/$INSTALL_FOLDER
remove_former "$updates" $as
$as rm -rf "$target"
$as mkdir -p "$target"
# Folders of build/ have modules of the tests.
for module in build/*.ko; do
	$as strip --strip-debug -o "$target/${module##*/}" "$module"
done
[ -n "${DESTDIR:-}" ] || $as depmod "$KVER"
echo "installed $(find "$target" -name '*.ko' | wc -l) modules in $target"
if [ -z "${DESTDIR:-}" ] && [ "$KVER" = "$(uname -r)" ] && [ -d /sys/module/ip_vs ]; then
	echo "ip_vs is loaded already, and goes on. The new module balances after a reboot, or after:"
	echo "    sudo ipvsadm -C; sudo rmmod \$(lsmod | awk '/^(ip_vs|xt_ipvs|ipvs_rs)/ { print \$1 }'); sudo modprobe ip_vs"
elif [ -z "${DESTDIR:-}" ] && [ "$KVER" != "$(uname -r)" ]; then
	echo "the running kernel is $(uname -r): reboot into $KVER to use them"
fi
