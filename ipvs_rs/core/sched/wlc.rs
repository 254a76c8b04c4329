// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: the server with the least overhead for its weight.

use super::Server;

/// The index of the server with the least overhead for its weight, the first of equals; [`None`]
/// if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    let mut least: Option<(usize, u64, u32)> = None;
    for (index, server) in (0..servers.len()).zip(servers) {
        let (overhead, weight) = (server.overhead(), server.weight());
        if weight == 0 || server.is_overloaded() {
            continue;
        }
        let is_less = least.is_none_or(|(_, least_overhead, least_weight)| {
            // overhead / weight < least_overhead / least_weight
            product(overhead, least_weight) < product(least_overhead, weight)
        });
        if is_less {
            least = Some((index, overhead, weight));
        }
    }
    least.map(|(index, ..)| index)
}

/// The product, which has up to 72 bits.
#[inline]
fn product(overhead: u64, weight: u32) -> u128 {
    u128::from(overhead).wrapping_mul(u128::from(weight))
}
