// SPDX-License-Identifier: GPL-2.0

//! Destination hashing: packets to one address always get the same server, as long as the servers
//! stay the same. For caches behind a service that is known by a firewall mark.

use super::{
    hashing::{eligible, folded, multiplicative, Slot, SLOT_BITS},
    Arrival, Server,
};

/// Deals the slots out to the servers in turn, whatever their weights.
pub fn fill<S: Server>(slots: &mut [Slot], servers: &[S]) {
    for (slot, index) in slots.iter_mut().zip((0..servers.len()).cycle()) {
        *slot = Slot::of(index);
    }
}

/// The index of the server of the packet's destination; [`None`] if that is not eligible.
#[inline]
pub fn pick<S: Server>(slots: &[Slot], servers: &[S], arrival: &Arrival<'_>) -> Option<usize> {
    eligible(slots, slot(arrival), servers).ok()?
}

/// The slot of the destination: that of the packet, whichever way it travels.
#[inline]
pub fn slot(arrival: &Arrival<'_>) -> u32 {
    let addr = folded(arrival.flow.family, arrival.flow.dst);
    multiplicative(addr, SLOT_BITS)
}
