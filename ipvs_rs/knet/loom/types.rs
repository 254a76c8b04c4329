// SPDX-License-Identifier: GPL-2.0

//! As `kernel::types`.

use pinned_init::{pin_init_from_closure, PinInit};
use std::{cell::UnsafeCell, mem::MaybeUninit};

/// A value of C's.
#[repr(transparent)]
pub struct Opaque<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Opaque<T> {
    /// Nothing yet.
    pub const fn uninit() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// This value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)))
    }

    /// What `init` makes.
    pub fn ffi_init(init: impl FnOnce(*mut T)) -> impl PinInit<Self> {
        let make = |place: *mut Self| {
            init(Self::cast_into(place));
            Ok(())
        };
        // SAFETY: The closure initialises the place, as far as C wants it.
        unsafe { pin_init_from_closure(make) }
    }

    /// A pointer to what is inside.
    pub const fn get(&self) -> *mut T {
        Self::cast_into(self)
    }

    /// A pointer to what this is inside of.
    pub const fn cast_from(this: *const T) -> *const Self {
        this.cast()
    }

    /// A pointer to what is inside.
    pub const fn cast_into(this: *const Self) -> *mut T {
        this.cast_mut().cast()
    }
}
