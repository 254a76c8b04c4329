# SPDX-License-Identifier: GPL-2.0
# The build environment: a folder with a Debian in it, of the suite whose rustc, gcc and bindgen built the kernel (platform.sh). That of
# the stock kernel, trixie, is also the root file system of its test VMs. Sourced, not run.

# What a Rust module needs to build.
BUILD_PACKAGES="make gcc-14 libc6-dev bc bison flex libelf-dev libssl-dev rustc rust-src rustfmt rust-clippy cargo bindgen
	clang lld llvm xz-utils kmod cpio dwarves python3 ca-certificates git"
# What the tests and the demo run in the guest.
GUEST_PACKAGES="mount util-linux iproute2 ipvsadm keepalived nftables iptables iputils-ping socat netcat-openbsd curl
	nginx-light haproxy vsftpd python3-pyftpdlib lftp tnftp rtsp-server-perl python3-aiortsp sip-tester ldirectord
	prometheus-node-exporter collectd-core tcpdump conntrack jq busybox-static procps ethtool iperf3 bash coreutils"
# Mount points of the VM's shared folders; the root itself is shared read-only.
MOUNT_POINTS="src out lab lib/modules"

# For other kernels: VMs have another root, so this has what builds only.
SID_PACKAGES=${BUILD_PACKAGES/gcc-14/gcc-16}
# Debian's kernel for arm64 has a vDSO for programs of 32 bits; rustc's and C's libraries are for our tools.
ARM64_PACKAGES="gcc-14-aarch64-linux-gnu gcc-14-arm-linux-gnueabihf libc6-dev-arm64-cross libstd-rust-dev:arm64"

# environment_packages: those of the platform.
environment_packages() {
	case $SUITE-$ARCHITECTURE in
	trixie-amd64) echo $BUILD_PACKAGES $GUEST_PACKAGES ;;
	trixie-arm64) echo $BUILD_PACKAGES $ARM64_PACKAGES ;;
	sid-amd64) echo $SID_PACKAGES ;;
	*) die "there is no build environment for $ARCHITECTURE of $SUITE" ;;
	esac
}

environment_key() {
	# shellcheck disable=SC2046,SC2086
	printf '%s\n' $SUITE $(environment_packages) $MOUNT_POINTS | sha256sum | cut -c 1-12
}

environment_path() {
	printf '%s/env-%s\n' "$CACHE" "$(environment_key)"
}

# Makes the environment at ENV unless it is there.
make_environment() {
	local point
	local -a options
	for point in $MOUNT_POINTS; do
		options+=(--customize-hook="mkdir -p \"\$1/$point\"")
	done
	[ "$ARCHITECTURE" = amd64 ] || options+=(--architectures="amd64,$ARCHITECTURE")
	# shellcheck disable=SC2046
	make_debian "$ENV" "$LOGS/environment-$SUITE-$ARCHITECTURE.log" "$(printf '%s,' $(environment_packages))" \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' "${options[@]}"
}

# make_debian FOLDER LOG PACKAGE,... [OPTION...]: a Debian of the platform's SUITE with these packages in FOLDER, unless it is there. OPTIONs are
# mmdebstrap's.
make_debian() {
	local folder=$1 log=$2 packages=${3%,} mirror suite
	local -a sources=()
	shift 3
	[ -d "$folder" ] && return
	mirror=$(mirror)
	for suite in $APT_SUITES; do
		sources+=("deb [signed-by=$KEYRINGS/debian-archive-keyring.gpg] $mirror $suite main")
	done
	$SUDO rm -rf "$folder.partial"
	host_apt_settings >"$CACHE/host-apt.conf"
	progress "$log" "$folder.partial" $SUDO mmdebstrap --mode=root --format=directory --variant=apt \
		--include="$packages" --aptopt="$CACHE/host-apt.conf" --dpkgopt=force-unsafe-io "$@" \
		"$SUITE" "$folder.partial" "${sources[@]}" ||
		die "making the folder ${folder##*/} of Debian $SUITE failed; mmdebstrap's words are in $log"
	$SUDO mv "$folder.partial" "$folder"
}
