// SPDX-License-Identifier: GPL-2.0

//! Timers that are part of the object they act on.
//!
//! A pending timer holds a reference to its object, so that the object outlives it, and hands
//! that reference to [`Expire::expired`] when the time has come:
//!
//! ```text
//!            arm                     (time passes)
//!   idle ──────────────> pending ──────────────────> expired(Arc<T>)
//!    ^                      │ arm, hasten: another time
//!    └──────── cancel ──────┘
//! ```
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)

use core::{
    ffi::c_void,
    marker::PhantomData,
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};
use ipvs_sys as bindings;
use kernel::{container_of, prelude::*, sync::LockClassKey, types::Opaque};

use crate::{field::Field, rcu::Arc, time::Jiffies};

/// An object with a [`Timer`].
pub trait Expire: Sized + Send + Sync + 'static {
    /// Where the timer of an object is.
    const TIMER: Field<Self, Timer<Self>>;

    /// Called in softirq context when the time has come. The timer is idle, and may be armed.
    fn expired(this: Arc<Self>);
}

/// Where the object of a timer lives: a kernel that watches timers wants to be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In an [`Arc`].
    Allocated,
    /// On the stack. The timer is never armed.
    Stack,
}

/// A timer, part of a `T` that lives in an [`Arc`], or on the stack if it is never armed.
///
/// # Invariants
///
/// While `timer` is pending, `owner` comes from [`Arc::into_raw`] of the object that the timer is
/// part of, and that reference belongs to the timer.
#[pin_data(PinnedDrop)]
pub struct Timer<T: Expire> {
    #[pin]
    timer: Opaque<bindings::timer_list>,
    owner: AtomicPtr<c_void>,
    _calls: PhantomData<Arc<T>>,
}

// SAFETY: The kernel's timer functions may be called from any context.
unsafe impl<T: Expire> Send for Timer<T> {}
// SAFETY: The kernel's timer functions serialise themselves.
unsafe impl<T: Expire> Sync for Timer<T> {}

impl<T: Expire> Timer<T> {
    /// An idle timer.
    pub fn new(
        place: Storage,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            timer <- Opaque::ffi_init(move |timer: *mut bindings::timer_list| match place {
                // SAFETY: `timer` is valid for writes; the name and the key live for ever.
                Storage::Allocated => unsafe {
                    bindings::timer_init_key(
                        timer,
                        Some(run::<T>),
                        0,
                        name.as_char_ptr(),
                        key.as_ptr().cast(),
                    )
                },
                // SAFETY: `timer` is valid for writes; the name and the key live for ever.
                Storage::Stack => unsafe {
                    bindings::timer_init_somewhere(
                        timer,
                        Some(run::<T>),
                        name.as_char_ptr(),
                        key.as_ptr().cast(),
                    )
                },
            }),
            owner: AtomicPtr::new(core::ptr::null_mut()),
            _calls: PhantomData,
        })
    }

    /// Lets the timer of `object` expire at `when`, whether it is pending or not.
    pub fn arm(object: &Arc<T>, when: Jiffies) {
        let timer = T::TIMER.of(object);
        let raw = object.clone().into_raw();
        timer.owner.store(raw.cast_mut(), Ordering::Relaxed);
        // INVARIANT: If this makes the timer pending, it now owns the reference in `owner`.
        // SAFETY: The timer is initialised, and lives as long as the reference.
        let was_pending = unsafe { bindings::mod_timer(timer.timer.get(), when.ticks()) } != 0;
        if was_pending {
            // SAFETY: The pending timer has a reference already, so this one is taken back.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
    }

    /// Lets a pending timer expire at `when`. Does nothing to an idle one.
    #[inline]
    pub fn mod_pending(&self, when: Jiffies) {
        // SAFETY: The timer is initialised; one that is not pending stays so.
        unsafe { bindings::mod_timer_pending(self.timer.get(), when.ticks()) };
    }

    /// When a pending timer is to expire. Of an idle timer: when it was to.
    #[inline]
    pub fn expires(&self) -> Jiffies {
        // SAFETY: The pointer is to a field of a valid `timer_list`.
        let expires = unsafe { &raw mut (*self.timer.get()).expires };
        // SAFETY: The field lives as long as `self`, and is an aligned word, which C writes whole.
        let expires = unsafe { AtomicUsize::from_ptr(expires) };
        Jiffies::from_ticks(expires.load(Ordering::Relaxed))
    }

    /// Makes the timer idle. [`Expire::expired`] may still be running on another CPU.
    ///
    /// Returns whether it was pending.
    pub fn cancel(&self) -> bool {
        // SAFETY: The timer is initialised.
        let was_pending = unsafe { bindings::timer_delete(self.timer.get()) } != 0;
        if was_pending {
            let owner = self.owner.load(Ordering::Relaxed);
            // SAFETY: The timer was pending, so by the type invariant it had this reference, and gives it
            // up. C has taken the timer off its lists, which was its last use of it.
            drop(unsafe { Arc::<T>::from_raw(owner) });
        }
        was_pending
    }
}

#[pinned_drop]
impl<T: Expire> PinnedDrop for Timer<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The timer is initialised, and idle: one that is pending has a reference to its object.
        #[cfg(CONFIG_DEBUG_OBJECTS_TIMERS)]
        unsafe {
            bindings::timer_destroy_on_stack(self.timer.get())
        };
    }
}

/// The function that the timer core calls.
///
/// # Safety
///
/// `timer` must be the field of a [`Timer<T>`] that was pending until now.
unsafe extern "C" fn run<T: Expire>(timer: *mut bindings::timer_list) {
    // SAFETY: By the contract it is this field of a `Timer<T>`.
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "the macro makes two of one"
    )]
    let timer = unsafe { container_of!(Opaque::cast_from(timer).cast_mut(), Timer<T>, timer) };
    // SAFETY: The timer is part of an object that the reference it owns keeps alive.
    let owner = unsafe { (*timer).owner.load(Ordering::Relaxed) };
    // SAFETY: The timer was pending until now, so by the type invariant it had this reference, and gives
    // it up. C has taken the timer off its lists, and remembers no more than its address while this
    // runs.
    T::expired(unsafe { Arc::from_raw(owner) });
}
