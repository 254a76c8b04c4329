// SPDX-License-Identifier: GPL-2.0

//! A lock that many may hold for reading, or one for writing, and sleep meanwhile.
//!
//! C header: [`include/linux/rwsem.h`](srctree/include/linux/rwsem.h)

use core::{
    cell::UnsafeCell,
    ops::{Deref, DerefMut},
};
use ipvs_sys as bindings;
use kernel::{
    prelude::*,
    sync::LockClassKey,
    types::{NotThreadSafe, Opaque},
};

/// A `T` behind a reader-writer semaphore.
///
/// # Invariants
///
/// `value` is read while the semaphore is held for reading or writing, and changed while it is held for
/// writing.
#[pin_data]
pub struct RwSemaphore<T> {
    #[pin]
    semaphore: Opaque<bindings::rw_semaphore>,
    value: UnsafeCell<T>,
}

// SAFETY: The semaphore may be used by any thread, and the value sent to the one that drops it.
unsafe impl<T: Send> Send for RwSemaphore<T> {}
// SAFETY: Readers share the value among threads, and a writer may take it away to its own one.
unsafe impl<T: Send + Sync> Sync for RwSemaphore<T> {}

impl<T> RwSemaphore<T> {
    /// Initialises the lock. `name` and `key` are its lock class.
    pub fn new(
        value: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            semaphore <- Opaque::ffi_init(move |semaphore: *mut bindings::rw_semaphore| {
                // SAFETY: `semaphore` is valid for writes; the name and the key live for ever.
                unsafe {
                    bindings::__init_rwsem(semaphore, name.as_char_ptr(), key.as_ptr().cast())
                }
            }),
            value: UnsafeCell::new(value),
        })
    }

    /// Waits until nobody writes, and keeps writers out (`down_read`). May sleep.
    pub fn read(&self) -> ReadGuard<'_, T> {
        // SAFETY: The semaphore is initialised, and stays where it is.
        unsafe { bindings::down_read(self.semaphore.get()) };
        // INVARIANT: It was just taken for reading.
        ReadGuard {
            lock: self,
            _thread: NotThreadSafe,
        }
    }

    /// Waits until nobody reads or writes, and keeps all others out (`down_write`). May sleep.
    pub fn write(&self) -> WriteGuard<'_, T> {
        // SAFETY: The semaphore is initialised, and stays where it is.
        unsafe { bindings::down_write(self.semaphore.get()) };
        // INVARIANT: It was just taken for writing.
        WriteGuard {
            lock: self,
            _thread: NotThreadSafe,
        }
    }
}

/// Evidence that the current thread holds the lock for reading.
///
/// # Invariants
///
/// The semaphore of `lock` is held for reading, on behalf of this value.
#[must_use = "the lock is given back when this is dropped"]
pub struct ReadGuard<'a, T> {
    lock: &'a RwSemaphore<T>,
    _thread: NotThreadSafe,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The semaphore is held for reading, so nobody changes the value while `self` lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is held, and this value gives it back once.
        unsafe { bindings::up_read(self.lock.semaphore.get()) };
    }
}

/// Evidence that the current thread holds the lock for writing.
///
/// # Invariants
///
/// The semaphore of `lock` is held for writing, on behalf of this value.
#[must_use = "the lock is given back when this is dropped"]
pub struct WriteGuard<'a, T> {
    lock: &'a RwSemaphore<T>,
    _thread: NotThreadSafe,
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The semaphore is held for writing, so nobody else has the value while `self` lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: The semaphore is held for writing, so nobody else has the value while `self` lives.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is held, and this value gives it back once.
        unsafe { bindings::up_write(self.lock.semaphore.get()) };
    }
}
