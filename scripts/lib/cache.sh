# SPDX-License-Identifier: GPL-2.0
# Where the lab keeps what it made: one cache folder outside the checkout. Sourced, not run.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/ipvs_rs
LOGS=$CACHE/logs
# LAB=debug is the lab of the debug kernel, see scripts/debug-kernel.sh; its modules are built apart. Any other name is a lab beside the
# usual one: LAB=sid KVER=7.2.13+deb14-amd64 make modules
LAB_ENV=$CACHE/${LAB:-lab}.env
BUILD=$CHECKOUT/build${LAB:+-$LAB}

# As root these are empty; else the few steps that need root go through sudo.
SUDO=
[ "$(id -u)" = 0 ] || SUDO=sudo

# as_who_asked ARGS...: under sudo the script starts again as the person who typed it, so that there is one cache, and what is
# built in the checkout stays theirs. What needs root then goes through sudo, which has just been allowed.
as_who_asked() {
	[ "$(id -u)" = 0 ] && [ "${SUDO_USER:-root}" != root ] || return 0
	exec runuser -u "$SUDO_USER" -- env HOME="$(getent passwd "$SUDO_USER" | cut -d: -f6)" SUDO_USER= "$0" "$@"
}

# Reads lab.env, which setup.sh wrote (debug.env: debug-kernel.sh): KVER KDIR ENV KIMAGE KMODULES INITRAMFS GUEST_ROOT ARCHITECTURE.
load_lab() {
	[ -f "$LAB_ENV" ] || die "the lab is not set up yet: run scripts/setup.sh first"
	# shellcheck source=/dev/null
	. "$LAB_ENV"
	: "${ARCHITECTURE:=amd64}" "${GUEST_ROOT:=$ENV}"
}
