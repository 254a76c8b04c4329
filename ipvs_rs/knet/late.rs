// SPDX-License-Identifier: GPL-2.0

//! Values that sleep when they are dropped, and may be dropped anywhere.
//!
//! A drop in Rust is silent: an object that an RCU callback frees takes everything in it along, and so does a work item in a bottom
//! half. Whoever writes such an object does not see what its fields do at their end. So a value that sleeps then is kept in a [`Late`]:
//! where nothing may sleep, a thread drops it soon. Its memory is the place in the queue, so that this never fails.
//!
//! ```text
//!   Late::new ──> drop where one may sleep ──────────────────────> T::drop, at once
//!            └──> drop in a softirq, under a spin lock, ... ──> a thread ──> T::drop
//! ```
//!
//! # Last reader
//!
//! All of `T::drop` is code of this crate, and so of the base; what it calls in another module it keeps loaded by a
//! [`ModuleRef`](crate::module::ModuleRef). The base waits for the thread before it goes ([`rcu_module`](crate::rcu_module)).

use core::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};
use ipvs_sys as bindings;
use kernel::{prelude::*, types::Opaque};

/// `late` is first, so that C's pointer to it is that of the whole.
#[repr(C)]
struct Inner<T> {
    late: Opaque<bindings::late>,
    value: T,
}

/// A value that may sleep when it is dropped. This does not, where nothing may sleep.
///
/// # Invariants
///
/// `inner` comes from a [`KBox`], and is this value's.
pub(crate) struct Late<T: Send + 'static> {
    inner: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}

// SAFETY: It is a box of a `T`, and a thread may drop it, which `T` allows.
unsafe impl<T: Send> Send for Late<T> {}
// SAFETY: `&Late<T>` gives `&T`, which `T` allows.
unsafe impl<T: Send + Sync> Sync for Late<T> {}

// The memory stays where it is when this moves.
impl<T: Send> Unpin for Late<T> {}

impl<T: Send> Late<T> {
    /// Takes a value, which is dropped if there is no memory. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(value: T) -> Result<Self> {
        let late = Opaque::uninit();
        let inner = KBox::new(Inner { late, value }, GFP_KERNEL_ACCOUNT)?;
        // INVARIANT: It was just made.
        Ok(Self {
            inner: NonNull::from(KBox::leak(inner)),
            _owns: PhantomData,
        })
    }
}

impl<T: Send> Deref for Late<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant it is there.
        unsafe { &(*self.inner.as_ptr()).value }
    }
}

impl<T: Send> DerefMut for Late<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariant it is there, and this value's.
        unsafe { &mut (*self.inner.as_ptr()).value }
    }
}

impl<T: Send> Drop for Late<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is there.
        let late = unsafe { Opaque::cast_into(&raw const (*self.inner.as_ptr()).late) };
        // SAFETY: No preconditions.
        if unsafe { bindings::may_sleep() } {
            // SAFETY: By the type invariant it is that of a box, which nobody else has.
            unsafe { drop_now::<T>(late) };
        } else {
            // SAFETY: As above; C calls the function once, and does not use `late` after that.
            unsafe { bindings::drop_late(late, Some(drop_now::<T>)) };
        }
    }
}

/// Drops a value, and frees its memory. May sleep.
///
/// # Safety
///
/// `late` must be that of an [`Inner<T>`] that comes from a [`KBox`] and that nobody else has.
unsafe extern "C" fn drop_now<T>(late: *mut bindings::late) {
    // SAFETY: By the contract; `Inner` is `repr(C)` with `late` first.
    drop(unsafe { KBox::from_raw(late.cast::<Inner<T>>()) });
}

/// Waits until the values have been dropped that were left to a thread before. May sleep.
pub(crate) fn flush() {
    // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
    unsafe { bindings::flush_late() };
}
