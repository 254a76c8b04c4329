# SPDX-License-Identifier: GPL-2.0
"""Devices, and namespaces, that go after packets went each way: nothing may keep them."""

from departures import Director, all_ways, kept, namespace_goes, simple_ways
from kernel import is_ours
from scenario import check, scenario


def without_ipv6(lab, way):
    lab.director.sysctl(f"net/ipv6/conf/{way}/disable_ipv6", 1)


def elsewhere(lab, way):
    lab.director.ip(f"link set {way} netns {lab.client.name}")


# What happens to a device before it goes.
BEFORE = {
    "down": lambda lab, way: lab.director.ip(f"link set {way} down"),
    "without addresses": lambda lab, way: lab.director.ip(f"addr flush dev {way}"),
    "too small for IPv6": lambda lab, way: lab.director.ip(f"link set {way} mtu 1000"),
    "without IPv6": without_ipv6,
    "in another namespace": elsewhere,
    "without its server": lambda lab, way: lab.director.ipvs(f"-d {way.service()} -r {way.server()}"),
}


def goes(t, lab, way, how, host=None):
    """The device of a way goes, and nothing keeps it. The C module is asked as well, not judged."""
    is_kept = kept(host or lab.director, f"link del {way}", services=() if host else lab.services())
    check(not (is_kept and is_ours()), f"{how}: {way} keeps its device")
    t.note(f"{how}: {way}:", "kept" if is_kept else "gone")


@scenario
def the_device_of_each_way_goes(t):
    lab = Director(all_ways())
    lab.use()
    for way in lab.ways:
        goes(t, lab, way, "up")


@scenario
def devices_go_after_something_else_happened_to_them(t):
    lab = Director(simple_ways(len(BEFORE)))
    lab.use()
    each = len(lab.ways) // len(BEFORE)
    for number, (name, happens) in enumerate(BEFORE.items()):
        for way in lab.ways[number * each:][:each]:
            happens(lab, way)
            goes(t, lab, way, name, lab.client if happens is elsewhere else None)


@scenario
def devices_go_that_a_route_is_about_and_does_not_leave_by(t):
    lab = Director(simple_ways(1, places=("here", "behind")))
    lab.use()
    for way in lab.ways:
        goes(t, lab, way, way.place)


@scenario
def the_namespace_of_each_way_goes(t):
    lab = Director(all_ways())
    lab.use()
    namespace_goes(lab)
    t.note(len(lab.ways), "ways")
