// SPDX-License-Identifier: GPL-2.0

//! The search for the server with the least cost for its weight, which several algorithms share.

use super::Server;

/// The index of the eligible server with the least `cost` for its weight, or of the first of several;
/// [`None`] if no server is eligible.
///
/// Two fractions are compared by the products of each cost and the other weight, which `product`
/// computes.
#[inline(always)]
pub(super) fn for_weight<S: Server, P: PartialOrd>(
    servers: &[S],
    cost: impl Fn(&S) -> u64,
    product: impl Fn(u64, u32) -> P,
) -> Option<usize> {
    // A cost of 1 for a weight of 0 is more than the fraction of any server.
    let (mut least, mut least_cost, mut least_weight) = (None, 1, 0);
    for (index, server) in (0..servers.len()).zip(servers) {
        let weight = server.weight();
        let cost = cost(server);
        // cost / weight < least_cost / least_weight, which does not hold if the weight is 0.
        if product(cost, least_weight) < product(least_cost, weight) && !server.is_overloaded() {
            (least, least_cost, least_weight) = (Some(index), cost, weight);
        }
    }
    least
}

/// The product in 64 bits, for numbers whose product fits.
#[inline(always)]
pub(super) fn narrow(cost: u64, weight: u32) -> u64 {
    cost.wrapping_mul(u64::from(weight))
}

/// The product of any numbers.
#[inline(always)]
pub(super) fn wide(cost: u64, weight: u32) -> u128 {
    u128::from(cost).wrapping_mul(u128::from(weight))
}
