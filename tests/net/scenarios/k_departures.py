# SPDX-License-Identifier: GPL-2.0
"""Devices, and namespaces, that go after packets went each way: nothing may keep them."""

from departures import Director, all_ways, kept, namespace_goes
from scenario import check, scenario


@scenario
def the_device_of_each_way_goes(t):
    ways = all_ways()
    lab = Director(ways)
    lab.use()
    for way in ways:
        check(not kept(lab.director, f"link del {way}"), f"{way} keeps its device")
    t.note(len(ways), "ways")


@scenario
def the_namespace_of_each_way_goes(t):
    ways = all_ways()
    lab = Director(ways)
    lab.use()
    namespace_goes(lab)
    t.note(len(ways), "ways")
