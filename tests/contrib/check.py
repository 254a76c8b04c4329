#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks what is in contrib/: the dashboard by its schema, that each metric which it and the alerts name is one that `ipvsadm
metrics` has, and, if promtool can be had (PROMTOOL=path), alerts and queries by that. Prints `ok` or `not ok` lines."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KINDS = {"object": dict, "array": list, "string": str, "integer": int}


def read(path):
    """The text of a file of the tree."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def defects(value, schema, whole, place="dashboard"):
    """What is wrong with a value by a JSON schema; the words of it that dashboard.schema.json uses."""
    if "$ref" in schema:
        schema = whole["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or kind == "integer" and isinstance(value, bool)):
        return [f"{place} is no {kind}"]
    out = [f"{place} has no {name}" for name in schema.get("required", ()) if name not in value]
    if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
        out.append(f"{place} may not be {value!r}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        out.append(f"{place} is not like {schema['pattern']}")
    if "minimum" in schema and value < schema["minimum"] or "maximum" in schema and value > schema["maximum"]:
        out.append(f"{place} is too small or too large")
    if len(value) < schema.get("minItems", schema.get("minLength", 0)) if isinstance(value, (list, str)) else False:
        out.append(f"{place} is empty")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False:
            out += [f"{place} has {name}" for name in value if name not in known]
        for name, part in known.items():
            if name in value:
                out += defects(value[name], part, whole, f"{place}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            out += defects(one, schema["items"], whole, f"{place}[{number}]")
    return out


def metrics():
    """The names of metrics that the tool has."""
    source = read("userspace/ipvsadm/src/extra/metrics.rs").split("#[cfg(test)]")[0]
    names = set(re.findall(r'"(ipvs_[a-z_]+)"', source))
    for part in re.findall(r'"([a-z_]+_total|[a-z_]*weight|[a-z]+_connections|[a-z]+_threshold)"', source):
        names |= {f"ipvs_{part}", f"ipvs_service_{part}", f"ipvs_server_{part}"}
    return names


def verdict(what, wrong):
    """Prints it."""
    print(f"not ok contrib: {what}: {'; '.join(wrong)}" if wrong else f"ok contrib: {what}", flush=True)
    return not wrong


def promtool(program, expressions):
    """Whether promtool is happy with the alerts, their tests and the queries."""
    good = True
    folder = os.path.join(ROOT, "contrib/prometheus")
    with tempfile.TemporaryDirectory() as scratch:
        queries = os.path.join(scratch, "queries.yml")
        rules = [{"record": f"query{number}", "expr": text.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                 for number, text in enumerate(expressions)]
        with open(queries, "w", encoding="utf-8") as file:
            # JSON is YAML.
            json.dump({"groups": [{"name": "queries", "rules": rules}]}, file)
        for words in (["check", "rules", "ipvs.rules.yml"], ["test", "rules", "ipvs.rules.test.yml"], ["check", "rules", queries]):
            done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)
            what = " ".join(words[:2] + [os.path.basename(words[2])])
            good &= verdict(f"promtool {what}", [] if done.returncode == 0 else [done.stdout + done.stderr])
    return good


def main():
    dashboard = json.loads(read("contrib/grafana/ipvs.json"))
    schema = json.loads(read("contrib/grafana/dashboard.schema.json"))
    good = verdict("the dashboard fits its schema", defects(dashboard, schema, schema))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = set(re.findall(r"\bipvs_(?!rs\b)[a-z_]+", "\n".join(expressions) + read("contrib/prometheus/ipvs.rules.yml")))
    good &= verdict("each metric is one of ipvsadm", sorted(used - metrics()))
    program = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if program:
        good &= promtool(program, expressions)
    else:
        print("contrib: promtool is not here: alerts and queries were not tried", flush=True)
    return not good


if __name__ == "__main__":
    sys.exit(main())
