// SPDX-License-Identifier: GPL-2.0

//! Least connection: the server with the least overhead, whatever its weight.

use super::Server;

/// The index of the server with the least overhead, the first of equals; [`None`] if no server is
/// eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    let mut least = None;
    let mut least_overhead = u64::MAX;
    for (index, server) in (0..servers.len()).zip(servers) {
        // No overhead is as large as the one to begin with.
        let overhead = server.overhead();
        if overhead < least_overhead && server.is_eligible() {
            (least, least_overhead) = (Some(index), overhead);
        }
    }
    least
}
