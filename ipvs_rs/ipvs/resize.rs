// SPDX-License-Identifier: GPL-2.0

//! When the tables of a namespace change their size.
//!
//! Nothing runs while the number of entries stays within the bounds that the last resize set;
//! whoever crosses one plans the next.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::resize;
use kernel::prelude::*;
use knet::{
    field::{field, Field},
    hashtable::Table,
    rcu::Arc,
    work::{Job, Work},
};

use crate::netns::Ipvs;

/// The size that one table has, and the bounds within which it fits.
pub(crate) struct Sizing {
    bits: RangeInclusive<u32>,
    factor: AtomicI32,
    grow_above: AtomicUsize,
    shrink_below: AtomicUsize,
}

impl Sizing {
    /// That of a table without buckets, which are to be 2 to a power in `bits`.
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

    /// Gives `table` the size that is right for `count` entries. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table stays as it was, until there are many more entries.
    pub(crate) fn apply<T: Send + Sync>(
        &self,
        table: &Table<T>,
        count: usize,
        factor: i32,
    ) -> Result {
        let wanted = match table.bits() {
            None => resize::wanted_anew(count, factor, &self.bits),
            Some(bits) if self.factor.load(Relaxed) == factor => {
                resize::wanted(count, factor, bits, &self.bits)
            }
            Some(_) => resize::wanted_anew(count, factor, &self.bits),
        };
        let resized = table.resize(wanted);
        let bounds = resize::thresholds(table.bits().unwrap_or(0), factor, &self.bits);
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

/// Makes the tables that the first service needs.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn make_tables(ipvs: &Ipvs) -> Result {
    if ipvs.services.bits().is_none() {
        ipvs.services.resize(ipvs.settings.svc_lfactor())?;
    }
    if ipvs.conns.bits().is_none() {
        ipvs.conns
            .resize(ipvs.settings.conn_lfactor.load(Relaxed))?;
    }
    Ok(())
}

/// The work of giving the tables the size that they should have.
pub(crate) struct Resize;

impl Resize {
    /// Sees to it that it is done soon.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, 0);
    }

    /// Plans it if the number of services calls for it.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.services.are_ill_sized() {
            Self::plan(ipvs);
        }
    }
}

impl Job<Ipvs> for Resize {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, resize);

    fn run(ipvs: Arc<Ipvs>) {
        // Without memory the tables stay as they are; they work at any size.
        if ipvs.services.bits().is_some() {
            let _ = ipvs.services.resize(ipvs.settings.svc_lfactor());
        }
        let _ = ipvs.servers.resize_if_there();
        if ipvs.conns.bits().is_some() {
            let _ = ipvs.conns.resize(ipvs.settings.conn_lfactor.load(Relaxed));
        }
    }
}
