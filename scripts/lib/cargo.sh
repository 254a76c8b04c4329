# SPDX-License-Identifier: GPL-2.0
# Which cargo runs the host crates. Sourced, not run.

# run_cargo ARGS...: the host's cargo where it is at least as new as the environment's, else the environment's. With CARGO_IN=env it is
# the environment's: packages are for trixie, and are the same wherever they are made.
run_cargo() {
	local minor
	minor=$({ cargo --version 2>/dev/null || true; } | sed -nE 's/^cargo 1\.([0-9]+)\..*/\1/p')
	if [ "${minor:-0}" -ge 85 ] && [ "${CARGO_IN:-}" != env ]; then
		cargo "$@"
	else
		"$CHECKOUT/scripts/in-env" cargo "$@"
	fi
}
