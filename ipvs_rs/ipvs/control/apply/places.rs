// SPDX-License-Identifier: GPL-2.0

//! Where in a list of servers one is, without a search through the list.

use ipvs_core::{
    config::DestKey,
    hash::{self, HashKey},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{random, vec::filled};

/// No place.
const NONE: u32 = u32::MAX;

/// A hash table of places, of a fixed size.
pub(super) struct Places {
    key: HashKey,
    /// Places, each at the hash of its server or behind it. At least half of them are [`NONE`].
    slots: KVVec<u32>,
}

impl Places {
    /// A table for so many places.
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

    /// Where the hash of `server` points to.
    fn start(&self, server: &DestKey) -> usize {
        // CAST: A u32 fits.
        hash::service(self.key, server.family, 0, server.addr, server.port) as usize
    }

    /// What is at one of the slots, counted around.
    fn slot(&mut self, at: usize) -> Option<&mut u32> {
        let mask = self.slots.len().wrapping_sub(1);
        self.slots.get_mut(at & mask)
    }

    /// The place of `server`, for which `is_there` holds; if there is none, it is `new` from now
    /// on, if that is given.
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
