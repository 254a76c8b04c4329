# SPDX-License-Identifier: GPL-2.0
# The build environment: a folder with a Debian trixie in it, the suite whose rustc, gcc and bindgen built the stock
# kernel. It is also the root file system of the test VMs. Sourced, not run.

# What a Rust module needs to build.
BUILD_PACKAGES="make gcc-14 libc6-dev bc bison flex libelf-dev libssl-dev rustc rust-src rustfmt rust-clippy cargo bindgen
	clang lld llvm xz-utils kmod cpio dwarves python3 ca-certificates git"
# What the tests and the demo run in the guest.
GUEST_PACKAGES="mount util-linux iproute2 ipvsadm keepalived nftables iptables iputils-ping socat netcat-openbsd curl
	nginx-light haproxy vsftpd python3-pyftpdlib lftp tnftp rtsp-server-perl python3-aiortsp sip-tester ldirectord
	prometheus-node-exporter collectd-core tcpdump conntrack jq busybox-static procps ethtool iperf3 bash coreutils"
# Mount points of the VM's shared folders; the root itself is shared read-only.
MOUNT_POINTS="src out lab lib/modules"

environment_key() {
	# shellcheck disable=SC2086
	printf '%s\n' trixie $BUILD_PACKAGES $GUEST_PACKAGES $MOUNT_POINTS | sha256sum | cut -c 1-12
}

environment_path() {
	printf '%s/env-%s\n' "$CACHE" "$(environment_key)"
}

# Makes the environment at ENV unless it is there.
make_environment() {
	local point
	local -a mount_points
	for point in $MOUNT_POINTS; do
		mount_points+=(--customize-hook="mkdir -p \"\$1/$point\"")
	done
	# shellcheck disable=SC2086
	make_debian "$ENV" "$LOGS/environment.log" "$(printf '%s,' $BUILD_PACKAGES $GUEST_PACKAGES)" \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' "${mount_points[@]}"
}

# make_debian FOLDER LOG PACKAGE,... [OPTION...]: a trixie with these packages in FOLDER, unless it is there. OPTIONs are mmdebstrap's.
make_debian() {
	local folder=$1 log=$2 packages=${3%,} mirror
	shift 3
	[ -d "$folder" ] && return
	mirror=$(mirror)
	$SUDO rm -rf "$folder.partial"
	host_apt_settings >"$CACHE/host-apt.conf"
	progress "$log" "$folder.partial" $SUDO mmdebstrap --mode=root --format=directory --variant=apt \
		--include="$packages" --aptopt="$CACHE/host-apt.conf" --dpkgopt=force-unsafe-io "$@" trixie "$folder.partial" \
		"deb [signed-by=$KEYRINGS/debian-archive-keyring.gpg] $mirror trixie main" \
		"deb [signed-by=$KEYRINGS/debian-archive-keyring.gpg] $mirror trixie-backports main" ||
		die "making the trixie folder ${folder##*/} failed; mmdebstrap's words are in $log"
	$SUDO mv "$folder.partial" "$folder"
}
