#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each floor of the house sees only the ones below it (ARCHITECTURE.md, "Floors").
. "$(dirname "$0")/../lib/gate.sh"
offending=

# floor FOLDER REGEX: no code in FOLDER matches REGEX.
floor() {
	local -a files
	mapfile -t files < <(sources "$1/*.rs")
	found=$(code "${files[@]}" | grep -E "^[^:]*:[0-9]+:.*($2)" || true)
	[ -z "$found" ] || offending+=$found$'\n'
}

floor ipvs_rs/core '\b(kernel|bindings|knet|ipvs|ipvs_sys|ipvs_locality)::'
floor ipvs_rs/sys '\b(knet|ipvs|ipvs_core|ipvs_locality)::'
floor ipvs_rs/knet '\b(ipvs|ipvs_core|ipvs_locality)::'
floor ipvs_rs/ipvs '\bipvs_sys\b|\bbindings::|\bipvs_locality::'
floor ktcpvs_rs/core '\b(kernel|bindings|knet|ipvs|ipvs_sys|ipvs_locality|ktcpvs)::'
floor ktcpvs_rs/ktcpvs '\b(ipvs|ipvs_sys|ipvs_locality)::|\bbindings::'
floor sched_l7 '\b(knet|ipvs|ipvs_core|ipvs_sys|bindings)::'
floor ipvs_rs/locality '\bipvs_sys\b|\bbindings::'
floor sched '\b(knet|ipvs_sys|bindings)::'
floor helpers '\b(knet|ipvs_sys|bindings)::'
floor engines '\b(knet|ipvs_sys|bindings)::'
floor userspace '\b(kernel|knet|ipvs|ipvs_sys|ktcpvs)::'
verdict "a floor names what it must not see" "${offending%$'\n'}"
