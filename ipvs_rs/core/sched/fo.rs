// SPDX-License-Identifier: GPL-2.0

//! Weighted failover: all connections go to the eligible server with the greatest weight.

use super::Server;

/// The index of the eligible server with the greatest weight, or of the first of several; [`None`] if
/// no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    heaviest(servers, |_| true)
}

/// The index of the server with the greatest weight among those that are eligible and for which
/// `suits` holds.
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
