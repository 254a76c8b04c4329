#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Installs the built modules where modprobe prefers them to the stock ones. DESTDIR= names another root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache modules; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
PATH=$PATH:/usr/sbin:/sbin
load_lab
root=${DESTDIR:-}
target=$root/lib/modules/$KVER/updates
as=$SUDO
[ -z "$root" ] || as=
[ -n "$root" ] || [ -d "/lib/modules/$KVER" ] ||
	die "kernel $KVER is not installed here (running: $(uname -r)); build for the running one with KVER=$(uname -r) make install"
$as mkdir -p "$target"
install_modules "$CHECKOUT/build" "$target" $as
$as depmod ${root:+-b "$root"} "$KVER"
echo "installed in $target: $(cd "$target" && echo *.ko)"
[ "$KVER" = "$(uname -r)" ] || echo "note: the running kernel is $(uname -r), these modules are for $KVER"
