// SPDX-License-Identifier: GPL-2.0

//! Least connection: the server with the least overhead, whatever its weight.

use super::Server;

/// The index of the server with the least overhead, the first of equals; [`None`] if no server is
/// eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    let mut least: Option<(usize, u64)> = None;
    for (index, server) in (0..servers.len()).zip(servers) {
        if !server.is_eligible() {
            continue;
        }
        let overhead = server.overhead();
        if least.is_none_or(|(_, least)| overhead < least) {
            least = Some((index, overhead));
        }
    }
    least.map(|(index, _)| index)
}
