// SPDX-License-Identifier: GPL-2.0

//! Power of two choices: two servers are drawn by weight, and the one with less overhead for its
//! weight is chosen.
//!
//! M. Mitzenmacher: "The Power of Two Choices in Randomized Load Balancing", 2001.

use super::{least, Server};

/// If the sum of the weights is less than this, one random number is enough for both draws. The part
/// of the number that the first draw leaves decides the second draw, with a bias below 2^-24.
const SMALL: u64 = 1 << 20;

/// The index of the server with less overhead for its weight of two servers that `random` chooses;
/// [`None`] if no server is eligible.
///
/// As in the C module, each draw is a number from 0 to the sum of the weights, both included. So the
/// first server has one chance more than its weight. The C module compares products of 32 bits,
/// which overflow.
#[inline]
pub fn pick<S: Server>(servers: &[S], mut random: impl FnMut() -> u64) -> Option<usize> {
    let mut sum = 0_u64;
    for server in servers {
        // No service has so many servers that the sum overflows.
        sum = sum.wrapping_add(server.effective_weight().into());
    }
    if sum == 0 {
        return None;
    }
    let (first, rest) = up_to(sum, random());
    let (second, _) = up_to(sum, if sum < SMALL { rest } else { random() });
    let (first, second) = drawn(servers, first, second)?;
    let cost = |index: usize| servers.get(index).map(|one| (one.overhead(), one.weight()));
    let ((overhead1, weight1), (overhead2, weight2)) = (cost(first)?, cost(second)?);
    // overhead2 / weight2 < overhead1 / weight1
    match least::wide(overhead2, weight1) < least::wide(overhead1, weight2) {
        true => Some(second),
        false => Some(first),
    }
}

/// A number from 0 to `most`, both included, from 64 random bits, and as many that the number tells
/// nothing of. The bias is below `most` / 2^64, that of a number from the rest below `most`^2 / 2^64.
#[inline]
fn up_to(most: u64, random: u64) -> (u64, u64) {
    let scaled = u128::from(random).wrapping_mul(u128::from(most).wrapping_add(1));
    // CAST: The upper half of the product, which is at most `most`, and the lower one.
    ((scaled >> 64) as u64, scaled as u64)
}

/// The indices of the servers at which the sum of weights reaches two numbers.
///
/// If weights became less after they were added up, the last eligible server is drawn.
#[inline]
fn drawn<S: Server>(servers: &[S], one: u64, other: u64) -> Option<(usize, usize)> {
    let (less, more) = (one.min(other), one.max(other));
    let mut all = (0..servers.len()).zip(servers);
    let mut sum = 0_u64;
    let mut reach = |number| {
        all.find_map(|(index, server)| {
            let weight = server.effective_weight();
            sum = sum.wrapping_add(weight.into());
            (sum >= number && weight > 0).then_some((index, sum))
        })
    };
    let (first, second) = match reach(less) {
        Some((first, sum)) if sum >= more => (first, first),
        Some((first, _)) => (first, reach(more).map_or(first, |(second, _)| second)),
        None => {
            let mut all = (0..servers.len()).zip(servers);
            let (last, _) = all.rfind(|(_, server)| server.is_eligible())?;
            (last, last)
        }
    };
    match one <= other {
        true => Some((first, second)),
        false => Some((second, first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_from_one_number_are_independent() {
        const SUM: u64 = 6;
        const EACH: u64 = 1000;
        let pairs = (SUM + 1) * (SUM + 1);
        let mut counts = [[0_u64; SUM as usize + 1]; SUM as usize + 1];
        // Random numbers at even distances: each pair must come up equally often.
        for number in 0..pairs * EACH {
            let (first, rest) = up_to(SUM, number * (u64::MAX / (pairs * EACH)));
            let (second, _) = up_to(SUM, rest);
            counts[first as usize][second as usize] += 1;
        }
        for count in counts.as_flattened() {
            assert!(count.abs_diff(EACH) <= 1, "{counts:?}");
        }
    }
}
