# SPDX-License-Identifier: GPL-2.0
# The files of the project, and how to read Rust without its comments. Sourced, not run.

# sources PATTERN...: the files that git knows or would add and whose name matches (git warns of folders not there).
sources() {
	git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null | sort -u | while read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# code FILE...: FILE:LINE:TEXT of every line, comments and string literals blanked.
code() {
	[ $# -gt 0 ] || return 0
	awk '
		FNR == 1 { inside = 0 }
		{
			line = $0
			gsub(/\\./, "", line)
			gsub(/"[^"]*"/, "\"\"", line)
			if (inside && sub(/^.*\*\//, "", line)) inside = 0
			if (inside) line = ""
			sub(/\/\/.*/, "", line)
			gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
			if (sub(/\/\*.*/, "", line)) inside = 1
			print FILENAME ":" FNR ":" line
		}' "$@"
}
