# SPDX-License-Identifier: GPL-2.0
# What the steps of all boots use. Sourced in the VM.

KVER=$(cat /lab/kver)
OURS=/usr/lib/modules/$KVER/updates/ipvs-rs

# typed NAME: the lines of the README below `typed: NAME`, one by one, as they stand; what was typed and answered goes to the log.
typed() {
	(
		cd /lab/packages
		set -ex
		. "/lab/readme/$1"
	)
}

# says TEXT CMD...: CMD's words have TEXT in them.
says() {
	local text=$1
	shift
	"$@" 2>&1 | tee /dev/stderr | grep -qF -- "$text"
}

# fails CMD...
fails() {
	! "$@"
}

# Which file would modprobe take for ip_vs?
found() {
	modinfo -k "$KVER" -n "${1:-ip_vs}" | tee /dev/stderr
}

# Which module runs? Ours stands on ipvs_rs.
rust_runs() { [ -d /sys/module/ip_vs ] && [ -d /sys/module/ipvs_rs ]; }
c_runs() { [ -d /sys/module/ip_vs ] && [ ! -d /sys/module/ipvs_rs ]; }

# Two servers and a client, as namespaces beside the director: 10.0.0.2, 10.0.0.3, and 192.0.2.9 as the client of 192.0.2.1.
network() {
	local number
	ip link add name servers type bridge 2>/dev/null || ip link show servers
	sysctl -qw net.ipv4.ip_forward=1
	for number in 2 3; do
		ip netns add "server$number"
		ip link add "s$number" type veth peer name eth0 netns "server$number"
		ip -n "server$number" link set lo up
		ip -n "server$number" link set eth0 up
		ip -n "server$number" addr add "10.0.0.$number/24" dev eth0
		ip -n "server$number" route add default via 10.0.0.1
		ip link set "s$number" up
		ip link set "s$number" master servers
		ip netns exec "server$number" setsid python3 /lab/server.py "server $number" >/dev/null 2>&1 &
	done
	ip addr add 10.0.0.1/24 dev servers
	ip link set servers up
	ip netns add client
	ip link add c type veth peer name eth0 netns client
	ip -n client link set lo up
	ip -n client link set eth0 up
	ip -n client addr add 192.0.2.9/24 dev eth0
	ip addr add 192.0.2.1/24 dev c
	ip link set c up
	sleep 2
}

# requests N: N requests of the client; prints how many each server answered.
requests() {
	local number
	for ((number = 0; number < $1; number++)); do
		ip netns exec client curl -s --max-time 5 http://192.0.2.1/
	done | sort | uniq -c | tee /dev/stderr
}
