#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each library was looked at by hand: its licence, and whether it is maintained and has no advisory (scripts/lib/libraries, with the
# date). cargo-deny looks, too, where somebody has installed it: at licences, bans and sources, of which a warning fails,
# and at advisories if it gets its database, which is on GitHub. There warnings pass: nobody has seen that it has none. The gate does
# not install it: `cargo install cargo-deny --locked` took 2:40 of one core (version 0.20.2), and the list has the same licences in no
# time.
. "$(dirname "$0")/../lib/gate.sh"
offending=$(python3 scripts/lib/libraries.py)
[ -z "$offending" ] || fail "libraries" "$offending"
command -v cargo-deny >/dev/null || pass "by the list of $(grep -oE -m1 '[0-9]{4}-[0-9]{2}-[0-9]{2}' scripts/lib/libraries)"
said=$(cargo deny check -D warnings licenses bans sources 2>&1) || fail "cargo-deny objects" "$said"
database=$(cargo deny fetch db 2>&1) || pass "and by cargo-deny, without its database of advisories: $(grep -m1 '^fatal' <<<"$database" || echo "not fetched")"
said=$(cargo deny check --disable-fetch advisories 2>&1) || fail "cargo-deny objects" "$said"
pass "and by cargo-deny"
