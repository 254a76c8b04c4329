// SPDX-License-Identifier: GPL-2.0

//! As `kernel::sync`, with loom's locks.

use pinned_init::{init_from_closure, Init};
use std::{ffi::CStr, pin::Pin};

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
