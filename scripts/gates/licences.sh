#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every source file says its licence at its top.
. "$(dirname "$0")/../lib/gate.sh"
offending=
while read -r file; do
	grep -q 'SPDX-License-Identifier: ' <(head -n 3 "$file") || offending+=$file$'\n'
done < <(sources '*.rs' '*.c' '*.h' '*.sh' '*.py' '*.mk' '*Kbuild' 'Makefile' '.ci/run' 'scripts/*' 'tests/*/run' 'tests/*/compare')
verdict "no SPDX-License-Identifier" "${offending%$'\n'}"
