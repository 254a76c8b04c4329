// SPDX-License-Identifier: GPL-2.0

//! Counters of the packets and connections that were given up, one for each reason.

use kernel::prelude::*;
use knet::percpu::Counters;

pub(crate) use ipvs_core::drops::Reason;

/// The number of packets and connections that a namespace gave up, for each reason.
pub(crate) struct Drops(Counters<{ Reason::ALL.len() }>);

impl Drops {
    /// Counters that are 0.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Counters::new()?))
    }

    /// Counts one drop.
    #[cold]
    pub(crate) fn count(&self, reason: Reason) {
        // CAST: The type of the enum is usize.
        self.0.increment(reason as usize);
    }

    /// The name and the count of each reason.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Reason::ALL.iter().map(|reason| reason.name());
        names.zip(self.0.sums())
    }
}
