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
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::rcu::{self, Arc, Slot};
//! struct Limits {
//!     connections: u32,
//! }
//!
//! let slot = Slot::new(Arc::new(Limits { connections: 1 }, GFP_KERNEL)?);
//! {
//!     // A reader takes neither a lock nor a reference.
//!     let guard = rcu::read_lock();
//!     let limits = slot.load(&guard).ok_or(ENOENT)?;
//!     assert_eq!(limits.connections, 1);
//!     // A reader that needs the object for longer takes a reference.
//!     let _kept: Option<Arc<Limits>> = limits.try_clone();
//! }
//! // A writer publishes another object. The old one is dropped a grace period later.
//! drop(slot.replace(Some(Arc::new(Limits { connections: 2 }, GFP_KERNEL)?)));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Last reader
//!
//! Who found an object in a read-side section, Rust code or C, reads it until that section ends; so
//! the last reader is gone a grace period after the last way to the object. An [`Arc`] is such a
//! way, and hands the object to `call_rcu` when there is no other. What C calls then is a function
//! of the module that dropped the last [`Arc`], which must not go before: see
//! [`rcu_module`](crate::rcu_module).
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
#[inline]
pub fn barrier(layers: usize) {
    for _ in 0..layers {
        // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
        unsafe { bindings::rcu_barrier() };
    }
}

extern "C" {
    /// How many objects the functions of this module have dropped since it was loaded; it is off
    /// every path that packets take. Only [`rcu_module`](crate::rcu_module) makes it.
    static KNET_RCU_DROPPED: AtomicUsize;
}

/// The counter of the module that this is compiled into.
#[inline(always)]
fn dropped() -> &'static AtomicUsize {
    // SAFETY: `rcu_module!` is the only thing that makes something of this name, and makes it so.
    unsafe { &KNET_RCU_DROPPED }
}

/// Tells that an object was dropped; inlined, so that it is the module of the caller that tells.
#[inline(always)]
fn count_drop() {
    // ORDERING: Relaxed: `rcu_barrier` orders it before the next look at it.
    dropped().fetch_add(1, Ordering::Relaxed);
}

/// When dropped, waits until every object whose last [`Arc`] is gone has been dropped.
///
/// The functions that drop the objects live in the module, and must have returned before it is
/// unloaded.
#[doc(hidden)]
pub struct BarrierOnDrop;

impl Drop for BarrierOnDrop {
    // In the module whose struct has it, as the counter is.
    #[inline]
    fn drop(&mut self) {
        // Until nothing was dropped in a whole round, as what is dropped may hold more.
        loop {
            // ORDERING: Relaxed: `rcu_barrier` returns after what it waits for.
            let before = dropped().load(Ordering::Relaxed);
            barrier(1);
            if dropped().load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// Makes a module, as [`module!`](kernel::prelude::module), in which objects of
/// [`Arc`](crate::rcu::Arc) may be dropped. After the module struct was, it waits for those that
/// are left.
///
/// The code of [`Arc`](crate::rcu::Arc) refers to a symbol that only this makes in each module: one
/// that uses the former without the latter is not linked.
#[macro_export]
macro_rules! rcu_module {
    (type: $module:ident, $($rest:tt)*) => {
        #[no_mangle]
        static KNET_RCU_DROPPED: ::core::sync::atomic::AtomicUsize =
            ::core::sync::atomic::AtomicUsize::new(0);

        /// The module struct; its fields are dropped in this order.
        struct RcuModule {
            _module: $module,
            _barrier: $crate::rcu::BarrierOnDrop,
        }

        impl ::kernel::Module for RcuModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                // Dropped last, also if the other could not be made.
                let barrier = $crate::rcu::BarrierOnDrop;
                Ok(Self {
                    _module: <$module as ::kernel::Module>::init(module)?,
                    _barrier: barrier,
                })
            }
        }

        ::kernel::prelude::module! {
            type: RcuModule,
            $($rest)*
        }
    };
}
