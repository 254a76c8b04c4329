// SPDX-License-Identifier: GPL-2.0

//! Source hashing: all packets of one client get the same server, as long as the servers stay the
//! same.

use super::{
    hashing::{folded, multiplicative, search, Slot, SLOTS, SLOT_BITS},
    Arrival, Server,
};

/// The last slot. CAST: A small number.
const LAST: u32 = SLOTS as u32 - 1;

/// Gives the slots to the servers in turn. At each turn a server gets as many slots as its weight
/// is; a server of weight 0 gets one.
pub fn fill<S: Server>(slots: &mut [Slot], servers: &[S]) {
    let mut slots = slots.iter_mut();
    while !servers.is_empty() {
        for (index, server) in (0..servers.len()).zip(servers) {
            for _ in 0..server.weight().max(1) {
                match slots.next() {
                    Some(slot) => *slot = Slot::of(index),
                    None => return,
                }
            }
        }
    }
}

/// The index of the client's server; [`None`] if that server is not eligible and none may replace
/// it.
#[inline]
pub fn pick<S: Server>(slots: &[Slot], servers: &[S], arrival: &Arrival<'_>) -> Option<usize> {
    let first = slot(arrival);
    // As the C module does: the order of the other slots adds the client's slot once more.
    let others = (0..=LAST).map(|offset| {
        let offset = first.wrapping_add(offset) & LAST;
        first.wrapping_add(offset) & LAST
    });
    search(slots, servers, arrival, first, others)
}

/// The slot of the client.
#[inline]
pub fn slot(arrival: &Arrival<'_>) -> u32 {
    let addr = folded(arrival.flow.family, arrival.client());
    let port = u32::from(arrival.client_port());
    multiplicative(addr.wrapping_add(port), SLOT_BITS)
}
