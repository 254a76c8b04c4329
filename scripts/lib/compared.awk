# SPDX-License-Identifier: GPL-2.0
# awk -f compared.awk layout.rs bindings.rs: the bindings, in which every structure, field and bit field that layout.rs
# does not compare with C is deprecated. As knet is built with -Dwarnings, what is not compared cannot be used.

BEGIN { why = "#[deprecated = \"not compared with C: add it to knet/layout.rs and sys/layout.c\"]" }

# ---- layout.rs: compared[structure], path[structure, name]; sampled[structure, bit field]

FILENAME != ARGV[2] {
	sub(/\/\/.*/, "")
	if (/= layout! \{/ || /^bits! \{/) { reading = /layout!/ ? "fields" : "bits"; next }
	if (/^\}/) reading = ""
	if (reading == "") next
	text = text " " $0
	while (match(text, /[A-Za-z0-9_]+ \{[^}]*\}/)) {
		item = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		type = item; sub(/ .*/, "", type)
		sub(/^[^{]*\{/, "", item); sub(/\}$/, "", item); gsub(/[ \t]/, "", item)
		if (reading == "fields") compared[type] = 1
		count = split(item, names, ",")
		for (i = 1; i <= count; i++) {
			name = names[i]
			if (name == "") continue
			if (reading == "bits") { sub(/=.*/, "", name); sampled[type, name] = 1; continue }
			sub(/^[^=]*=/, "", name)
			path[++paths] = type "." name
		}
	}
	next
}

# ---- bindings.rs, kept in lines[]: type_of[structure, field]

{ lines[++last] = $0 }
/^pub (struct|union) [A-Za-z0-9_]+ \{/ { inside = $3; next }
/^\}/ { inside = ""; next }
inside != "" && /^    pub [A-Za-z0-9_]+:( |$)/ {
	field = $2; sub(/:.*/, "", field)
	type = $0; sub(/^    pub [A-Za-z0-9_]+: ?/, "", type); sub(/,$/, "", type)
	type_of[inside, field] = type
}

END {
	if (!paths || !last) exit 1
	for (i = 1; i <= paths; i++) {
		count = split(path[i], names, ".")
		type = names[1]
		for (j = 2; j <= count; j++) {
			used[type, names[j]] = 1
			type = type_of[type, names[j]]
			if (j < count) passed[type] = 1
		}
	}
	inside = ""
	for (i = 1; i <= last; i++) {
		line = lines[i]
		count = split(line, words, " ")
		if (line ~ /^pub (struct|union) [A-Za-z0-9_]+ \{/) {
			inside = words[3]
			# An anonymous part is told by its fields; a structure without fields is only passed on.
			if (inside !~ /__bindgen_ty_/ && !(inside in compared) && !(inside in passed) && lines[i + 1] !~ /(_unused|_bindgen_opaque_blob|_address)/)
				print why
		} else if (line ~ /^impl [A-Za-z0-9_]+ \{/) {
			inside = words[2]
		} else if (line ~ /^\}/) {
			inside = ""
		} else if (inside != "" && line ~ /^    pub [A-Za-z0-9_]+:( |$)/) {
			name = words[2]; sub(/:.*/, "", name)
			if (name !~ /^(__bindgen_anon_|_bindgen_|_unused|_address)/ && !((inside, name) in used)) print "    " why
		} else if (inside != "" && line ~ /^    pub (unsafe )?(const )?fn [A-Za-z0-9_]+\(/) {
			name = line; sub(/\(.*/, "", name); sub(/.* /, "", name)
			bit = name; sub(/^set_/, "", bit)
			if (name != "new_bitfield_1" && !((inside, bit) in sampled)) print "    " why
		}
		print line
	}
}
