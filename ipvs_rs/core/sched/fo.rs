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
    let (mut heaviest, mut most) = (None, 0);
    for (index, server) in (0..servers.len()).zip(servers) {
        let weight = server.weight();
        if weight > most && !server.is_overloaded() && suits(server) {
            (heaviest, most) = (Some(index), weight);
        }
    }
    heaviest
}
