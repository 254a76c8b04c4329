// SPDX-License-Identifier: GPL-2.0

//! Power of two choices: of two servers drawn by weight, the one with less overhead for its weight.
//!
//! M. Mitzenmacher: "The Power of Two Choices in Randomized Load Balancing", 2001.

use super::Server;

/// The index of the better one of two servers that `random` chooses; [`None`] if no server is
/// eligible.
///
/// Each draw is a number from 0 to the sum of the weights, both included, as in the C module; so
/// the first server has one chance more than its weight. The C module compares products of 32
/// bits, which overflow.
#[inline]
pub fn pick<S: Server>(servers: &[S], mut random: impl FnMut() -> u64) -> Option<usize> {
    let eligible = || servers.iter().filter(|server| server.is_eligible());
    let sum = eligible().fold(0_u64, |sum, server| {
        sum.saturating_add(u64::from(server.weight()))
    });
    if sum == 0 {
        return None;
    }
    let (first, second) = (up_to(sum, random()), up_to(sum, random()));
    let first = drawn(servers, first)?;
    let second = drawn(servers, second)?;
    let cost = |index: usize| servers.get(index).map(|one| (one.overhead(), one.weight()));
    let ((overhead1, weight1), (overhead2, weight2)) = (cost(first)?, cost(second)?);
    // overhead2 / weight2 < overhead1 / weight1
    match product(overhead2, weight1) < product(overhead1, weight2) {
        true => Some(second),
        false => Some(first),
    }
}

/// A number from 0 to `most`, both included, from 64 random bits; the bias is below `most` / 2^64.
#[inline]
fn up_to(most: u64, random: u64) -> u64 {
    let scaled = u128::from(random).wrapping_mul(u128::from(most).wrapping_add(1));
    // CAST: The upper half of the product, which is at most `most`.
    (scaled >> 64) as u64
}

/// The index of the server at which the sum of weights reaches `number`.
#[inline]
fn drawn<S: Server>(servers: &[S], number: u64) -> Option<usize> {
    let mut rest = number;
    let mut last = None;
    for (index, server) in (0..servers.len()).zip(servers) {
        if !server.is_eligible() {
            continue;
        }
        last = Some(index);
        match rest.checked_sub(u64::from(server.weight())) {
            None | Some(0) => break,
            Some(more) => rest = more,
        }
    }
    // The last one, if weights became less since they were added up.
    last
}

#[inline]
fn product(overhead: u64, weight: u32) -> u128 {
    u128::from(overhead).wrapping_mul(u128::from(weight))
}
