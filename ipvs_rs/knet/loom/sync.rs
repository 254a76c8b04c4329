// SPDX-License-Identifier: GPL-2.0

//! As `kernel::sync`, with loom's locks.

use core::sync::atomic::{AtomicUsize, Ordering};
use pinned_init::{init_from_closure, Init};
use std::{cell::UnsafeCell, ffi::CStr, pin::Pin};

/// What lockdep knows a class of locks by: nothing looks here.
pub struct LockClassKey;

impl LockClassKey {
    /// Its address.
    pub fn as_ptr(&self) -> *mut Self {
        std::ptr::from_ref(self).cast_mut()
    }
}

/// As the kernel's: the class of the locks that are made here.
#[macro_export]
macro_rules! static_lock_class {
    () => {
        ::std::pin::Pin::static_ref(&$crate::sync::LockClassKey)
    };
}

/// A lock.
pub struct Mutex<T>(loom::sync::Mutex<T>);

/// As the kernel's.
pub type SpinLock<T> = Mutex<T>;

impl<T> Mutex<T> {
    /// A lock that nobody holds.
    pub fn new(value: T, _: &'static CStr, _: Pin<&'static LockClassKey>) -> impl Init<Self> {
        let make = |place: *mut Self| {
            // SAFETY: By the contract of initialisers `place` is valid for writes.
            unsafe { place.write(Self(loom::sync::Mutex::new(value))) };
            Ok(())
        };
        // SAFETY: The closure initialises the place.
        unsafe { init_from_closure(make) }
    }

    /// Waits for the lock.
    pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("another thread of the model died")
    }
}

/// As the kernel's.
#[macro_export]
macro_rules! new_mutex {
    ($value:expr $(, $name:literal)?) => {
        $crate::sync::Mutex::new($value, c"", $crate::static_lock_class!())
    };
}

/// A value that is set once.
pub struct SetOnce<T> {
    state: AtomicUsize,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: The value is written before `state` says so, by one thread, and shared after that.
unsafe impl<T: Send + Sync> Sync for SetOnce<T> {}

impl<T> SetOnce<T> {
    /// No value yet.
    #[expect(clippy::new_without_default, reason = "as the kernel's")]
    pub fn new() -> Self {
        Self {
            state: AtomicUsize::new(0),
            value: UnsafeCell::new(None),
        }
    }

    /// Sets the value unless there is one.
    pub fn populate(&self, value: T) -> bool {
        let (free, busy) = (0, 1);
        let claim = self
            .state
            .compare_exchange(free, busy, Ordering::Relaxed, Ordering::Relaxed);
        if claim.is_err() {
            return false;
        }
        // SAFETY: Nobody else claims it, and nobody reads it yet.
        unsafe { *self.value.get() = Some(value) };
        self.state.store(2, Ordering::Release);
        true
    }

    /// The value if there is one.
    pub fn as_ref(&self) -> Option<&T> {
        if self.state.load(Ordering::Acquire) != 2 {
            return None;
        }
        // SAFETY: It is set, and stays so.
        unsafe { (*self.value.get()).as_ref() }
    }
}
