#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is linked into the base does not name its module: a balancer that asks for its own one must not get the base
# (knet/module.rs). Only the module that the base itself is may. And what drops a value late is in the base only: the module that has
# made the value may have gone (knet/late.rs).
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t objects < <(find build/ipvs_rs/{core,knet,sys} -name '*.o' 2>/dev/null)
mapfile -t others < <(find build -maxdepth 1 -name '*.ko' ! -name ipvs_rs.ko)
[ "${#objects[@]}" -gt 0 ] && [ "${#others[@]}" -gt 0 ] || fail "there are no objects in build/"
own=$(nm --defined-only --print-file-name "${others[@]}" | grep -E 'knet.*(drop_now|drop_it)' || true)
[ -z "$own" ] || fail "a module has a function of its own that drops values late" "$own"
verdict "code of the base asks for its own module" "$(nm --undefined-only --print-file-name "${objects[@]}" | grep '__this_module' || true)"
