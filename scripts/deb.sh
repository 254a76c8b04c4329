#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Makes the Debian packages in build/deb, of the kernel of the lab (KVER= for another), and checks them by lintian and
# mandoc. The same sources give the same bytes, wherever the checkout is and whenever they are made, if the cache is in the same folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache host platform environment packaging tools; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
# Packages are for trixie, whatever the caller's shell says.
platform ""
load_lab
kernel_debian_version
packaging_environment
out=$CHECKOUT/build/deb
tree=$out/tree
mkdir -p "$out"
exec {lock}>"$out/.lock"
flock "$lock"

# quietly TITLE LOG CMD...
quietly() {
	echo "$1 ..."
	# In a shell of its own, so that a function may change the folder. There is no `set -e` before `||`: functions chain by `&&`.
	("${@:3}") >"$out/$2.log" 2>&1 || {
		tail -n 30 "$out/$2.log" >&2
		die "$1: failed; all words are in $out/$2.log"
	}
}

# The tools are built in a copy of the sources, by the environment's compiler, and with no path of this machine in them.
build_tools() {
	local copy=$out/source
	mkdir -p "$copy" && cd "$CHECKOUT" && rm -rf "$out/staged/tools" &&
		git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done |
		cpio --quiet -pdmu "$copy" &&
		RUSTFLAGS="--remap-path-prefix=$copy=. --remap-path-prefix=$CACHE/cargo=cargo" CARGO_IN=env PREFIX=/usr \
			DESTDIR=$out/staged/tools "$copy/scripts/install-tools.sh"
}

# Without debugging information and the note that is a digest of it, which has paths. Not packed by xz as Debian's, which saves 2 MB and
# would have to be undone to sign them.
stage_modules() {
	local folder=$out/staged/modules/usr/lib/modules/$KVER/updates/ipvs-rs
	rm -rf "$out/staged/modules"
	mkdir -p "$folder"
	# shellcheck disable=SC2016
	"$here/in-env" bash -euc 'for module in "$1"/*.ko; do
			objcopy --strip-debug --remove-section=.note.gnu.build-id "$module" "$2/${module##*/}"
		done' - "$CHECKOUT/build" "$folder"
}

stage_files() {
	local files=$CHECKOUT/packaging/debian/shipped root=$out/staged/tools
	install -D -m 755 "$files/restore" "$root/usr/libexec/ipvs-rs/restore"
	install -D -m 755 "$files/zz-ipvs-rs" "$root/etc/kernel/postinst.d/zz-ipvs-rs"
	install -D -m 644 "$files/modules-load.conf" "$root/usr/lib/modules-load.d/ipvs-rs.conf"
	install -D -m 600 /dev/null "$root/etc/ipvs-rs/rules"
	install -D -m 644 -t "$root/usr/share/doc/ipvs-rs-tools/examples" "$files"/60-ipvs.sysctl.conf "$files"/ipvs.modprobe.conf "$files"/rules.example
}

# fill FILE: replaces the names between @ signs, and puts in what decides about signatures.
fill() {
	sed -i -e "/^#SIGNING#/{r $CHECKOUT/packaging/debian/modules.signing" -e 'd}' "$1"
	sed -i -e "s/@KVER@/$KVER/g" -e "s/@KDEB@/$KERNEL_DEBIAN/g" -e "s/@ARCH@/${KVER##*-}/g" -e "s/@KBUILD@/${KVER%-*}/g" \
		-e "s|@DIVERTED@|${DIVERTED[*]}|g" "$1"
}

# The tree that debhelper works on: debian/ with the names of this kernel filled in, and staged/.
make_tree() {
	local debian=$tree/debian script
	rm -rf "$tree"
	mkdir -p "$tree"
	cp -a "$out/staged" "$tree/staged"
	cp -a "$CHECKOUT/packaging/debian" "$debian"
	mv "$debian/control.in" "$debian/control"
	for script in preinst postinst postrm; do
		mv "$debian/modules.$script" "$debian/ipvs-rs-modules-$KVER.$script"
		[ ! -f "$debian/tools.$script" ] || mv "$debian/tools.$script" "$debian/ipvs-rs-tools.$script"
	done
	cp "$debian/shipped/README.Debian" "$debian/ipvs-rs-tools.README.Debian"
	printf '%s\n' "$KVER" >"$debian/kver"
	printf '%s\n' "$KERNEL_DEBIAN" >"$debian/kernel-version"
	for script in "$debian"/control "$debian"/ipvs-rs-*; do fill "$script"; done
	for script in "modules-$KVER" "modules-${KVER##*-}" tools; do cp "$debian/lintian-overrides" "$debian/ipvs-rs-$script.lintian-overrides"; done
	[ -z "${DEBEMAIL:-}" ] || sed -i "s/<ipvs-rs@example.org>/<$DEBEMAIL>/" "$debian/control" "$debian/changelog"
}

make_packages() {
	chmod -R u=rwX,go=rX "$tree" && cd "$tree" && in_packaging debian/rules binary
}

# in_packaging CMD...: in the tree with the tools that make and check packages.
in_packaging() {
	ENV=$PACKAGING "$here/in-env" "$@"
}

# What needs the whole of a system, such as systemd-analyze verify, is a step of scripts/test-packages.sh.
check_packages() {
	# shellcheck disable=SC2016
	in_packaging lintian --tag-display-limit 0 --allow-root --fail-on error,warning "$out"/*.deb &&
		in_packaging bash -euc 'for page in "$1"/usr/share/man/man8/*.gz; do gzip -dc "$page" | mandoc -Tlint -W warning; done' - \
			"$tree/debian/ipvs-rs-tools"
}

quietly "Building the modules for $KVER" modules "$here/kbuild" build modules
quietly "Building the tools" tools build_tools
stage_modules
stage_files
make_tree
rm -f "$out"/*.deb
quietly "Making the packages" packages make_packages
quietly "Checking the packages" checks check_packages
(cd "$out" && ls -l -- *.deb)
