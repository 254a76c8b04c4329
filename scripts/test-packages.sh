#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tries the packages of build/deb as an administrator does: in a VM with a Debian that has systemd, keepalived, Debian's own ipvsadm and
# nothing of this project, on a disk of its own, across reboots: scripts/test-packages.sh [BOOT...]. The lines that are typed
# are those of the README. Each boot is a file of functions in scripts/guest/packages; its lines `ok NAME` and `not ok NAME` are counted.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache host platform environment packaging; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
# Packages are for trixie, whatever the caller's shell says.
platform ""
load_lab
kernel_debian_version
packaging_environment
director_tree
# A VM that counts instructions takes some minutes of the host for each boot.
BOOT_SECONDS=900
results=$CHECKOUT/build/test-packages
rm -rf "$results"
mkdir -p "$results"
work=$(mktemp -d "${TMPDIR:-/tmp}/ipvs-packages.XXXXXX")
qemu_pid=
end() {
	[ -z "$qemu_pid" ] || kill -9 "$qemu_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
passed=0 failed=0

# The disk as it is before anything of ours: made once. Logins and the clock's synchronisation are left out; under emulation they take
# longer than all the rest.
make_disk() {
	local root=$work/root unit
	DISK=$DIRECTOR.ext4
	[ -f "$DISK" ] && return
	echo "Making the disk of the VM ..."
	$SUDO cp -a "$DIRECTOR" "$root"
	for unit in getty@tty1 serial-getty@ttyS0 systemd-timesyncd apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer; do
		case $unit in *.*) ;; *) unit=$unit.service ;; esac
		$SUDO ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	$SUDO install -m 644 scripts/guest/packages/walk.service "$root/etc/systemd/system/walk.service"
	$SUDO mkdir -p "$root/lab" "$root/etc/systemd/system/multi-user.target.wants"
	$SUDO ln -sf ../walk.service "$root/etc/systemd/system/multi-user.target.wants/walk.service"
	echo director | $SUDO tee "$root/etc/hostname" >/dev/null
	printf '127.0.0.1 localhost director\n' | $SUDO tee "$root/etc/hosts" >/dev/null
	ENV=$PACKAGING "$here/in-env" --root mke2fs -q -t ext4 -d "$root" "$DISK.partial" 1800M
	$SUDO rm -rf "$root"
	$SUDO mv "$DISK.partial" "$DISK"
}

# Keys of our own: what the documentation tells an administrator to make, and firmware that trusts it as it does a key enrolled
# by mokutil. The kernel takes both into the same keyring.
make_keys() {
	local keys=$work/lab/keys
	mkdir -p "$keys"
	ENV=$PACKAGING "$here/in-env" bash -euc '
		openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=ipvs-rs modules/" -keyout "$1/signing.key" -out "$1/signing.pem" 2>/dev/null
		virt-fw-vars --input /usr/share/OVMF/OVMF_VARS_4M.fd --output "$2" \
			--add-db 11111111-2222-3333-4444-555555555555 "$1/signing.pem" >/dev/null 2>&1
		cp /usr/share/OVMF/OVMF_CODE_4M.fd "$2.code"' - "$keys" "$work/variables.fd"
}

# boot NAME [WORDS]: runs the functions of scripts/guest/packages/NAME in the VM, on the disk $work/disk.
boot() {
	local name=$1 append=${2:-} began=$SECONDS
	local -a firmware=()
	[ "$name" != signed ] || firmware=(-drive "if=pflash,format=raw,readonly=on,file=$work/variables.fd.code" -drive "if=pflash,format=raw,file=$work/variables.fd")
	echo "$name" >"$work/lab/boot"
	: >"$work/lab/log"
	qemu-system-x86_64 -accel tcg,thread=single -cpu max -icount shift=0,sleep=off -smp 1 -m 1024 -nodefaults -no-user-config \
		-display none -monitor none -no-reboot -serial "file:$results/$name.console" "${firmware[@]}" \
		-kernel "$DIRECTOR/boot/vmlinuz-$KVER" -initrd "$DIRECTOR/boot/initrd.img-$KVER" \
		-append "root=/dev/vda rw console=ttyS0 quiet panic=-1 tsc=reliable systemd.show_status=0 $append" \
		-drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
		-virtfs "local,id=lab,mount_tag=lab,path=$work/lab,security_model=none" </dev/null 2>"$results/$name.qemu" &
	qemu_pid=$!
	while kill -0 "$qemu_pid" 2>/dev/null; do
		[ $((SECONDS - began)) -lt "$BOOT_SECONDS" ] || kill -9 "$qemu_pid"
		sleep 0.5
	done
	wait "$qemu_pid" 2>/dev/null || true
	qemu_pid=
	cp "$work/lab/log" "$results/$name.log"
	grep -E '^(ok|not ok|end) ' "$work/lab/log" | grep -v '^end ' | sed -E "s/^(ok|not ok) /\1 $name: /" || true
	passed=$((passed + $(grep -c '^ok ' "$work/lab/log" || true)))
	failed=$((failed + $(grep -c '^not ok ' "$work/lab/log" || true)))
	if ! grep -q '^end ' "$work/lab/log"; then
		echo "not ok $name: the VM ran to its end (see $results/$name.console)"
		failed=$((failed + 1))
	fi
	echo "   ($name: $((SECONDS - began)) s)"
}

new_disk() {
	cp --sparse=always "$DISK" "$work/disk"
}

# readme_block NAME: the shell lines of the README that stand below the comment `<!-- typed: NAME -->`.
readme_blocks() {
	awk '/^<!-- typed: /{ name = $3 } /^```/{ if (open) { open = 0; name = "" } else open = name != ""; next } open { print > (folder "/" name) }' \
		folder="$work/lab/readme" README.md
}

make_disk
mkdir -p "$work/lab/packages" "$work/lab/readme"
cp build/deb/*.deb "$work/lab/packages/"
cp scripts/guest/packages/* "$work/lab/"
readme_blocks
echo "$KVER" >"$work/lab/kver"
make_keys

# wanted BOOT...: is one of these asked for?
wanted() {
	local boot
	[ -n "$asked" ] || return 0
	for boot in "$@"; do [[ " $asked " != *" $boot "* ]] || return 0; done
	return 1
}
asked=$*

if wanted install again; then
	new_disk
	boot install
	boot again
fi
if wanted enforced; then
	new_disk
	boot enforced module.sig_enforce=1
fi
if wanted signed; then
	new_disk
	boot signed module.sig_enforce=1
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
