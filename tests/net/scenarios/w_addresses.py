# SPDX-License-Identifier: GPL-2.0
"""Which addresses a server may have, by where this host would send to them."""

from dual import Dual, VIP6
from lab import VIP
from scenario import scenario

ADDRESSES = ("fe80::1", "ff02::1", "ff0e::1", "::", "::1", "::ffff:10.0.0.9", "2001:db8:9::9")
ROUTES = (None, "default dev lo", "default dev c0", "unreachable default", "prohibit default", "blackhole default",
          "local default dev lo", "local fe80::1 dev lo", "fe80::1 dev lo", "multicast ff00::/8 dev lo")
SERVICES = {f"-t [{VIP6}]:80": "-m", f"-u {VIP}:53": "-i --tun-type gue --tun-port 6080 --tun-csum"}


@scenario
def servers_count_as_local_where_the_route_goes_by_the_loopback(t):
    director = Dual().director
    for route in ROUTES:
        if route:
            director.run("ip", "-6", "route", "add", *route.split(), "metric", "1")
        rows = []
        for service, options in SERVICES.items():
            director.ipvs(f"-A {service} -s rr")
            rows += [f"{service} -r {address} {options.split()[0]}: " + (director.ipvsadm(
                "-a", *service.split(), "-r", f"[{address}]:8080", *options.split()).strip() or "taken")
                     for address in ADDRESSES]
        director.ipvs("-C")
        t.block(f"route {route}", rows)
        if route:
            director.run("ip", "-6", "route", "del", *route.split(), "metric", "1")
