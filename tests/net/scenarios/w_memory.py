# SPDX-License-Identifier: GPL-2.0
"""What there is memory for, and what needs none: an unprivileged user with a user and a network namespace of his own."""

import contained
import sockopt
from lab import VIP, run
from scenario import equal, scenario

# In two services, so that anything that is twice as large as for the first of them does not fit into one piece of 4 MB.
MANY, FEW = 66000, 1


def add_and_delete(place):
    """Two services with many servers, deleted again. Returns what was refused first."""
    run("ip", "link", "set", "lo", "up")
    client = sockopt.Client(place)
    said = []
    for port, count in ((80, MANY), (81, FEW)):
        service = sockopt.service(VIP, port)
        said.append((f"add a service at port {port}", client.set("ADD", service)))
        for number in range(count):
            server = sockopt.dest(f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}", 80)
            said.append((f"add server {number}", client.set("ADDDEST", service + server)))
    for port in (80, 81):
        said.append((f"delete the service at port {port}", client.set("DEL", sockopt.service(VIP, port))))
    return [row for row in said if row[1] != "ok"][:9]


@scenario(rust_only=True)
def a_nobody_deletes_more_servers_than_lie_in_one_piece(_):
    equal(contained.call(contained.in_container_of_nobody, add_and_delete), [], "what was refused")
