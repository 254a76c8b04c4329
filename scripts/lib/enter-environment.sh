# SPDX-License-Identifier: GPL-2.0
# The inner half of scripts/in-env, run as root in a mount namespace of its own, so that every mount made here is gone
# when the command ends: enter-environment.sh ENV UID:GID CWD FOLDER[:FOLDER...] CMD...
set -euo pipefail
env=$1 as=$2 cwd=$3 folders=$4
shift 4

bind() {
	mkdir -p "$env$1"
	mount --rbind "$1" "$env$1"
}

mount -t proc proc "$env/proc"
mount --rbind /dev "$env/dev"
mount --rbind /sys "$env/sys"

IFS=: read -ra list <<<"$folders"
for folder in "${list[@]}"; do
	bind "$folder"
done
# The current folder too, where none of these holds it.
[ -d "$env$cwd" ] && [ "$cwd" -ef "$env$cwd" ] || bind "$cwd"

# Name resolution and the certificates that the host trusts, for cargo.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
	[ -e "$file" ] || continue
	[ -e "$env$file" ] || touch "$env$file"
	mount --bind "$(readlink -f "$file")" "$env$file"
done

exec chroot --userspec="$as" "$env" /bin/bash -c 'cd "$0" && exec "$@"' "$cwd" "$@"
