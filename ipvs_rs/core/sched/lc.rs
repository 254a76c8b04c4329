// SPDX-License-Identifier: GPL-2.0

//! Least connection: the server with the least overhead. Weights do not matter.

use super::Server;

/// The index of the eligible server with the least overhead, or of the first of several; [`None`] if
/// no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    let mut least = None;
    let mut least_overhead = u64::MAX;
    for (index, server) in (0..servers.len()).zip(servers) {
        // No server has an overhead of `u64::MAX`.
        let overhead = server.overhead();
        if overhead < least_overhead && server.is_eligible() {
            (least, least_overhead) = (Some(index), overhead);
        }
    }
    least
}
