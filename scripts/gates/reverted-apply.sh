#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The patches of tests/debug/reverted, which take fixes back, apply to the sources as they are. scripts/reverted.sh runs them.
. "$(dirname "$0")/../lib/gate.sh"
offending=
for patch in tests/debug/reverted/*.patch; do
	said=$(git apply --check "$patch" 2>&1) || offending+="$patch: ${said%%$'\n'*}"$'\n'
done
verdict "a patch does not apply" "${offending%$'\n'}"
