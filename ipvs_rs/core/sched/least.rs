// SPDX-License-Identifier: GPL-2.0

//! The least cost for its weight, which is what several algorithms look for.

use super::Server;

/// The index of the eligible server with the least `cost` for its weight, the first of equals;
/// [`None`] if no server is eligible.
///
/// Fractions are compared by multiplying crosswise, in up to 72 bits; the C module has 64.
#[inline(always)]
pub(super) fn for_weight<S: Server>(servers: &[S], cost: impl Fn(&S) -> u64) -> Option<usize> {
    let mut least: Option<(usize, u64, u32)> = None;
    for (index, server) in (0..servers.len()).zip(servers) {
        let weight = server.weight();
        if weight == 0 || server.is_overloaded() {
            continue;
        }
        let cost = cost(server);
        let is_less = least.is_none_or(|(_, least_cost, least_weight)| {
            // cost / weight < least_cost / least_weight
            product(cost, least_weight) < product(least_cost, weight)
        });
        if is_less {
            least = Some((index, cost, weight));
        }
    }
    least.map(|(index, ..)| index)
}

#[inline]
fn product(cost: u64, weight: u32) -> u128 {
    u128::from(cost).wrapping_mul(u128::from(weight))
}
