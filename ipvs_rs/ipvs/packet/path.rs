// SPDX-License-Identifier: GPL-2.0

//! The ways that packets come: each looks for the connection of a packet, and decides from there.

pub(super) mod forward;
pub(super) mod local;
