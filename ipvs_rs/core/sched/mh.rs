// SPDX-License-Identifier: GPL-2.0

//! Maglev hashing: all packets of one client get the same server, and few clients get another server
//! when the servers change.
//!
//! D. E. Eisenbud et al.: "Maglev: A Fast and Reliable Software Network Load Balancer", 2016,
//! section 3.4. Hashes, weights and the order of the servers are those of the C module, so that
//! directors of both kinds agree.

use super::{
    hashing::{folded, search, Slot},
    wrr::gcd,
    Arrival, Server,
};
use crate::hash::{siphash_u32, HashKey};

/// The possible numbers of slots: primes just below the powers of two from 2^8 on.
const SIZES: [u32; 10] = [
    251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131_071,
];

/// The size of a table. The number of slots is a prime just below a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    slots: u32,
    bits: u32,
}

impl Size {
    /// The size just below 2 to the power of `bits`; [`None`] if `bits` is not 8 to 17.
    pub fn new(bits: u32) -> Option<Self> {
        let row = usize::try_from(bits.checked_sub(8)?).ok()?;
        let slots = *SIZES.get(row)?;
        Some(Self { slots, bits })
    }

    /// The number of slots.
    pub const fn slots(self) -> u32 {
        self.slots
    }
}

/// The keys are public and the same on each director, because all directors must agree.
const FIRST: HashKey = HashKey::new([2_654_435_761; 2]);
const SECOND: HashKey = HashKey::new([2_654_446_892; 2]);

/// CAST: The lower half of the hash.
#[inline]
fn hash(key: HashKey, number: u32) -> u32 {
    siphash_u32::<1, 3>(key, number) as u32
}

/// The order in which a server prefers the slots: `start` first, then always `skip` slots further,
/// around the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The index of the slot that the server prefers most.
    pub start: u32,
    /// The distance from one slot to the next, less than the number of slots.
    pub skip: u32,
}

impl Preference {
    /// The preference of a server in a table of this size.
    pub fn of<S: Server>(server: &S, size: Size) -> Self {
        let port = u32::from(server.port());
        let number = folded(server.family(), server.addr()).wrapping_add(port);
        let slots = size.slots;
        Self {
            start: hash(FIRST, number).checked_rem(slots).unwrap_or(0),
            skip: hash(SECOND, number)
                .checked_rem(slots.wrapping_sub(1))
                .unwrap_or(0)
                .wrapping_add(1),
        }
    }
}

/// A server while the table is filled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claimant {
    /// The index of the slot that the server prefers next.
    next: u32,
    skip: u32,
    /// The number of slots that the server gets in a round.
    turns: u32,
}

/// The number of slots that each server gets in a round. It is in proportion to its last weight, and
/// small enough that a round is short compared with the table.
fn turns<S: Server>(servers: &[S], size: Size) -> impl Fn(&S) -> u32 {
    let weights = || servers.iter().map(S::last_weight);
    let divisor = weights().fold(0, gcd).max(1);
    let most = weights()
        .max()
        .unwrap_or(0)
        .checked_div(divisor)
        .unwrap_or(0);
    let shift = (u32::BITS.wrapping_sub(most.leading_zeros())).saturating_sub(size.bits / 2);
    move |server| match server.last_weight().checked_div(divisor).unwrap_or(0) {
        0 => 0,
        weight => weight.checked_shr(shift).unwrap_or(0).max(1),
    }
}

/// Gives all slots to servers: in each round each server takes the free slots that it prefers most,
/// as many as it has turns. If no server ever had a weight, all slots stay empty.
///
/// `slots` must be empty, and as many as `size` says. There must be as many `claimants` as servers.
pub fn fill<S: Server>(slots: &mut [Slot], size: Size, servers: &[S], claimants: &mut [Claimant]) {
    let turns = turns(servers, size);
    let mut sum = 0_u64;
    for (claimant, server) in claimants.iter_mut().zip(servers) {
        let preference = Preference::of(server, size);
        *claimant = Claimant {
            next: preference.start,
            skip: preference.skip,
            turns: turns(server),
        };
        sum = sum.saturating_add(u64::from(claimant.turns));
    }
    if sum == 0 {
        return;
    }
    let mut free = slots.len();
    loop {
        for (index, claimant) in (0..claimants.len()).zip(claimants.iter_mut()) {
            for _ in 0..claimant.turns {
                if free == 0 {
                    return;
                }
                claimant.claim(slots, size, Slot::of(index));
                free = free.wrapping_sub(1);
            }
        }
    }
}

impl Claimant {
    /// Takes the free slot that the server prefers most. There must be a free slot.
    #[inline]
    fn claim(&mut self, slots: &mut [Slot], size: Size, server: Slot) {
        // The number of slots is prime, so this many steps visit each slot.
        for _ in 0..size.slots {
            // CAST: A u32 fits.
            let slot = slots.get_mut(self.next as usize);
            self.next = size.after(self.next, self.skip);
            if let Some(slot) = slot.filter(|slot| **slot == Slot::EMPTY) {
                *slot = server;
                return;
            }
        }
    }
}

impl Size {
    /// The slot that is `skip` slots behind `slot`. Both are less than the number of slots.
    #[inline]
    fn after(self, slot: u32, skip: u32) -> u32 {
        let next = slot.wrapping_add(skip);
        match next.checked_sub(self.slots) {
            Some(wrapped) => wrapped,
            None => next,
        }
    }
}

/// The index of the client's server; [`None`] if that server is not eligible and none may replace
/// it.
#[inline]
pub fn pick<S: Server>(
    slots: &[Slot],
    size: Size,
    servers: &[S],
    arrival: &Arrival<'_>,
) -> Option<usize> {
    let hash = client_hash(arrival);
    let first = size.slot(hash(0));
    let others = (0..size.slots).map(|offset| {
        let offset = size.slot(first.wrapping_add(offset));
        size.slot(hash(offset))
    });
    search(slots, servers, arrival, first, others)
}

/// The hash of the client's address and port plus an offset.
#[inline]
fn client_hash(arrival: &Arrival<'_>) -> impl Fn(u32) -> u32 {
    let addr = folded(arrival.flow.family, arrival.client());
    let client = addr.wrapping_add(arrival.client_port().into());
    move |offset| hash(FIRST, client.wrapping_add(offset))
}

impl Size {
    #[inline]
    fn slot(self, hash: u32) -> u32 {
        hash.checked_rem(self.slots).unwrap_or(0)
    }
}
