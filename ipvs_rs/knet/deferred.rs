// SPDX-License-Identifier: GPL-2.0

//! A value that its first reader completes.
//!
//! For a value that is costly to compute and often replaced before anybody reads it: only the values that
//! are read are computed. The memory is allocated beforehand, so the computation cannot fail.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::deferred::Deferred;
//! let squares = Deferred::new([0_u32; 8])?;
//! let compute = |squares: &mut [u32; 8]| {
//!     for (number, square) in (0_u32..).zip(squares) {
//!         *square = number.wrapping_mul(number);
//!     }
//! };
//! // The first reader computes them.
//! assert_eq!(squares.get(compute).last(), Some(&49));
//! assert_eq!(squares.get(compute).first(), Some(&0));
//! # Ok::<(), Error>(())
//! ```

use core::{
    cell::UnsafeCell,
    pin::Pin,
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use kernel::{alloc::KBox, prelude::*};

use crate::spinlock::{new_spinlock_bh, SpinLockBh};

/// A value that its first reader changes once, before any reader sees it.
///
/// # Invariants
///
/// `value` is changed only in [`Gate::pass_once`] of `gate`, and read only after that.
pub struct Deferred<T> {
    gate: Gate,
    value: UnsafeCell<T>,
}

// SAFETY: Threads share `&T`, and one of them has `&mut T` before that.
unsafe impl<T: Send + Sync> Sync for Deferred<T> {}

impl<T: Send + Sync> Deferred<T> {
    /// A value that is still to be completed.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(value: T) -> Result<Self> {
        Ok(Self {
            gate: Gate::new(false)?,
            value: UnsafeCell::new(value),
        })
    }

    /// A value that is complete already.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn completed(value: T) -> Result<Self> {
        Ok(Self {
            gate: Gate::new(true)?,
            value: UnsafeCell::new(value),
        })
    }

    /// The value. The first call completes it; concurrent calls wait for that.
    ///
    /// `complete` runs with softirqs off, and must not call this function.
    #[inline]
    pub fn get(&self, complete: impl FnOnce(&mut T)) -> &T {
        if !self.gate.is_open() {
            let mut complete = Some(complete);
            self.gate.pass_once(&mut || {
                if let Some(complete) = complete.take() {
                    // SAFETY: By the type invariant nobody reads the value yet, and by the promise
                    // of `pass_once` nobody else changes it.
                    complete(unsafe { &mut *self.value.get() });
                }
            });
        }
        // SAFETY: The gate is open, so by the type invariant the value does not change any more.
        unsafe { &*self.value.get() }
    }
}

/// A gate: the first caller does the work, and all callers pass when it is done.
struct Gate {
    is_open: AtomicBool,
    lock: Pin<KBox<SpinLockBh<()>>>,
}

impl Gate {
    /// Not generic, so that it is compiled here and not where the value is known.
    #[inline(never)]
    fn new(is_open: bool) -> Result<Self> {
        let lock = new_spinlock_bh!((), "knet_deferred");
        Ok(Self {
            is_open: AtomicBool::new(is_open),
            lock: KBox::pin_init(lock, GFP_KERNEL_ACCOUNT)?,
        })
    }

    #[inline]
    fn is_open(&self) -> bool {
        // ORDERING: Acquire, paired with the store in `pass_once`: what was done is seen.
        self.is_open.load(Acquire)
    }

    /// Calls `once` if no call has done so yet. `once` runs one time only, and is done when this returns.
    #[cold]
    #[inline(never)]
    fn pass_once(&self, once: &mut dyn FnMut()) {
        let _guard = self.lock.lock();
        // ORDERING: Relaxed, as the lock orders this with the store.
        if !self.is_open.load(Relaxed) {
            once();
            // ORDERING: Release, paired with the load in `is_open`.
            self.is_open.store(true, Release);
        }
    }
}
