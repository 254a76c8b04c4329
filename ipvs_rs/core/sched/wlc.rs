// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: the server with the least overhead for its weight.

use super::{least, Change, Server};

/// An overhead has up to 41 bits. Its product with a weight below this limit fits into 64 bits.
const SMALL: u32 = 1 << 23;

/// How the servers of a service are compared: almost always by products of 64 bits, which the C
/// module always uses.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    is_narrow: bool,
}

impl Comparison {
    /// How to compare these servers. `change` is the last change of their list, and `previous` the
    /// comparison before it.
    pub fn of<S: Server>(servers: &[S], change: Change, previous: Option<&Self>) -> Self {
        let is_small = |server: &S| server.weight() < SMALL;
        let is_narrow = match (change, previous) {
            (Change::Inserted(index), Some(previous)) => {
                previous.is_narrow && servers.get(index).is_some_and(is_small)
            }
            _ => servers.iter().all(is_small),
        };
        Self { is_narrow }
    }

    /// The index of the eligible server with the least overhead for its weight, or of the first of
    /// several; [`None`] if no server is eligible.
    #[inline]
    pub fn pick<S: Server>(self, servers: &[S]) -> Option<usize> {
        match self.is_narrow {
            true => least::for_weight(servers, S::overhead, least::narrow),
            false => pick(servers),
        }
    }
}

/// As [`Comparison::pick`], for any weights.
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    least::for_weight(servers, S::overhead, least::wide)
}
