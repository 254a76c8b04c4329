// SPDX-License-Identifier: GPL-2.0

//! Counters of the events of the daemons of a namespace.

use ipvs_core::sync::Event;
use kernel::prelude::*;
use knet::percpu::Counters;

/// The number of events of each kind.
pub(crate) struct SyncEvents(Counters<{ Event::ALL.len() }>);

impl SyncEvents {
    /// Counters that are 0.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Counters::new()?))
    }

    /// Counts an event.
    pub(crate) fn count(&self, event: Event) {
        // CAST: The type of the enum is usize.
        self.0.increment(event as usize);
    }

    /// The name and the count of each kind.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Event::ALL.iter().map(|event| event.name());
        names.zip(self.0.sums())
    }
}
