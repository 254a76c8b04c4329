#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds ipvsadm and tcpvsadm, and installs them, with their manuals and completions where Debian's packages have them; under
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
documents=target/docs
run_cargo build --quiet --release -p ipvsadm -p tcpvsadm
rm -rf "$documents"
for program in ipvsadm tcpvsadm; do
	# The environment's libraries are those it may have been built with.
	"target/release/$program-docs" "$documents" 2>/dev/null || "$here/in-env" "target/release/$program-docs" "$documents"
done

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
for program in ipvsadm tcpvsadm; do
	install_as 644 "$documents/completions/$program.bash" share/bash-completion/completions "$program"
	install_as 644 "$documents/completions/_$program" share/zsh/vendor-completions "_$program"
	install_as 644 "$documents/completions/$program.fish" share/fish/vendor_completions.d "$program.fish"
done
echo "installed ipvsadm, ipvsadm-save, ipvsadm-restore and tcpvsadm in $prefix/sbin"
