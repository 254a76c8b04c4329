#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Removes the layer-7 switch under load, ROUNDS (50) times, in a VM with four CPUs. LAB=debug chooses the debug kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
for part in say cache cargo; do
	# shellcheck source=/dev/null
	. "$here/lib/$part.sh"
done
cd "$CHECKOUT"
run_cargo build --quiet --release -p tcpvsadm
"$here/vm" -m rust -s 4 -t 3600 -o build/switch-goes -- env ROUNDS="${ROUNDS:-50}" tests/debug/switch_goes.py
