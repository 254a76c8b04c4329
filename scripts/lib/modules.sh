# SPDX-License-Identifier: GPL-2.0
# Building modules, and the module tree of one VM. Sourced, not run.

# shellcheck source=platform.sh
. "$CHECKOUT/scripts/lib/platform.sh"

# module_make FOLDER OUTPUT GOAL...: the kernel's build system on the modules of a folder.
module_make() {
	# shellcheck disable=SC2046
	"$CHECKOUT/scripts/in-env" make -C "$KDIR" -j"$(nproc)" --no-print-directory $(compiler "$KDIR/include/config/auto.conf") \
		KERNELRELEASE="$KVER" M="$1" MO="$2" "${@:3}"
}

# copy_sources TARGET: all that modules are made of, to be changed there.
copy_sources() {
	mkdir -p "$1/scripts/lib"
	cp -a "$CHECKOUT/Kbuild" "$CHECKOUT/ipvs_rs" "$CHECKOUT/ktcpvs_rs" "$CHECKOUT/sched" "$CHECKOUT/sched_l7" "$CHECKOUT/engines" "$CHECKOUT/helpers" "$1/"
	cp -a "$CHECKOUT/scripts/lib/compared.awk" "$1/scripts/lib/"
}

# make_second_balancer BASE TARGET: the modules of tests/kbuild, on the base that was built in the folder BASE, as
# TARGET/second_balancer.ko.test and so on: by that name they are not installed with the others.
make_second_balancer() {
	local module
	mkdir -p "$2/source"
	cp -r "$CHECKOUT"/tests/kbuild/. "$2/source/"
	cat >"$2/source/Kbuild" <<-'END'
		obj-m += second_balancer.o sockets_and_threads.o
		rust-flags := -Dwarnings -Funsafe_code -L $(BASE) --extern ipvs_core --extern knet
		RUSTFLAGS_second_balancer.o := $(rust-flags)
		sockets_and_threads-y := sockets_and_threads/main.o
		RUSTFLAGS_sockets_and_threads/main.o := $(rust-flags)
	END
	module_make "$2/source" "$2/out" BASE="$1" KBUILD_EXTRA_SYMBOLS="$1/Module.symvers" modules
	for module in second_balancer sockets_and_threads; do
		mv "$2/out/$module.ko" "$2/$module.ko.test"
	done
}

# make_module_tree c|rust|none EXTRA TARGET: hard links to the stock modules under TARGET/lib/modules/KVER, plus ours, those of
# CONTRIBUTING.md if they are built, and those of the folder EXTRA in updates/. Other folders of a build have modules of another
# one, as that of the packages.
make_module_tree() {
	local tree=$3/lib/modules/$KVER
	mkdir -p "$3/lib/modules"
	cp -alT "$VM_TREE" "$tree" 2>/dev/null || cp -aT "$VM_TREE" "$tree" # another file system
	mkdir -p "$tree/updates"
	case $1 in
	c) ;;
	rust)
		[ -n "$(find "$BUILD" -maxdepth 1 -name '*.ko' 2>/dev/null | head -n 1)" ] ||
			die "there are no modules of ours in $BUILD: run make first"
		install_modules "$BUILD" "$tree/updates"
		[ ! -d "$BUILD/example" ] || install_modules "$BUILD/example" "$tree/updates"
		;;
	none) rm -rf "$tree/kernel/net/netfilter/ipvs" "$tree/kernel/net/netfilter/xt_ipvs.ko" ;;
	*) die "no such module set: $1 (c, rust or none)" ;;
	esac
	[ -z "$2" ] || install_modules "$2" "$tree/updates"
	depmod -b "$3" "$KVER"
}

# install_modules FROM TO [SUDO]: without debugging information, as Debian ships modules; ours is many times the code.
install_modules() {
	local module
	local -a strip=(strip)
	# The host's tools know its own processor only.
	[ "${ARCHITECTURE:-amd64}" = amd64 ] || strip=("$CHECKOUT/scripts/in-env" aarch64-linux-gnu-strip)
	find "$1" -maxdepth 1 -name '*.ko' | while read -r module; do
		${3:-} "${strip[@]}" --strip-debug -o "$2/${module##*/}" "$module" </dev/null
	done
}
