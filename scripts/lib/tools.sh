# SPDX-License-Identifier: GPL-2.0
# The files of the tools: what install-tools.sh installs and uninstall.sh removes. Sourced, not run.

PROGRAMS=(ipvsadm ipvsadm-save ipvsadm-restore tcpvsadm)
# Below PREFIX.
TOOL_FILES=("${PROGRAMS[@]/#/sbin/}" share/man/man8/{ipvsadm,ipvsadm-save,ipvsadm-restore,tcpvsadm}.8.gz
	share/bash-completion/completions/ipvsadm share/zsh/vendor-completions/_ipvsadm share/fish/vendor_completions.d/ipvsadm.fish)
# What Debian's package ipvsadm has, too: diverted while ours is installed.
DIVERTED=(/usr/sbin/{ipvsadm,ipvsadm-save,ipvsadm-restore} /usr/share/man/man8/{ipvsadm,ipvsadm-save,ipvsadm-restore}.8.gz)
