// SPDX-License-Identifier: GPL-2.0

//! Weighted failover: the server with the greatest weight, as long as it is there.

use super::Server;

/// The index of the eligible server with the greatest weight, the first of equals; [`None`] if no
/// server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    heaviest(servers, |_| true)
}

/// The index of the eligible server with the greatest weight that `suits`.
#[inline(always)]
pub(super) fn heaviest<S: Server>(servers: &[S], suits: impl Fn(&S) -> bool) -> Option<usize> {
    let mut heaviest: Option<(usize, u32)> = None;
    for (index, server) in (0..servers.len()).zip(servers) {
        let weight = server.weight();
        // The first one has to be eligible, so its weight must be more than 0.
        let is_more = weight > heaviest.map_or(0, |(_, weight)| weight);
        if is_more && !server.is_overloaded() && suits(server) {
            heaviest = Some((index, weight));
        }
    }
    heaviest.map(|(index, _)| index)
}
