// SPDX-License-Identifier: GPL-2.0

//! Shortest expected delay: the server that has the fewest active connections for its weight, if the
//! new connection is counted.

use super::{least, Server};

/// The index of the eligible server with the shortest expected delay, or of the first of several;
/// [`None`] if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    // A cost has at most 33 bits and a weight 31, so the product fits into 64.
    least::for_weight(servers, expected, least::narrow)
}

/// The active connections that the server would have with the new one.
#[inline]
fn expected<S: Server>(server: &S) -> u64 {
    u64::from(server.active()).wrapping_add(1)
}
