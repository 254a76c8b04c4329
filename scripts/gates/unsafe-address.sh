#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unsafe code has an address: ipvs_rs/knet and ipvs_rs/sys. Every other crate says so at its root.
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t files < <(sources '*.rs' | grep -vE '^ipvs_rs/(knet|sys)/|^ipvs_rs/(knet|sys)\.rs$')
[ "${#files[@]}" -gt 0 ] || pass "no files yet"
offending=$(code "${files[@]}" | grep -E ':.*(\bunsafe\b|allow\([^)]*unsafe_code)' || true)
# A crate root is what cargo or Kbuild compiles: lib.rs, main.rs, every file right in sched/, engines/, helpers/ and tests/.
for file in "${files[@]}"; do
	case $file in
	*/lib.rs | */main.rs | sched/*.rs | sched_l7/*.rs | engines/*.rs | helpers/*.rs)
		case ${file#*/} in */*.rs) case $file in */lib.rs | */main.rs) ;; *) continue ;; esac ;; esac
		grep -qE '^#!\[(forbid|deny)\((.*, *)?unsafe_code' "$file" ||
			offending+=$'\n'"$file: crate root without #![forbid(unsafe_code)]"
		;;
	esac
done
verdict "unsafe code outside ipvs_rs/knet and ipvs_rs/sys" "${offending#$'\n'}"
