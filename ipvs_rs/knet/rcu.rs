// SPDX-License-Identifier: GPL-2.0

//! Read-copy-update.
//!
//! # Vocabulary
//!
//! - A *read-side section* is a part of the code in which no object that it can reach is freed.
//!   [`Guard`] is the evidence that a read-side section is open.
//! - A *grace period* ends when every read-side section that was open at its beginning is closed.
//! - An [`Arc`] is an owning reference. The object is dropped one grace period after its last [`Arc`]
//!   is gone. A [`Ref`] is a borrowed reference. It is valid in the read-side section in which it was
//!   obtained, and costs nothing. A [`Slot`] publishes an object to readers.
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
//! A reader, in Rust or in C, that found an object in a read-side section may read it until that
//! section ends. So the last reader is gone one grace period after the object can no longer be found.
//! The drop of the last [`Arc`] passes the object to `call_rcu`, at once or with others ([`Gathered`]). The callback is a function of the
//! module that dropped the last [`Arc`] (of a [`Gathered`] one: that made it), so this module must stay loaded until the callback has
//! returned: see [`rcu_module`](crate::rcu_module).
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

mod arc;
mod once;
mod retired;
mod slot;

pub(crate) use arc::Inner;
pub use arc::{Arc, Ref, OVERHEAD};
pub use once::OnceArc;
pub use retired::{Gathered, Retired};
pub use slot::Slot;

use core::{
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering},
};
use ipvs_sys as bindings;
use kernel::{sync::rcu, types::NotThreadSafe};

/// Evidence that an RCU read-side section is open on this CPU.
///
/// The C core opens a section around every netfilter hook, so a hook gets its guard for free. All other
/// code opens a section with [`read_lock`].
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

/// An RCU read-side section that [`read_lock`] opened. It ends when the value is dropped.
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

/// Waits until the objects whose last [`Arc`] is gone have been dropped. May sleep. Not those that are [`Gathered`]: they may depend on
/// others, which [`OpenedCache`](crate::slab::OpenedCache) waits for.
///
/// An object may hold the last reference to another object, whose grace period begins only when the
/// first is dropped. `layers` is the number of such grace periods to wait for.
#[inline]
pub fn barrier(layers: usize) {
    for _ in 0..layers {
        // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
        unsafe { bindings::rcu_barrier() };
    }
}

extern "C" {
    /// The number of objects that functions of this module have dropped since it was loaded. No packet
    /// path uses it. [`rcu_module`](crate::rcu_module) defines it in each module.
    static KNET_RCU_DROPPED: AtomicUsize;
}

/// The counter of the module that this function is compiled into.
#[inline(always)]
fn dropped() -> &'static AtomicUsize {
    // SAFETY: Only `rcu_module!` defines a symbol of this name, and defines it with this type.
    unsafe { &KNET_RCU_DROPPED }
}

/// Frees the memory of a [`KBox`](kernel::alloc::KBox). The box itself does so through `krealloc`, which takes some time to find
/// that it is to free.
///
/// # Safety
///
/// `memory` must come from `KBox::into_raw` or `KBox::leak`. Its value must have been dropped, and nobody use it any more.
#[inline(always)]
unsafe fn free_memory<T>(memory: *mut T) {
    // SAFETY: By the contract it is memory of `kmalloc`, or of a cache that `kfree` knows, and is not used again.
    unsafe { bindings::kfree(memory.cast()) };
}

/// Counts a dropped object. Inlined, so that the counter is that of the caller's module.
#[inline(always)]
fn count_drop() {
    // ORDERING: Relaxed: `rcu_barrier` orders this addition before the next load.
    dropped().fetch_add(1, Ordering::Relaxed);
}

/// When dropped, waits until every object whose last [`Arc`] is gone has been dropped.
///
/// The functions that drop the objects are in the module, and must have returned before it is
/// unloaded.
#[doc(hidden)]
pub struct BarrierOnDrop;

impl Drop for BarrierOnDrop {
    // Inlined into the module whose struct has the field, as its counter is in that module.
    #[inline]
    fn drop(&mut self) {
        // Repeated until a round drops nothing, as a dropped object may hold the last reference to another.
        loop {
            // ORDERING: Relaxed: `rcu_barrier` returns after the callbacks that it waits for.
            let before = dropped().load(Ordering::Relaxed);
            barrier(1);
            if dropped().load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// Declares a module, as [`module!`](kernel::prelude::module) does, that may drop objects of
/// [`Arc`](crate::rcu::Arc). After its struct is dropped, the module waits until all these objects are
/// dropped.
///
/// The code of [`Arc`](crate::rcu::Arc) refers to a symbol that this macro defines. A module that uses
/// [`Arc`](crate::rcu::Arc) without this macro does not link.
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
                // Dropped last, also if `init` of the module fails.
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
