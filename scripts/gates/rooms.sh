#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The rooms of a crate see only those that the tables below name (ARCHITECTURE.md, "Rooms"), and there is no circle of rooms.
# A room is a module at the top of the crate, with the folder of its name.
. "$(dirname "$0")/../lib/gate.sh"
offending=$(python3 "$(dirname "$0")/../lib/rooms.py")
verdict "a room sees what it must not see" "$offending"
