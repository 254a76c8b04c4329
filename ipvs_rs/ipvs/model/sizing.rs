// SPDX-License-Identifier: GPL-2.0

//! The size of a hash table, and the numbers of entries for which this size fits.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::resize;
use kernel::prelude::*;
use knet::hashtable::Table;

/// The bounds of one table's size, and the numbers of entries for which its present size fits.
pub(crate) struct Sizing {
    bits: RangeInclusive<u32>,
    factor: AtomicI32,
    grow_above: AtomicUsize,
    shrink_below: AtomicUsize,
}

impl Sizing {
    /// The sizing of a table without buckets. Its number of buckets will be 2 to a power in `bits`.
    pub(crate) const fn new(bits: RangeInclusive<u32>) -> Self {
        Self {
            bits,
            factor: AtomicI32::new(0),
            grow_above: AtomicUsize::new(usize::MAX),
            shrink_below: AtomicUsize::new(0),
        }
    }

    /// Whether the table is too small for `count` entries.
    #[inline]
    pub(crate) fn is_outgrown(&self, count: usize) -> bool {
        count > self.grow_above.load(Relaxed)
    }

    /// Whether the table is much too large for `count` entries.
    #[inline]
    pub(crate) fn is_oversized(&self, count: usize) -> bool {
        count < self.shrink_below.load(Relaxed)
    }

    /// Resizes `table` for `count` entries and the load factor `factor`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table keeps its size. It counts as too small again when it has twice as many entries.
    pub(crate) fn apply<T: Send + Sync>(
        &self,
        table: &Table<T>,
        count: usize,
        factor: i32,
    ) -> Result {
        let wanted = match table.bits() {
            None => resize::wanted_exactly(count, factor, &self.bits),
            Some(bits) if self.factor.load(Relaxed) == factor => {
                resize::wanted(count, factor, bits, &self.bits)
            }
            Some(_) => resize::wanted_exactly(count, factor, &self.bits),
        };
        let resized = table.resize(wanted);
        let bounds = resize::watermarks(table.bits().unwrap_or(0), factor, &self.bits);
        let grow_above = match resized {
            Ok(()) => bounds.grow_above,
            Err(_) => count.saturating_mul(2),
        };
        self.factor.store(factor, Relaxed);
        self.grow_above.store(grow_above, Relaxed);
        self.shrink_below.store(bounds.shrink_below, Relaxed);
        resized
    }
}
