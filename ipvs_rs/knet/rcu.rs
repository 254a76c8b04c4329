// SPDX-License-Identifier: GPL-2.0

//! Read-copy-update.
//!
//! # Vocabulary
//!
//! - A *read-side section* is a stretch of code during which no object that it could reach is
//!   freed. [`Guard`] is the evidence that one is open.
//! - A *grace period* has passed when every read-side section that was open at its beginning is
//!   closed.
//! - An [`Arc`] is an owning reference; the object is dropped one grace period after the last of
//!   them is gone. A [`Ref`] is a borrowed reference, good for the read-side section in which it
//!   was obtained, and costs nothing. A [`Slot`] publishes an object to readers.
//!
//! ```text
//!   Arc::new ──> Slot::replace ──> Slot::load(&Guard) ──> Ref ──try_clone──> Arc
//!                     │
//!                     └──> the old Arc ──drop──> (grace period) ──> T::drop, in softirq context
//! ```
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

mod arc;
mod slot;

pub use arc::{Arc, Ref, OVERHEAD};
pub use slot::Slot;

use core::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
};
use ipvs_sys as bindings;
use kernel::{sync::rcu, types::NotThreadSafe};

/// Evidence that an RCU read-side section is open on this CPU.
///
/// The C core opens one around every netfilter hook, so that a hook has its guard for nothing;
/// everybody else opens one with [`read_lock`].
///
/// # Invariants
///
/// An RCU read-side section is open while a value of this type exists.
pub struct Guard(NotThreadSafe);

impl Guard {
    /// States that the caller already runs in an RCU read-side section.
    ///
    /// # Safety
    ///
    /// The section must stay open for as long as the returned value exists.
    #[inline]
    pub(crate) unsafe fn held() -> Self {
        // INVARIANT: By the safety contract of this function.
        Self(NotThreadSafe)
    }
}

/// An RCU read-side section that this code opened, and that ends when the value is dropped.
pub struct ReadLock {
    guard: Guard,
    _lock: rcu::Guard,
}

impl Deref for ReadLock {
    type Target = Guard;

    #[inline]
    fn deref(&self) -> &Guard {
        &self.guard
    }
}

/// Opens an RCU read-side section.
#[inline]
pub fn read_lock() -> ReadLock {
    let lock = rcu::read_lock();
    ReadLock {
        // SAFETY: `lock` keeps the section open, and is dropped together with the guard.
        guard: unsafe { Guard::held() },
        _lock: lock,
    }
}

/// Waits until a grace period has passed. May sleep.
pub fn synchronize() {
    // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
    unsafe { bindings::synchronize_rcu() };
}

/// Waits until the objects whose last [`Arc`] is gone have been dropped. May sleep.
///
/// An object may hold the last reference to another, which only then begins to wait for its own
/// grace period: `layers` tells how deep to wait.
pub fn barrier(layers: usize) {
    for _ in 0..layers {
        // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
        unsafe { bindings::rcu_barrier() };
    }
}

/// How many objects were dropped since the module was loaded. [`BarrierOnDrop`] looks at it; it is off
/// every path that packets take.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// See [`DROPPED`].
fn count_drop() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
}

/// When dropped, waits until every object whose last [`Arc`] is gone has been dropped.
///
/// A module that uses [`Arc`] keeps one as the *last* field of its module struct: the functions
/// that drop the objects live in the module, and must have returned before it is unloaded.
pub struct BarrierOnDrop;

impl Drop for BarrierOnDrop {
    fn drop(&mut self) {
        // Until nothing was dropped in a whole round, as what is dropped may hold more.
        loop {
            let before = DROPPED.load(Ordering::Relaxed);
            barrier(1);
            if DROPPED.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}
