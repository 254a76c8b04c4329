// SPDX-License-Identifier: GPL-2.0

//! As `kernel::types`.

use std::{cell::UnsafeCell, mem::MaybeUninit};

/// A value of C's.
#[repr(transparent)]
pub struct Opaque<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Opaque<T> {
    /// Nothing yet.
    pub const fn uninit() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// A pointer to what is inside.
    pub const fn cast_into(this: *const Self) -> *mut T {
        this.cast_mut().cast()
    }
}
