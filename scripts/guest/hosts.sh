# SPDX-License-Identifier: GPL-2.0
# The hosts of the demos: network namespaces that are joined by veth. Sourced, not run.

say() {
	printf '\n* %s\n' "$*"
}

# show CMD...: says and runs it in the director.
show() {
	echo "director# $*"
	ip netns exec director "$@"
}

# host NAME ADDRESS GATEWAY: a namespace with one cable to the director, which has GATEWAY at its end.
host() {
	ip netns add "$1"
	ip -n director link add "$1" type veth peer name eth0 netns "$1"
	ip -n director address add "$3/24" dev "$1"
	ip -n director link set "$1" up
	ip -n "$1" address add "$2/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "$3"
}

# web_server NAME [TEXT]: nginx that answers with its name, or with a text in which nginx's variables are.
web_server() {
	mkdir -p "/run/$1"
	cat >"/run/$1/nginx.conf" <<-END
		pid /run/$1/nginx.pid;
		error_log /run/$1/error.log;
		worker_processes 1;
		events {}
		http {
			access_log off;
			server { listen 80; return 200 "${2:-$1}\n"; }
		}
	END
	ip netns exec "$1" nginx -c "/run/$1/nginx.conf"
}
