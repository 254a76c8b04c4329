// SPDX-License-Identifier: GPL-2.0

//! Shortest expected delay: the server that will have the fewest active connections for its
//! weight, with the new one.

use super::{least, Server};

/// The index of the server with the shortest expected delay, the first of equals; [`None`] if no
/// server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    // 33 bits times 31.
    least::for_weight(servers, expected, least::narrow)
}

/// The active connections that the server would have with the new one.
#[inline]
fn expected<S: Server>(server: &S) -> u64 {
    u64::from(server.active()).wrapping_add(1)
}
