// SPDX-License-Identifier: GPL-2.0

//! The number of active connections of a server.

use core::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The number of active connections.
///
/// A packet first changes the state of its connection, and then this number. If two packets change the state one
/// after the other, the second may change the number first. So the number may be too low for an instant, even
/// below zero; readers see zero then.
pub(crate) struct Active(AtomicI32);

impl Active {
    /// The number 0.
    pub(crate) const fn none() -> Self {
        Self(AtomicI32::new(0))
    }

    /// The number of active connections.
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        // CAST: It is not negative.
        self.0.load(Relaxed).max(0) as u32
    }

    /// Counts a connection that became active, or inactive.
    #[inline]
    pub(crate) fn count(&self, became_active: bool) {
        match became_active {
            true => self.0.fetch_add(1, Relaxed),
            false => self.0.fetch_sub(1, Relaxed),
        };
    }
}
