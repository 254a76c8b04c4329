// SPDX-License-Identifier: GPL-2.0

//! The share of new connections that is dropped while memory is short.

use core::sync::atomic::{
    AtomicI32,
    Ordering::{AcqRel, Relaxed},
};
use ipvs_core::defense;

/// The drop rate: one of `rate` new connections is dropped, none if `rate` is 0.
pub(crate) struct DropPacket {
    rate: AtomicI32,
    counter: AtomicI32,
}

impl DropPacket {
    /// The rate 0.
    pub(crate) const fn new() -> Self {
        Self {
            rate: AtomicI32::new(0),
            counter: AtomicI32::new(0),
        }
    }

    /// Counts a new connection. Returns whether it is dropped.
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

    /// Sets the rate. `anew` says whether the count up to the next drop restarts.
    pub(crate) fn set(&self, rate: i32, anew: bool) {
        self.rate.store(rate, Relaxed);
        if anew {
            self.counter.store(rate, Relaxed);
        }
    }
}
