#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The dashboard fits its schema, and alerts and dashboard name metrics that there are; promtool looks at them where it is.
. "$(dirname "$0")/../lib/gate.sh"
said=$(tests/contrib/check.py 2>&1) || fail "contrib/ is wrong" "$(grep -v '^ok' <<<"$said")"
pass "$(grep -c '^ok' <<<"$said") checks"
