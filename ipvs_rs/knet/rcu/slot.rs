// SPDX-License-Identifier: GPL-2.0

//! A slot in which writers publish an object to readers and replace it.

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::ffi::c_void;

use super::{read_lock, Arc, Guard, Ref};

/// An optional [`Arc`] that readers load without a lock and writers replace at any time.
///
/// # Invariants
///
/// `object` is null or comes from [`Arc::into_raw`]; that reference belongs to the slot.
pub struct Slot<T: Send + Sync + 'static> {
    object: AtomicPtr<c_void>,
    _owns: PhantomData<Arc<T>>,
}

impl<T: Send + Sync> Slot<T> {
    /// A slot that holds nothing.
    pub const fn empty() -> Self {
        Self {
            object: AtomicPtr::new(core::ptr::null_mut()),
            _owns: PhantomData,
        }
    }

    /// A slot that holds `object`.
    pub fn new(object: Arc<T>) -> Self {
        Self {
            object: AtomicPtr::new(into_raw(Some(object))),
            _owns: PhantomData,
        }
    }

    /// An owning reference to the present object.
    pub fn get(&self) -> Option<Arc<T>> {
        let guard = read_lock();
        // `try_clone` fails if the object was replaced in the meantime. Then the slot holds another object.
        while let Some(object) = self.load(&guard) {
            if let Some(object) = object.try_clone() {
                return Some(object);
            }
        }
        None
    }

    /// The present object, borrowed.
    #[inline]
    pub fn load<'g>(&self, guard: &'g Guard) -> Option<Ref<'g, T>> {
        // ORDERING: Acquire, paired with the swap in `replace`: the object is seen initialised.
        let raw = self.object.load(Ordering::Acquire);
        if raw.is_null() {
            return None;
        }
        // SAFETY: Only what `into_raw` gave comes into the slot. It was there during this
        // section, and `Arc` waits for a grace period after the slot gave it up.
        Some(unsafe { Ref::from_raw(raw, guard) })
    }

    /// Puts `object` into the slot and returns the previous object.
    #[inline]
    pub fn replace(&self, object: Option<Arc<T>>) -> Option<Arc<T>> {
        // ORDERING: AcqRel, paired with `load` and with the `replace` that put the old one there.
        let old = self.object.swap(into_raw(object), Ordering::AcqRel);
        // SAFETY: Only what `into_raw` gave comes into the slot, and the swap has taken this out.
        unsafe { take(old) }
    }

    /// Empties the slot. Writes nothing if it is empty.
    #[inline]
    pub fn clear(&self) {
        // ORDERING: Relaxed: a null pointer leads to nothing.
        if !self.object.load(Ordering::Relaxed).is_null() {
            drop(self.replace(None));
        }
    }

    /// Puts `new` into the slot if it holds `current`. Otherwise returns `new`.
    pub fn replace_if(
        &self,
        current: Option<&Arc<T>>,
        new: Option<Arc<T>>,
    ) -> Result<(), Option<Arc<T>>> {
        let current = current.map_or(core::ptr::null(), |object| object.as_ref().as_raw());
        let new = into_raw(new);
        // ORDERING: As in `replace`.
        match self.object.compare_exchange(
            current.cast_mut(),
            new,
            Ordering::AcqRel,
            Ordering::Relaxed,
        ) {
            Ok(old) => {
                // SAFETY: Only what `into_raw` gave comes into the slot, and the exchange has taken
                // this out.
                drop(unsafe { take::<T>(old) });
                Ok(())
            }
            // SAFETY: The slot has not taken it.
            Err(_) => Err(unsafe { take(new) }),
        }
    }
}

impl<T: Send + Sync> Drop for Slot<T> {
    fn drop(&mut self) {
        // SAFETY: Only what `into_raw` gave comes into the slot, which is not used again.
        drop(unsafe { take::<T>(*self.object.get_mut()) });
    }
}

/// The pointer that stands for `object` in a slot.
#[inline]
fn into_raw<T: Send + Sync>(object: Option<Arc<T>>) -> *mut c_void {
    object.map_or(core::ptr::null_mut(), |object| object.into_raw().cast_mut())
}

/// The reverse of [`into_raw`].
///
/// # Safety
///
/// `raw` must come from [`into_raw`] of the same `T`, and be taken back once.
#[inline]
unsafe fn take<T: Send + Sync>(raw: *mut c_void) -> Option<Arc<T>> {
    // SAFETY: By the contract, as `raw` is not null.
    (!raw.is_null()).then(|| unsafe { Arc::from_raw(raw) })
}
