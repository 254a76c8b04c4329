// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: the server with the least overhead for its weight.

use super::{least, Server};

/// The index of the server with the least overhead for its weight, the first of equals; [`None`]
/// if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    least::for_weight(servers, S::overhead)
}
