// SPDX-License-Identifier: GPL-2.0

//! Flags and protocol state of a connection, in one word.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use ipvs_core::conn::ConnFlags;

/// Flags and protocol state of a connection at one moment: flags in the lower 24 bits, the number
/// of the state above.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition(u32);

impl Condition {
    const STATE_SHIFT: u32 = 24;
    const FLAGS_MASK: u32 = (1 << Self::STATE_SHIFT) - 1;

    pub(crate) const fn new(flags: ConnFlags, state: u8) -> Self {
        // CAST: A u8 fits.
        Self(flags.bits() & Self::FLAGS_MASK | ((state as u32) << Self::STATE_SHIFT))
    }

    #[inline]
    pub(crate) const fn flags(self) -> ConnFlags {
        ConnFlags::from_bits(self.0 & Self::FLAGS_MASK)
    }

    /// The number of the state in its protocol.
    #[inline]
    pub(crate) const fn state(self) -> u8 {
        // CAST: The shift leaves 8 bits.
        (self.0 >> Self::STATE_SHIFT) as u8
    }
}

/// The condition of a connection, which packets on several CPUs change at once.
pub(super) struct SharedCondition(AtomicU32);

impl SharedCondition {
    /// The condition of a new connection.
    pub(super) const fn new(condition: Condition) -> Self {
        Self(AtomicU32::new(condition.0))
    }

    /// The current condition.
    #[inline]
    pub(super) fn get(&self) -> Condition {
        Condition(self.0.load(Relaxed))
    }

    /// Replaces the condition `from` by `to`. Returns false if the current condition is not `from`.
    #[inline]
    pub(super) fn change(&self, from: Condition, to: Condition) -> bool {
        from == to
            || self
                .0
                .compare_exchange(from.0, to.0, Relaxed, Relaxed)
                .is_ok()
    }

    /// Sets the flags and the bits of the state that `more` has. Returns the previous condition.
    pub(super) fn add(&self, more: Condition) -> Condition {
        Condition(self.0.fetch_or(more.0, Relaxed))
    }

    /// Clears flags.
    pub(super) fn remove(&self, flags: ConnFlags) {
        self.0.fetch_and(!Condition::new(flags, 0).0, Relaxed);
    }
}
