// SPDX-License-Identifier: GPL-2.0

//! How many connections of a server are active.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// A count of active connections.
///
/// A connection changes its state by one word, and is counted after that. Of two packets that
/// change it one after the other the second may count first: the count may be below the truth for
/// an instant, and below zero, which is seen as zero.
pub(crate) struct Active(AtomicI32);

impl Active {
    /// No connection.
    pub(crate) const fn none() -> Self {
        Self(AtomicI32::new(0))
    }

    /// How many there are.
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        // CAST: It is not negative.
        self.0.load(Relaxed).max(0) as u32
    }

    /// Counts a connection that became active, or ceased to be.
    #[inline]
    pub(crate) fn count(&self, became_active: bool) {
        match became_active {
            true => self.0.fetch_add(1, Relaxed),
            false => self.0.fetch_sub(1, Relaxed),
        };
    }
}
