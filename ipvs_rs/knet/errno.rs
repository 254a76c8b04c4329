// SPDX-License-Identifier: GPL-2.0

//! Error numbers that the kernel crate has no name for (yet).
//!
//! C header: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h)

use ipvs_sys as bindings;
use kernel::prelude::*;

/// Address family not supported by protocol.
pub fn eafnosupport() -> Error {
    error(bindings::EAFNOSUPPORT)
}

/// Protocol not available.
pub fn enoprotoopt() -> Error {
    error(bindings::ENOPROTOOPT)
}

/// Operation not supported on transport endpoint.
pub fn eopnotsupp() -> Error {
    error(bindings::EOPNOTSUPP)
}

/// No buffer space available.
pub fn enobufs() -> Error {
    error(bindings::ENOBUFS)
}

/// Software caused connection abort.
pub fn econnaborted() -> Error {
    error(bindings::ECONNABORTED)
}

fn error(number: u32) -> Error {
    // CAST: Error numbers are small.
    Error::from_errno((number as i32).wrapping_neg())
}
