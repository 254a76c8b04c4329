#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Formats every Rust file as rustfmt.toml says; with --check only says which are not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache sources; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
load_lab
cd "$CHECKOUT"
mapfile -t files < <(sources '*.rs')
[ "${#files[@]}" = 0 ] || exec "$here/in-env" rustfmt --edition 2021 "$@" "${files[@]}"
