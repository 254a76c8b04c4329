# SPDX-License-Identifier: GPL-2.0
# What the host itself needs, and what it says about where packages come from. Sourced, not run.

HOST_PACKAGES="mmdebstrap qemu-system-x86 debian-archive-keyring cpio kmod xz-utils binutils python3 ca-certificates"
KEYRINGS=/usr/share/keyrings

host_is_ready() {
	local tool
	for tool in mmdebstrap qemu-system-x86_64 cpio depmod xz strip nm python3; do
		# depmod is in /sbin, which is not in everybody's PATH.
		PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || return
	done
	[ -f "$KEYRINGS/debian-archive-trixie-automatic.gpg" ]
}

# Installs what is lacking. Debian 12 learned trixie's keys in a later debian-archive-keyring, so that package is
# brought up to date whenever the key file is absent.
install_host_packages() {
	host_is_ready && return
	update_host_lists
	# shellcheck disable=SC2086
	progress "$LOGS/host-install.log" - $SUDO env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends $HOST_PACKAGES ||
		die "could not install the host packages ($HOST_PACKAGES); apt's words are in $LOGS/host-install.log"
	host_is_ready ||
		die "the host's debian-archive-keyring does not know trixie's keys, even after an update"
}

# Emulates arm64; the host's own QEMU is for its own processor.
install_arm64_emulator() {
	command -v qemu-system-aarch64 >/dev/null && return
	update_host_lists
	progress "$LOGS/host-install.log" - $SUDO env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends qemu-system-arm ||
		die "could not install qemu-system-arm; apt's words are in $LOGS/host-install.log"
}

# A host that never fetched its package lists, as a container, finds no package.
update_host_lists() {
	command -v apt-get >/dev/null || die "this host has no apt-get: Debian 12 or 13 is needed"
	[ -z "$SUDO" ] || command -v sudo >/dev/null || die "installing packages needs root or sudo"
	progress "$LOGS/host-update.log" - $SUDO apt-get update ||
		note "apt-get update had complaints (see $LOGS/host-update.log), going on with the lists it has"
}

debian_mirror_of_host() {
	# Not the security archive: it holds no trixie-backports.
	apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
		awk '$2 == "Debian" { print $1; exit }'
}

# The mirror that the host's own apt uses for Debian; MIRROR= overrides.
mirror() {
	local found=${MIRROR:-}
	[ -n "$found" ] || found=$(debian_mirror_of_host)
	if [ -z "$found" ]; then
		# apt knows the origin of a repository only once its lists are there, and containers often come without.
		$SUDO apt-get update >"$LOGS/host-update.log" 2>&1 || true
		found=$(debian_mirror_of_host)
	fi
	[ -n "$found" ] || die "the host's apt knows no Debian mirror: name one with MIRROR=URL"
	printf '%s\n' "${found%/}"
}

# The host's proxy and time-check settings, as apt configuration lines for the environment's apt.
host_apt_settings() {
	echo 'Acquire::Retries "3";'
	apt-config dump | grep -E '^Acquire::(https?::|Check-)' || true
}
