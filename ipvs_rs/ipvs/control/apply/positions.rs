// SPDX-License-Identifier: GPL-2.0

//! The positions of servers in a list, found without a search through the list.

use ipvs_core::{
    config::DestKey,
    hash::{self, HashKey},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{random, vec::filled};

/// The value of an empty slot.
const NONE: u32 = u32::MAX;

/// A hash table of positions, of a fixed size.
pub(super) struct Positions {
    key: HashKey,
    /// Positions, each at the hash of its server or behind it. At least half of them are [`NONE`].
    slots: KVVec<u32>,
}

impl Positions {
    /// A table for `count` positions.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(count: usize) -> Result<Self> {
        let twice = count.saturating_mul(2).saturating_add(1);
        let bits = usize::BITS.saturating_sub(twice.leading_zeros());
        let size = 1_usize.checked_shl(bits).ok_or(ENOMEM)?;
        Ok(Self {
            key: HashKey::new([random::number(), random::number()]),
            slots: filled(NONE, size)?,
        })
    }

    /// The slot at which the search for `server` begins.
    fn start(&self, server: &DestKey) -> usize {
        // CAST: A u32 fits.
        hash::service(self.key, server.family, 0, server.addr, server.port) as usize
    }

    /// The slot with this number, counted around.
    fn slot(&mut self, at: usize) -> Option<&mut u32> {
        let mask = self.slots.len().wrapping_sub(1);
        self.slots.get_mut(at & mask)
    }

    /// The position of `server`, at which `is_there` holds. If it has none, and `new` is given, it gets that one.
    pub(super) fn find_or_insert(
        &mut self,
        server: &DestKey,
        new: Option<usize>,
        is_there: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let start = self.start(server);
        for step in 0..self.slots.len() {
            let slot = self.slot(start.wrapping_add(step))?;
            if *slot == NONE {
                let new = new.and_then(|new| u32::try_from(new).ok());
                *slot = new.unwrap_or(NONE);
                return None;
            }
            // CAST: A u32 fits.
            let found = *slot as usize;
            if is_there(found) {
                return Some(found);
            }
        }
        None
    }
}
