// SPDX-License-Identifier: GPL-2.0

//! What the files of knet take from `kernel::prelude`.

pub use crate::alloc::{Flags, KBox, KVVec, GFP_KERNEL, GFP_KERNEL_ACCOUNT};
pub use crate::ffi::c_void;
pub use pinned_init::{pin_data, pin_init, pinned_drop, try_pin_init, PinInit};
pub use std::{ffi::CStr, pin::Pin};

/// A string as C takes it.
pub trait CStrExt {
    /// Its address.
    fn as_char_ptr(&self) -> *const std::ffi::c_char;
}

impl CStrExt for CStr {
    fn as_char_ptr(&self) -> *const std::ffi::c_char {
        self.as_ptr()
    }
}

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(i32);

pub const ENOMEM: Error = Error(-12);
pub const EINVAL: Error = Error(-22);

/// As the kernel's.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<crate::alloc::AllocError> for Error {
    fn from(_: crate::alloc::AllocError) -> Self {
        ENOMEM
    }
}
