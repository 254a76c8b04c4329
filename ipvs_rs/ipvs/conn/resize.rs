// SPDX-License-Identifier: GPL-2.0

//! When the tables of a namespace change their size.
//!
//! Nothing runs while the number of connections stays within the bounds that the last resize set;
//! whoever crosses one plans the next.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::resize;
use kernel::prelude::*;
use knet::{
    rcu::Arc,
    work::{Job, Work},
};

use super::table::{Conns, LEAST_BITS};
use crate::netns::Ipvs;

/// The greatest number of buckets is 2 to this power: memory and `conn_max` are the real bounds.
const MOST_BITS: u32 = 27;

/// As for connections, of services.
const SERVICE_BITS: core::ops::RangeInclusive<u32> = 4..=20;

/// Gives connections a table, unless they have one.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn make_table(ipvs: &Ipvs) -> Result {
    if ipvs.conns.bits().is_none() {
        ipvs.conns.resize(LEAST_BITS)?;
        ipvs.conns.set_bounds(ipvs.settings.conn_lfactor.load(Relaxed));
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
}

impl Job<Ipvs> for Resize {
    fn work(ipvs: &Ipvs) -> &Work<Ipvs, Self> {
        &ipvs.resize
    }

    fn run(ipvs: Arc<Ipvs>) {
    }
}

impl Conns {
}
