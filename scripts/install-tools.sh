#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds ipvsadm and tcpvsadm, and installs them, the first with its manual and completions where Debian's package has them; under
# /usr/local unless PREFIX= says otherwise, so that the package's own files stay. DESTDIR= names another root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
as_who_asked
cd "$CHECKOUT"
root=${DESTDIR:-}
prefix=$root${PREFIX:-/usr/local}
as=$SUDO
[ -z "$root" ] || as=
documents=target/ipvsadm-docs
run_cargo build --quiet --release -p ipvsadm -p tcpvsadm
rm -rf "$documents"
# The environment's libraries are those it may have been built with.
target/release/ipvsadm-docs "$documents" 2>/dev/null || "$here/in-env" target/release/ipvsadm-docs "$documents"

# install_as MODE FILE FOLDER NAME
install_as() {
	$as install -D -m "$1" "$2" "$prefix/$3/$4"
}

for program in ipvsadm ipvsadm-save ipvsadm-restore tcpvsadm; do
	install_as 755 "target/release/$program" sbin "$program"
done
for page in "$documents"/man8/*.8; do
	gzip -9 -n -f "$page"
	install_as 644 "$page.gz" share/man/man8 "${page##*/}.gz"
done
install_as 644 "$documents/completions/ipvsadm.bash" share/bash-completion/completions ipvsadm
install_as 644 "$documents/completions/_ipvsadm" share/zsh/vendor-completions _ipvsadm
install_as 644 "$documents/completions/ipvsadm.fish" share/fish/vendor_completions.d ipvsadm.fish
echo "installed ipvsadm, ipvsadm-save, ipvsadm-restore and tcpvsadm in $prefix/sbin"
