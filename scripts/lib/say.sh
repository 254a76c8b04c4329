# SPDX-License-Identifier: GPL-2.0
# Talking to the person at the terminal: steps, progress, one clear sentence on failure.
# Sourced, not run.

STEP_NUMBER=0
STEP_TOTAL=${STEP_TOTAL:-0}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# step TITLE: the next of STEP_TOTAL steps begins.
step() {
	STEP_NUMBER=$((STEP_NUMBER + 1))
	STEP_TITLE=$1
	printf '[%d/%d] %s\n' "$STEP_NUMBER" "$STEP_TOTAL" "$STEP_TITLE"
}

note() {
	printf '      %s\n' "$*"
}

# progress LOG WATCHED CMD...: runs CMD with its output in LOG and shows how long it has been running and a figure that
# moves: the size of the file or folder WATCHED, or with "-" the lines written to LOG. Returns CMD's status.
progress() {
	local log=$1 watched=$2 began=$SECONDS pid figure pause=10
	shift 2
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	[ -t 1 ] && pause=1
	while kill -0 "$pid" 2>/dev/null; do
		# A short command must not wait for a whole pause.
		local tick
		for ((tick = 0; tick < pause * 5; tick++)); do
			sleep 0.2
			kill -0 "$pid" 2>/dev/null || break 2
		done
		if [ "$watched" = - ]; then
			figure="$(wc -l <"$log") lines: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-60)"
		else
			figure="$(du -sm "$watched" 2>/dev/null | cut -f 1) MB"
		fi
		if [ -t 1 ]; then
			printf '\r\033[K      %d s, %s' $((SECONDS - began)) "$figure"
		else
			printf '      %d s, %s\n' $((SECONDS - began)) "$figure"
		fi
	done
	[ -t 1 ] && printf '\r\033[K'
	wait "$pid"
}
