// SPDX-License-Identifier: GPL-2.0

//! The share of new connections that is dropped while memory is short.

use core::sync::atomic::{
    AtomicI32,
    Ordering::{AcqRel, Relaxed},
};
use ipvs_core::defense;

/// Of how many new connections one is dropped now.
pub(crate) struct DropPacket {
    rate: AtomicI32,
    counter: AtomicI32,
}

impl DropPacket {
    /// None is.
    pub(crate) const fn new() -> Self {
        Self {
            rate: AtomicI32::new(0),
            counter: AtomicI32::new(0),
        }
    }

    /// Whether a new connection is dropped.
    #[inline]
    pub(crate) fn drops(&self) -> bool {
        match self.rate.load(Relaxed) {
            0 => false,
            rate => self.drops_one_of(rate),
        }
    }

    #[cold]
    fn drops_one_of(&self, rate: i32) -> bool {
        let step = |counter| Some(defense::count_down(counter, rate).0);
        let before = self.counter.fetch_update(AcqRel, Relaxed, step);
        before.is_ok_and(|counter| defense::count_down(counter, rate).1)
    }

    /// From now on one of `rate` new connections is dropped; none if that is 0. `anew` says whether the count
    /// starts again.
    pub(crate) fn set(&self, rate: i32, anew: bool) {
        self.rate.store(rate, Relaxed);
        if anew {
            self.counter.store(rate, Relaxed);
        }
    }
}
