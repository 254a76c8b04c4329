#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own tools read the specification of our netlink family and make a client in C of it; its numbers are those of
# include/uapi/ipvs_rs.h. Needs jsonschema and yaml for Python; without them, or the kernel's source, it says so and passes.
. "$(dirname "$0")/../lib/gate.sh"
load_lab
source=$KDIR/source
python3 -c 'import jsonschema, yaml' 2>/dev/null || pass "not tried: no jsonschema for Python"
[ -d "$source/tools/net/ynl/pyynl" ] || pass "not tried: no source of the kernel"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The generator looks for the root of a kernel's tree above the specification.
mkdir -p "$scratch/Documentation/netlink/specs"
touch "$scratch/MAINTAINERS"
cp "$source"/Documentation/netlink/*.yaml "$scratch/Documentation/netlink/"
cp include/netlink/ipvs.yaml "$scratch/Documentation/netlink/specs/"
for part in header source; do
	said=$(python3 -B "$source/tools/net/ynl/pyynl/ynl_gen_c.py" --mode user --$part -o "$scratch/$part" \
		--spec "$scratch/Documentation/netlink/specs/ipvs.yaml" 2>&1) || fail "no client can be made of the specification" "$said"
done
offending=$(python3 - <<'PYTHON'
import re
import yaml

spec = yaml.safe_load(open("include/netlink/ipvs.yaml"))
header = re.sub(r"/\*.*?\*/", "", open("include/uapi/ipvs_rs.h").read(), flags=re.S)
numbers = {}
for body in re.findall(r"enum \{(.*?)\};", header, flags=re.S):
    last = -1
    for name, _, number in re.findall(r"(\w+)\s*(=\s*(\d+))?\s*,", body):
        last = int(number) if number else last + 1
        numbers[name] = last
told = {}
for part in spec["attribute-sets"]:
    last = 0
    for one in part["attributes"]:
        last = one.get("value", last + 1)
        prefix = "ipvs-rs-attr-" if part["name"] == "cmd" else part["name-prefix"]
        told[(prefix + one["name"]).upper().replace("-", "_")] = last
for one in spec["operations"]["list"]:
    number = one.get("value") or next(one[kind]["request"]["value"] for kind in ("do", "dump") if kind in one)
    told[("ipvs-rs-cmd-" + one["name"]).upper().replace("-", "_")] = number
for one in spec["definitions"]:
    if one["name"] in ("action", "authentication"):
        for number, name in enumerate(one["entries"], one.get("value-start", 0)):
            told[f"ipvs-rs-{one['name']}-{name}".upper().replace("-", "_")] = number
for name, number in numbers.items():
    if name != "IPVS_RS_CMD_NEW_CONN" and told.get(name) != number:
        print(f"{name} is {number}, and {told.get(name)} in the specification")
PYTHON
)
verdict "numbers differ from the header" "$offending"
