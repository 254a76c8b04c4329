#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is linked into the base does not name its module: a balancer that asks for its own one must not get the base
# (knet/module.rs). Only the module that the base itself is may.
. "$(dirname "$0")/../lib/gate.sh"
mapfile -t objects < <(find build/ipvs_rs/{core,knet,sys} -name '*.o' 2>/dev/null)
[ "${#objects[@]}" -gt 0 ] || fail "there are no objects in build/"
verdict "code of the base asks for its own module" "$(nm --undefined-only --print-file-name "${objects[@]}" | grep '__this_module' || true)"
