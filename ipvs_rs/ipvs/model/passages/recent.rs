// SPDX-License-Identifier: GPL-2.0

//! The flows that have kept their way of late: a packet of another flow is told from them by two loads, and the connection of a
//! packet of one of them is found without a search, most likely.

use core::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Relaxed, Release},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    rcu::{Guard, Ref},
    time::{Jiffies, HZ},
    vec::room,
};

use super::place::Place;
use crate::model::conn::Conn;

/// There are so many bits for each position of a passage, as a power of two.
const BITS_EACH: u32 = 5;
/// There are so many connections for each position of a passage, as a power of two.
const CONN_BITS: u32 = 2;

/// A word of each of the two generations.
struct Pair([AtomicU64; 2]);

/// The flows of this second, and of the second before.
///
/// Each second has a generation of its own. It begins empty, in the place of that before the last. A flow that goes on is added
/// again by the packet that renews its way, within a second.
pub(super) struct RecentFlows {
    pairs: KVVec<Pair>,
    /// A fingerprint shifted by this is the number of a pair.
    shift: u32,
    /// The second of the younger generation, which is the one of that parity.
    second: AtomicUsize,
    /// Connections of these flows, one for all that have the same place. What is not here is found in the table of connections.
    conns: KVVec<Place<Conn>>,
    /// A fingerprint shifted by this is the place of a connection.
    conn_shift: u32,
}

impl RecentFlows {
    /// No flows. `bits` is the number of positions as a power of two.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(bits: u32) -> Result<Self> {
        let pair_bits = bits
            .saturating_add(BITS_EACH)
            .saturating_sub(u64::BITS.ilog2());
        let count = 1_usize.wrapping_shl(pair_bits);
        let mut pairs = room(count)?;
        for _ in 0..count {
            let pair = Pair([AtomicU64::new(0), AtomicU64::new(0)]);
            pairs.push_within_capacity(pair).map_err(|_| ENOMEM)?;
        }
        let conn_bits = bits.saturating_add(CONN_BITS);
        let count = 1_usize.wrapping_shl(conn_bits);
        let mut conns = room(count)?;
        for _ in 0..count {
            conns
                .push_within_capacity(Place::empty())
                .map_err(|_| ENOMEM)?;
        }
        Ok(Self {
            pairs,
            shift: u32::BITS.saturating_sub(pair_bits),
            second: AtomicUsize::new(now()),
            conns,
            conn_shift: u32::BITS.saturating_sub(conn_bits),
        })
    }

    #[inline(always)]
    fn conn_place(&self, fingerprint: u32) -> Option<&Place<Conn>> {
        // CAST: A u32 fits.
        self.conns
            .get(fingerprint.wrapping_shr(self.conn_shift) as usize)
    }

    /// A connection whose packets may have this fingerprint, and that may have ended.
    #[inline(always)]
    pub(super) fn conn<'g>(&'g self, fingerprint: u32, guard: &'g Guard) -> Option<Ref<'g, Conn>> {
        self.conn_place(fingerprint)?.load(guard)
    }

    /// Keeps a connection for packets with this fingerprint, until it is taken [out](Self::take_out) when it has ended.
    pub(super) fn put(&self, fingerprint: u32, conn: Ref<'_, Conn>, guard: &Guard) {
        let Some(place) = self.conn_place(fingerprint) else {
            return;
        };
        let is_there = place
            .load(guard)
            .is_some_and(|there| core::ptr::eq(there.get(), conn.get()));
        if !is_there {
            if let Some(conn) = conn.try_clone() {
                place.put(conn, |conn| !conn.is_in_table());
            }
        }
    }

    /// Takes a connection out, if it is there.
    pub(super) fn take_out(&self, fingerprint: u32, conn: &Conn, guard: &Guard) {
        let Some(place) = self.conn_place(fingerprint) else {
            return;
        };
        let there = place
            .load(guard)
            .filter(|there| core::ptr::eq(there.get(), conn));
        if let Some(there) = there.and_then(Ref::try_clone) {
            place.take_out(&there);
        }
    }

    /// Takes all connections out.
    pub(super) fn clear(&self) {
        for place in self.conns.iter() {
            place.clear();
        }
    }

    /// The pair and the bit of a fingerprint.
    #[inline(always)]
    fn place(&self, number: u32) -> Option<(&Pair, u64)> {
        // CAST: A u32 fits.
        let pair = self.pairs.get(number.wrapping_shr(self.shift) as usize)?;
        Some((pair, 1_u64.wrapping_shl(number)))
    }

    /// Whether a flow, or another one of the same bit, was added in this second or the one before.
    #[inline(always)]
    pub(super) fn has(&self, fingerprint: u32) -> bool {
        self.place(fingerprint).is_some_and(|(pair, bit)| {
            let [even, odd] = &pair.0;
            (even.load(Relaxed) | odd.load(Relaxed)) & bit != 0
        })
    }

    /// Adds a flow.
    pub(super) fn add(&self, fingerprint: u32) {
        let second = now();
        let last = self.second.load(Relaxed);
        if last != second {
            self.begin(last, second);
        }
        if let Some((pair, bit)) = self.place(fingerprint) {
            let [even, odd] = &pair.0;
            let word = match second & 1 {
                0 => even,
                _ => odd,
            };
            // Most packets find the bit set.
            if word.load(Relaxed) & bit == 0 {
                word.fetch_or(bit, Relaxed);
            }
        }
    }

    /// Begins the generation of a second, which one packet does. Flows that others add meanwhile may be lost with the old ones, and
    /// are slow until they are added again.
    #[cold]
    fn begin(&self, last: usize, second: usize) {
        // ORDERING: Release has no partner: the bits are hints.
        let is_first = self.second.compare_exchange(last, second, Release, Relaxed);
        if is_first.is_err() {
            return;
        }
        let both = second.wrapping_sub(last) != 1;
        for Pair([even, odd]) in self.pairs.iter() {
            if both || second & 1 == 0 {
                even.store(0, Relaxed);
            }
            if both || second & 1 != 0 {
                odd.store(0, Relaxed);
            }
        }
    }
}

/// The present second, from some moment on.
fn now() -> usize {
    // A constant that is not 0.
    Jiffies::now().ticks().wrapping_div(HZ)
}
