// SPDX-License-Identifier: GPL-2.0

//! The kernel's coarse clock.
//!
//! C header: [`include/linux/jiffies.h`](srctree/include/linux/jiffies.h)

use ipvs_sys as bindings;

/// Ticks of the coarse clock in a second.
pub const HZ: usize = bindings::HZ;

/// A point in time, in ticks since some point before boot. Wraps around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Jiffies(usize);

impl Jiffies {
    /// Now.
    #[inline]
    pub fn now() -> Self {
        // CAST: A word, which some call differently.
        let jiffies = (&raw const bindings::jiffies).cast::<usize>();
        // SAFETY: `jiffies` is always there, and an aligned word is read whole.
        Self(unsafe { jiffies.read_volatile() })
    }

    /// The point that [`Jiffies::ticks`] was taken from.
    #[inline]
    pub const fn from_ticks(ticks: usize) -> Self {
        Self(ticks)
    }

    /// The point as a number, to be kept in an atomic.
    #[inline]
    pub const fn ticks(self) -> usize {
        self.0
    }

    /// The point `ticks` later.
    #[inline]
    pub const fn after(self, ticks: usize) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Ticks from `earlier` until this point; negative if `earlier` is in fact later.
    #[inline]
    pub const fn since(self, earlier: Self) -> isize {
        // CAST: The difference of two nearby points, as a signed number.
        self.0.wrapping_sub(earlier.0) as isize
    }
}
