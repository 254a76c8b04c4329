# SPDX-License-Identifier: GPL-2.0
# The root of test VMs whose kernel is not the stock one: of arm64 a Debian for that processor, else the stock kernel's environment.
# Sourced, not run.

# What the scenarios run, and what every Debian has.
ARM64_ROOT_PACKAGES="$GUEST_PACKAGES python3 kmod dash grep sed findutils diffutils gzip hostname base-files base-passwd libc-bin perl"

# Unpacked only, as the host runs no programs of arm64. These are the things that the scripts of the packages would have done and
# the scenarios need.
ARM64_ROOT_SETUP='cd "$1"
	cp usr/share/base-passwd/passwd.master etc/passwd
	cp usr/share/base-passwd/group.master etc/group
	for user in ftp haproxy keepalived_script; do
		echo "$user:x:999:65534::/srv/ftp:/usr/sbin/nologin" >>etc/passwd
	done
	mkdir -p srv/ftp
	echo vm >etc/hostname
	echo "127.0.0.1 localhost vm" >etc/hosts
	for name in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore; do
		ln -sf xtables-nft-multi usr/sbin/$name
	done
	ln -sf nc.openbsd usr/bin/nc
	ln -sf dash usr/bin/sh
	ln -sf busybox usr/bin/awk
	mkdir -p run tmp src out lab usr/lib/modules'

# guest_root_key: changes whenever the root for arm64 would.
guest_root_key() {
	# shellcheck disable=SC2086
	[ "$ARCHITECTURE" != arm64 ] || printf '%s\n' $ARM64_ROOT_PACKAGES "$ARM64_ROOT_SETUP" | sha256sum | cut -c 1-12
}

# Sets GUEST_ROOT, and makes it unless it is there.
make_guest_root() {
	if [ "$ARCHITECTURE" = arm64 ]; then
		GUEST_ROOT=$CACHE/root-arm64-$(guest_root_key)
		# shellcheck disable=SC2086
		make_debian "$GUEST_ROOT" "$LOGS/root-arm64.log" "$(printf '%s,' $ARM64_ROOT_PACKAGES)" \
			--architectures=arm64 --variant=extract --extract-hook="$ARM64_ROOT_SETUP"
	elif [ "$SUITE" != trixie ]; then
		GUEST_ROOT=$(platform "" && ENV=$(environment_path) && make_environment >&2 && echo "$ENV")
	else
		GUEST_ROOT=$ENV
	fi
}
