// SPDX-License-Identifier: GPL-2.0

//! Error numbers that the kernel crate has no name for, or none before Linux 7.3.
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

/// Address already in use.
pub fn eaddrinuse() -> Error {
    error(bindings::EADDRINUSE)
}

/// Cannot assign requested address.
pub fn eaddrnotavail() -> Error {
    error(bindings::EADDRNOTAVAIL)
}

/// Connection refused.
pub fn econnrefused() -> Error {
    error(bindings::ECONNREFUSED)
}

/// Destination address required.
pub fn edestaddrreq() -> Error {
    error(bindings::EDESTADDRREQ)
}

/// No route to host.
pub fn ehostunreach() -> Error {
    error(bindings::EHOSTUNREACH)
}

/// Network is unreachable.
pub fn enetunreach() -> Error {
    error(bindings::ENETUNREACH)
}

/// Transport endpoint is not connected.
pub fn enotconn() -> Error {
    error(bindings::ENOTCONN)
}

/// Cannot send after transport endpoint shutdown.
pub fn eshutdown() -> Error {
    error(bindings::ESHUTDOWN)
}

fn error(number: u32) -> Error {
    // CAST: Error numbers are small.
    Error::from_errno((number as i32).wrapping_neg())
}
