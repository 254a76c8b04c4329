#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A file is one noun. Above 500 lines (tests not counted) it says at its top why: "LENGTH: the reason".
. "$(dirname "$0")/../lib/gate.sh"
offending=
while read -r file; do
	lines=$(awk '/^#\[cfg\(test\)\]/ { exit } { n++ } END { print n + 0 }' "$file")
	[ "$lines" -le 500 ] || grep -q 'LENGTH: ' <(head -n 40 "$file") || offending+="$file: $lines lines"$'\n'
done < <(sources '*.rs' '*.c' '*.h' '*.sh' '*.py' 'scripts/*' | grep -v '/tests/')
verdict "long files that do not say why" "${offending%$'\n'}"
