// SPDX-License-Identifier: GPL-2.0

//! Memory for many objects of one type.
//!
//! `kmalloc` rounds sizes up to the next of its classes, and looks for the class with each call. A cache has pieces of the exact
//! size of an object, and no class to look for.
//!
//! ```text
//!   static CACHE ──open──> Opened ──drop──> closed, once all objects are dropped
//!                     CACHE.pin_init ──> Arc, as from Arc::pin_init
//! ```
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)

use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::{null_mut, NonNull},
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::rcu::{self, Arc, BarrierOnDrop, Gathered, Guard, Inner};

/// The memory of the [`Arc`]s of one type. To be a static of the module that drops them.
///
/// # Invariants
///
/// `cache` is null, or a cache for `Inner<T>`, the allocation behind an `Arc<T>`, at multiples of [`Gathered::ALIGN`]. It is
/// destroyed a grace period after it is null again.
pub struct ArcCache<T: Gathered> {
    cache: AtomicPtr<bindings::kmem_cache>,
    _of: PhantomData<fn() -> T>,
}

impl<T: Gathered> ArcCache<T> {
    /// A cache that is not open.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        // INVARIANT: It is null.
        Self {
            cache: AtomicPtr::new(null_mut()),
            _of: PhantomData,
        }
    }

    /// Opens the cache under a name that administrators see. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EBUSY` if it is open.
    pub fn open(&'static self, name: &'static CStr) -> Result<OpenedCache<T>> {
        let align = align_of::<Inner<T>>().max(T::ALIGN);
        // CAST: Small numbers.
        let (size, align) = (size_of::<Inner<T>>() as u32, align as u32);
        // SAFETY: The name is a C string that lives as long as the cache.
        let cache = unsafe { bindings::cache_create(name.as_char_ptr(), size, align) };
        let cache = NonNull::new(cache).ok_or(ENOMEM)?;
        // ORDERING: Release, paired with the load in `pin_init`.
        let opened = self.cache.compare_exchange(
            null_mut(),
            cache.as_ptr(),
            Ordering::Release,
            Ordering::Relaxed,
        );
        match opened {
            Ok(_) => Ok(OpenedCache { of: self }),
            Err(_) => {
                // SAFETY: It was made above, and nobody has seen it.
                unsafe { bindings::kmem_cache_destroy(cache.as_ptr()) };
                Err(EBUSY)
            }
        }
    }

    /// Allocates an object and initialises it in place, without sleeping. See [`Arc::pin_init`].
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also while the cache is not open; or the error of `init`.
    #[inline]
    pub fn pin_init<E>(&self, init: impl PinInit<T, E>, _guard: &Guard) -> Result<Arc<T>>
    where
        Error: From<E>,
    {
        // ORDERING: Acquire, paired with `open`.
        let cache = self.cache.load(Ordering::Acquire);
        if cache.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: By the type invariant it is a cache, which is destroyed after a grace period; the section of `_guard` delays
        // that.
        let memory = unsafe { bindings::cache_alloc_atomic(cache) };
        let memory = NonNull::new(memory.cast::<MaybeUninit<Inner<T>>>()).ok_or(ENOMEM)?;
        // SAFETY: By the type invariant the place is such a multiple.
        let inner = unsafe { Inner::gathered(init) };
        // SAFETY: The memory is ours, and fits by the type invariant. `kfree`, by which a `KBox` frees it, frees that of
        // caches, too (Documentation/core-api/memory-allocation.rst).
        let memory = unsafe { KBox::from_raw(memory.as_ptr()) };
        Ok(Arc::first(memory.write_pin_init(inner)?))
    }
}

/// An open [`ArcCache`].
pub struct OpenedCache<T: Gathered> {
    of: &'static ArcCache<T>,
}

impl<T: Gathered> Drop for OpenedCache<T> {
    /// Waits for all objects that nobody refers to any more. The last reference to each must be gone; of an object that is left
    /// the kernel complains, and keeps the memory.
    // Inlined into the module whose struct has the value, as the objects are counted there.
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Relaxed: the barriers order it before the end of the cache.
        let cache = self.of.cache.swap(null_mut(), Ordering::Relaxed);
        rcu::synchronize();
        drop(BarrierOnDrop);
        // SAFETY: `open` made it. No packet can see it any more after the grace period, and all objects have been dropped.
        unsafe { bindings::kmem_cache_destroy(cache) };
    }
}
