// SPDX-License-Identifier: GPL-2.0

//! Parameters that everybody can read in `/sys/module`, which those of `module!` are not.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use core::{
    ptr::NonNull,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};
use ipvs_sys as bindings;
use kernel::prelude::*;

/// An integer that C code of a module declared with `module_param(NAME, int, MODE)`.
pub struct Parameter(&'static AtomicI32);

impl Parameter {
    /// The parameter of the caller's module with that name.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none, or it is no `int`.
    #[inline]
    pub fn find(name: &CStr) -> Result<Self> {
        let module = super::own().as_ptr().cast();
        // SAFETY: `name` is a string with an end, and only read during the call; the module is there, as
        // the caller is a part of it.
        let value = unsafe { bindings::int_parameter(module, name.as_char_ptr()) };
        let value = NonNull::new(value).ok_or(ENOENT)?;
        // SAFETY: `module_param` takes an `int` that is as long there as the module, which the caller
        // is a part of. An int has the size and the alignment of an `AtomicI32`. C reads and writes it whole
        // (`param_get_int`, `param_set_int`).
        Ok(Self(unsafe { value.cast::<AtomicI32>().as_ref() }))
    }

    /// What it is now: what was asked for when the module was loaded, until [`set`](Self::set).
    pub fn value(&self) -> i32 {
        self.0.load(Relaxed)
    }

    /// What readers in `/sys/module` see from now on.
    pub fn set(&self, value: i32) {
        self.0.store(value, Relaxed);
    }
}

/// The integers that C code of a module declared with `module_param_array(NAME, ushort, &COUNT, 0444)`: those that were asked
/// for when the module was loaded, or its defaults.
pub struct Parameters(&'static [u16]);

impl Parameters {
    /// The parameter of the caller's module with that name.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none, or it is no array of `unsigned short`.
    #[inline]
    pub fn find(name: &CStr) -> Result<Self> {
        let module = super::own().as_ptr().cast();
        let mut count = 0;
        // SAFETY: `name` is a string with an end, and only read during the call, as `count` is only written; the module is
        // there, as the caller is a part of it.
        let first =
            unsafe { bindings::ushort_parameters(module, name.as_char_ptr(), &raw mut count) };
        if first.is_null() {
            return Err(ENOENT);
        }
        // CAST: 32 bits into a machine word.
        // SAFETY: `module_param_array` takes an array that is as long there as the module, which the caller is a part of,
        // and C found `count` elements in it. With the mode 0444 nobody writes them after the module was loaded.
        Ok(Self(unsafe {
            core::slice::from_raw_parts(first, count as usize)
        }))
    }

    /// The integers.
    pub fn values(&self) -> &'static [u16] {
        self.0
    }
}
