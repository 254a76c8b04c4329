# SPDX-License-Identifier: GPL-2.0
# How QEMU runs the guest: with KVM where that really works, else emulated. Sourced, not run.

# KVM is believed only after it has booted the kernel: there are hosts whose /dev/kvm opens and then hangs. Known per boot
# of the host.
kvm_works() {
	local known
	known=$CACHE/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -e "$known" ]; then
		echo no >"$known.$$"
		if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
			# Our initramfs without its shared folders ends in a panic, which ends QEMU: then user space has run.
			timeout -k 1 20 qemu-system-x86_64 -accel kvm -cpu host -m 512 -nodefaults -display none -no-reboot \
				-serial "file:$known.$$.console" -kernel "$KIMAGE" -initrd "$INITRAMFS" \
				-append "console=ttyS0 panic=-1" </dev/null >/dev/null 2>&1 &&
				grep -q 'Attempted to kill init' "$known.$$.console" && echo yes >"$known.$$"
			rm -f "$known.$$.console"
		fi
		mv "$known.$$" "$known"
	fi
	[ "$(cat "$known")" = yes ]
}

# qemu: QEMU for the processor of the lab's kernel.
qemu() {
	case $ARCHITECTURE in
	arm64) echo qemu-system-aarch64 ;;
	*) echo qemu-system-x86_64 ;;
	esac
}

# kernel_words: what the kernel is told of the machine.
kernel_words() {
	# tsc=reliable: on a busy host the kernel would find the emulated clock unstable and patch its own code for it, which QEMU's
	# emulation of several CPUs does not always survive (an int3 in sched_clock_cpu).
	[ "$ARCHITECTURE" = arm64 ] && echo console=ttyAMA0 || echo console=ttyS0 tsc=reliable
}

# accelerator ICOUNT: QEMU's options.
accelerator() {
	if [ "$ARCHITECTURE" = arm64 ]; then
		# The architecture's own cipher for signed pointers would take more time than all the rest.
		echo "-M virt,gic-version=3 -cpu max,pauth-impdef=on" "${1:+-accel tcg,thread=single -icount shift=0,sleep=off}"
		return
	fi
	if [ -n "$1" ]; then
		echo "-accel tcg,thread=single -cpu max${VM_CPU:-} -icount shift=0,sleep=off"
	elif kvm_works; then
		echo "-accel kvm -cpu host${VM_CPU:-}"
	else
		echo "-accel tcg,thread=multi -cpu max${VM_CPU:-}"
	fi
}
