// SPDX-License-Identifier: GPL-2.0

//! Destination hashing: all packets to one address get the same server, as long as the servers stay
//! the same. It is meant for caches behind a service with a firewall mark.

use super::{
    hashing::{eligible, folded, multiplicative, Slot, SLOT_BITS},
    Arrival, Server,
};

/// Gives the slots to the servers in turn. Weights do not matter.
pub fn fill<S: Server>(slots: &mut [Slot], servers: &[S]) {
    for (slot, index) in slots.iter_mut().zip((0..servers.len()).cycle()) {
        *slot = Slot::of(index);
    }
}

/// The index of the server for the destination address of the packet; [`None`] if that server is
/// not eligible.
#[inline]
pub fn pick<S: Server>(slots: &[Slot], servers: &[S], arrival: &Arrival<'_>) -> Option<usize> {
    eligible(slots, slot(arrival), servers).ok()?
}

/// The slot of the packet's destination address, also if the packet is quoted in an ICMP error.
#[inline]
pub fn slot(arrival: &Arrival<'_>) -> u32 {
    let addr = folded(arrival.flow.family, arrival.flow.dst);
    multiplicative(addr, SLOT_BITS)
}
