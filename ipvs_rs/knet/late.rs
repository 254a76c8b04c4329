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
//! Drops that are left to threads run beside each other, so one may wait for another.
//!
//! # Last reader
//!
//! The function that drops a value is compiled into the base ([`Sleeps`]), and so is all that it calls but functions that a value has
//! pointers to, whose module the value keeps by a [`ModuleRef`](crate::module::ModuleRef) until they have returned. So a module may
//! be removed while a value that it has made waits, and is in use for so long if the value has such pointers. The base waits for all of
//! them before it goes ([`Opened`]): nobody drops values then, as all other modules are gone.

use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, types::Opaque};

/// `late` is first, so that C's pointer to it is that of the whole.
#[repr(C)]
struct Inner<T> {
    late: Opaque<bindings::late>,
    value: T,
}

/// A type whose drop sleeps. By [`sleeps`](crate::late::sleeps) only.
///
/// # Safety
///
/// `DROP` must be as [`drop_now`] for this type, and not generic, so that it is compiled into the base.
pub(crate) unsafe trait Sleeps: Send + Sized + 'static {
    /// Drops a value, and frees its memory. May sleep.
    const DROP: unsafe extern "C" fn(*mut bindings::late);
}

/// Implements [`Sleeps`].
macro_rules! sleeps {
    ($type:ty) => {
        const _: () = {
            /// # Safety
            ///
            /// As for [`drop_now`](crate::late::drop_now).
            // Not inlined, or it might be compiled where it is used.
            #[inline(never)]
            unsafe extern "C" fn drop_it(late: *mut ipvs_sys::late) {
                // SAFETY: By the contract.
                unsafe { $crate::late::drop_now::<$type>(late) };
            }

            // SAFETY: It calls `drop_now` for this type, and is not generic.
            unsafe impl $crate::late::Sleeps for $type {
                const DROP: unsafe extern "C" fn(*mut ipvs_sys::late) = drop_it;
            }
        };
    };
}
pub(crate) use sleeps;

/// What drops values late is there as long as this exists. The module struct of the base holds it.
pub struct Opened(());

impl Opened {
    /// Makes it. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EBUSY` if there is one already, as there is for all but the base.
    pub fn new() -> Result<Self> {
        // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
        to_result(unsafe { bindings::open_late() })?;
        Ok(Self(()))
    }
}

impl Drop for Opened {
    /// Waits for what is to be dropped. May sleep.
    fn drop(&mut self) {
        // SAFETY: This was opened, and is closed once. It is the base's, as that is loaded first. Values come from balancers, which have gone
        // before the base, and have waited for their callbacks.
        unsafe { bindings::close_late() };
    }
}

/// Room for a value.
pub(crate) struct Room<T: Sleeps>(KBox<MaybeUninit<Inner<T>>>);

impl<T: Sleeps> Room<T> {
    /// Allocates it. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KBox::new_uninit(GFP_KERNEL_ACCOUNT)?))
    }

    /// Puts a value in.
    pub(crate) fn fill(self, value: T) -> Late<T> {
        let late = Opaque::uninit();
        let inner = KBox::write(self.0, Inner { late, value });
        // INVARIANT: It is a box.
        Late {
            inner: NonNull::from(KBox::leak(inner)),
            _owns: PhantomData,
        }
    }
}

/// A value that may sleep when it is dropped. This does not, where nothing may sleep.
///
/// # Invariants
///
/// `inner` comes from a [`KBox`], and is this value's.
pub(crate) struct Late<T: Sleeps> {
    inner: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}

// SAFETY: It is a box of a `T`, and a thread may drop it, which `T` allows.
unsafe impl<T: Sleeps> Send for Late<T> {}
// SAFETY: `&Late<T>` gives `&T`, which `T` allows.
unsafe impl<T: Sleeps + Sync> Sync for Late<T> {}

// The memory stays where it is when this moves.
impl<T: Sleeps> Unpin for Late<T> {}

impl<T: Sleeps> Late<T> {
    /// Takes a value, which is dropped if there is no memory. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(value: T) -> Result<Self> {
        Ok(Room::new()?.fill(value))
    }
}

impl<T: Sleeps> Deref for Late<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant it is there.
        unsafe { &(*self.inner.as_ptr()).value }
    }
}

impl<T: Sleeps> DerefMut for Late<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariant it is there, and this value's.
        unsafe { &mut (*self.inner.as_ptr()).value }
    }
}

impl<T: Sleeps> Drop for Late<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is there.
        let late = unsafe { Opaque::cast_into(&raw const (*self.inner.as_ptr()).late) };
        // SAFETY: No preconditions.
        if unsafe { bindings::may_sleep() } {
            // SAFETY: By the type invariant it is that of a box, which nobody else has.
            unsafe { T::DROP(late) };
        } else {
            // SAFETY: As above; C calls the function once, and does not use `late` after that.
            unsafe { bindings::drop_late(late, Some(T::DROP)) };
        }
    }
}

/// Drops a value, and frees its memory. May sleep.
///
/// # Safety
///
/// `late` must be that of an [`Inner<T>`] that comes from a [`KBox`] and that nobody else has.
pub(crate) unsafe fn drop_now<T>(late: *mut bindings::late) {
    // SAFETY: By the contract; `Inner` is `repr(C)` with `late` first.
    drop(unsafe { KBox::from_raw(late.cast::<Inner<T>>()) });
}

/// Waits until the values have been dropped that were left to a thread before. May sleep.
#[cfg(CONFIG_KUNIT = "y")]
pub(crate) fn flush() {
    // SAFETY: No preconditions besides being allowed to sleep, which the caller is told about.
    unsafe { bindings::flush_late() };
}
