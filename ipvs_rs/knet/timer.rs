// SPDX-License-Identifier: GPL-2.0

//! Timers that are part of the object they act on.
//!
//! A pending timer holds a reference to its object, so the object outlives it. When the timer
//! expires, it hands that reference to [`Expire::expired`]:
//!
//! ```text
//!            arm                     (time passes)
//!   idle ──────────────> pending ──────────────────> expired(Arc<T>)
//!    ^                      │ arm, mod_pending: another time
//!    └──────── cancel ──────┘
//! ```
//!
//! Each function takes the object and finds the timer by [`Expire::TIMER`], whose type proves at
//! compile time that the object has a timer there. A timer in any other place cannot be used.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::{prelude::*, static_lock_class};
//! # use knet::{field::{field, Field}, rcu::Arc, time::{Jiffies, HZ}, timer::{Expire, Storage, Timer}};
//! #[pin_data]
//! struct Session {
//!     #[pin]
//!     timer: Timer<Session>,
//! }
//!
//! impl Expire for Session {
//!     const TIMER: Field<Self, Timer<Self>> = field!(Session, timer);
//!
//!     fn expired(_session: Arc<Self>) {
//!         pr_info!("nobody has used the session for a minute\n");
//!     }
//! }
//!
//! let session = Arc::pin_init(
//!     pin_init!(Session {
//!         timer <- Timer::new(Storage::Allocated, c"session", static_lock_class!()),
//!     }),
//!     GFP_KERNEL,
//! )?;
//! Timer::arm(&session, Jiffies::now().after(60 * HZ));
//! assert!(Timer::<Session>::cancel(&session));
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicUsize, Ordering},
};
use ipvs_sys as bindings;
use kernel::{container_of, prelude::*, sync::LockClassKey, types::Opaque};

use crate::{field::Field, rcu::Arc, time::Jiffies};

/// An object that has a [`Timer`].
pub trait Expire: Sized + Send + Sync + 'static {
    /// The field of an object that its timer is in.
    const TIMER: Field<Self, Timer<Self>>;

    /// Called in softirq context when the timer expires. The timer is idle and may be armed again.
    fn expired(this: Arc<Self>);
}

/// The memory that the object of a timer lives in. A kernel with `CONFIG_DEBUG_OBJECTS_TIMERS` has
/// to be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In an [`Arc`].
    Allocated,
    /// On a stack. The timer is never armed: [`Timer::arm`] wants an [`Arc`].
    Stack,
}

/// A timer in the field [`Expire::TIMER`] of a `T`.
///
/// # Invariants
///
/// A pending timer is the field [`Expire::TIMER`] of an object in an [`Arc`], and one of the references to that object
/// belongs to the timer.
#[pin_data(PinnedDrop)]
pub struct Timer<T: Expire> {
    #[pin]
    timer: Opaque<bindings::timer_list>,
    _calls: PhantomData<Arc<T>>,
}

// SAFETY: The kernel's timer functions may be called from any context.
unsafe impl<T: Expire> Send for Timer<T> {}
// SAFETY: The kernel's timer functions serialise themselves.
unsafe impl<T: Expire> Sync for Timer<T> {}

impl<T: Expire> Timer<T> {
    /// Initialises an idle timer. `name` and `key` are its lock class.
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
            _calls: PhantomData,
        })
    }

    /// Makes the timer of `object` expire at `when`, whether it is pending or not (`mod_timer`).
    pub fn arm(object: &Arc<T>, when: Jiffies) {
        let timer = T::TIMER.of(object);
        let raw = object.clone().into_raw();
        // INVARIANT: It is the field of an object in an `Arc`. If this makes the timer pending, it now owns the reference
        // that was made above.
        // SAFETY: The timer is initialised, and lives as long as the reference.
        let was_pending = unsafe { bindings::mod_timer(timer.timer.get(), when.ticks()) } != 0;
        if was_pending {
            // SAFETY: The pending timer has a reference already, so this one is taken back.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
    }

    /// Makes the timer of `object` expire at `when` if it is pending (`mod_timer_pending`). An idle
    /// timer stays idle.
    ///
    /// Returns whether it was pending.
    #[inline]
    pub fn mod_pending(object: &T, when: Jiffies) -> bool {
        let timer = T::TIMER.of(object);
        // SAFETY: The timer is initialised; one that is not pending stays so.
        unsafe { bindings::mod_timer_pending(timer.timer.get(), when.ticks()) != 0 }
    }

    /// The time at which the timer of `object` expires. Of an idle timer it is the last such time.
    #[inline]
    pub fn expires(object: &T) -> Jiffies {
        let timer = T::TIMER.of(object);
        // SAFETY: The pointer is to a field of a valid `timer_list`.
        let expires = unsafe { &raw mut (*timer.timer.get()).expires };
        // SAFETY: The field lives as long as `object`, and is an aligned word, which C writes whole.
        let expires = unsafe { AtomicUsize::from_ptr(expires) };
        Jiffies::from_ticks(expires.load(Ordering::Relaxed))
    }

    /// Makes the timer of `object` idle (`timer_delete`). [`Expire::expired`] may still be running
    /// on another CPU.
    ///
    /// Returns whether it was pending.
    pub fn cancel(object: &T) -> bool {
        let timer = T::TIMER.of(object);
        // SAFETY: The timer is initialised.
        let was_pending = unsafe { bindings::timer_delete(timer.timer.get()) } != 0;
        if was_pending {
            // SAFETY: The timer was pending, so by the type invariant `object` is in an `Arc`, to which the timer had a
            // reference that it gives up. C has taken the timer off its lists, which was its last use of it.
            drop(unsafe { Arc::from_object(object) });
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
    // SAFETY: The timer was pending until now, so by the type invariant it is this field of an object in an `Arc`, to which it
    // had a reference that it gives up. C has taken the timer off its lists, and remembers no more than its address while this
    // runs.
    T::expired(unsafe { Arc::from_object(T::TIMER.object(timer)) });
}
