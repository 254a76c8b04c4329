// SPDX-License-Identifier: GPL-2.0

//! A place for an object that comes once, and stays.

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::ffi::c_void;

use super::Arc;

/// An optional [`Arc`] that is given once at most, and kept as long as the place.
///
/// # Invariants
///
/// `object` is null or comes from [`Arc::into_raw`]; that reference belongs to this value. Once it is not null it does not
/// change.
pub struct OnceArc<T: Send + Sync + 'static> {
    object: AtomicPtr<c_void>,
    _owns: PhantomData<Arc<T>>,
}

impl<T: Send + Sync> OnceArc<T> {
    /// A place that holds `object`, or nothing yet.
    #[inline]
    pub fn new(object: Option<Arc<T>>) -> Self {
        let raw = object.map_or(core::ptr::null(), Arc::into_raw);
        // INVARIANT: The reference belongs to this value from here on.
        Self {
            object: AtomicPtr::new(raw.cast_mut()),
            _owns: PhantomData,
        }
    }

    /// The object.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // ORDERING: Acquire, paired with the exchange in `set`: the object is seen initialised.
        let raw = self.object.load(Ordering::Acquire);
        if raw.is_null() {
            return None;
        }
        // SAFETY: By the type invariant this comes from `Arc::into_raw`.
        let object = core::mem::ManuallyDrop::new(unsafe { Arc::<T>::from_raw(raw) });
        let object: *const T = core::ptr::from_ref(&**object);
        // SAFETY: By the type invariant the reference to the object belongs to this value, which keeps it while it is borrowed.
        Some(unsafe { &*object })
    }

    /// Gives the object to an empty place. Otherwise drops it.
    pub fn set(&self, object: Arc<T>) {
        let raw = object.into_raw().cast_mut();
        // ORDERING: Release, paired with the load in `get`; Relaxed if nothing changes.
        let given = self.object.compare_exchange(
            core::ptr::null_mut(),
            raw,
            Ordering::Release,
            Ordering::Relaxed,
        );
        // INVARIANT: The reference belongs to this value if the place was empty, and it changes no more.
        if given.is_err() {
            // SAFETY: It comes from `Arc::into_raw`, and the place has not taken it.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
    }
}

impl<T: Send + Sync> Drop for OnceArc<T> {
    #[inline]
    fn drop(&mut self) {
        let raw = *self.object.get_mut();
        if !raw.is_null() {
            // SAFETY: By the type invariant this reference belongs to this value, which is not used again.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
    }
}
