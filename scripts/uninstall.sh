#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Removes what `make install` installed, of all kernels (KVER=: of that one), and the tools in PREFIX. The C module is next then.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache installed tools; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
PATH=$PATH:/usr/sbin:/sbin
as=$SUDO
[ -z "${DESTDIR:-}" ] || as=

for updates in "$(module_root)"/${KVER:-*}/updates; do
	[ -d "$updates" ] || continue
	kernel=${updates%/updates}
	remove_former "$updates" $as
	$as rm -rf "$kernel/$INSTALL_FOLDER"
	$as rmdir --ignore-fail-on-non-empty "$updates"
	[ -n "${DESTDIR:-}" ] || $as depmod "${kernel##*/}"
	echo "removed the modules of ${kernel##*/}"
done
prefix=${DESTDIR:-}${PREFIX:-/usr/local}
for file in "${TOOL_FILES[@]}"; do
	$as rm -f "$prefix/$file"
done
echo "removed the tools in $prefix"
if [ -z "${DESTDIR:-}" ] && [ -d /sys/module/ipvs_rs ]; then
	echo "The loaded modules go on. Debian's balance after a reboot, or after:"
	echo "    sudo ipvsadm -C; sudo rmmod \$(lsmod | awk '/^(ip_vs|xt_ipvs|ipvs_rs)/ { print \$1 }'); sudo modprobe ip_vs"
fi
