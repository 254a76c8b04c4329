# SPDX-License-Identifier: GPL-2.0
# The files of the tools: what install-tools.sh installs and uninstall.sh removes. Sourced, not run.

# Below PREFIX.
TOOL_FILES=(sbin/{ipvsadm,ipvsadm-save,ipvsadm-restore,tcpvsadm}
	share/man/man8/{ipvsadm,ipvsadm-{conn,metrics,monitor,report,restore,save,sync,top},tcpvsadm}.8.gz
	share/bash-completion/completions/{ipvsadm,tcpvsadm} share/zsh/vendor-completions/_{ipvsadm,tcpvsadm}
	share/fish/vendor_completions.d/{ipvsadm,tcpvsadm}.fish)
# What Debian's package ipvsadm has, too: diverted while ours is installed.
DIVERTED=(/usr/sbin/{ipvsadm,ipvsadm-save,ipvsadm-restore} /usr/share/man/man8/{ipvsadm,ipvsadm-save,ipvsadm-restore}.8.gz)
