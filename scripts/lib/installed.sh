# SPDX-License-Identifier: GPL-2.0
# Where `make install` puts modules, and which kernels take them. Sourced, not run.

# Ours alone: `updates` may have modules of others, and DKMS has its own folder there. modprobe prefers all below `updates` to the
# stock modules.
INSTALL_FOLDER=updates/ipvs_rs

# module_root: the folder that has one folder for each kernel. Below DESTDIR it is the one that packages must use since trixie.
module_root() {
	[ -z "${DESTDIR:-}" ] && echo /lib/modules || echo "$DESTDIR/usr/lib/modules"
}

# check_kernel KVER: ends with what to do unless KVER is a kernel of Debian's for amd64, of a series that we know.
check_kernel() {
	if [[ $1 =~ ^${KERNEL_SERIES}\.[0-9]+\+deb13-arm64$ ]]; then
		cat >&2 <<-END
			The modules for $1 are built on a host of amd64:

			    LAB=arm64 KVER=$1 make modules

			Then copy build-arm64/*.ko to $(DESTDIR='' module_root)/$1/$INSTALL_FOLDER of the machine with that kernel, and run there:

			    sudo depmod $1
		END
		exit 1
	fi
	[[ ! $1 =~ ^${KERNEL_SERIES}\.[0-9]+\+deb1[34]-amd64$ ]] || return 0
	cat >&2 <<-END
		ipvs_rs needs the kernel of trixie-backports, Linux $KERNEL_SERIES_NAMES, and this is $1. These lines install it:

		    echo 'deb http://deb.debian.org/debian trixie-backports main' | sudo tee /etc/apt/sources.list.d/backports.list
		    sudo apt update
		    sudo apt install -t trixie-backports linux-image-$(dpkg --print-architecture)

		Then reboot, and install again. KVER= names another kernel that is installed, KDIR= a prepared tree of a kernel of your own.
	END
	exit 1
}

# remove_former FOLDER [SUDO]: modules of ours that versions up to 0.1.0 put into FOLDER, `updates` itself. modprobe would find two.
remove_former() {
	local module
	for module in "$1"/ip_vs*.ko "$1"/ipvs_rs.ko "$1"/xt_ipvs.ko "$1"/ktcpvs*.ko; do
		[ ! -f "$module" ] || ! grep -q '(Rust)' "$module" || ${2:-} rm "$module"
	done
}
