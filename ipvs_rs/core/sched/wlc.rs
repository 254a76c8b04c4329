// SPDX-License-Identifier: GPL-2.0

//! Weighted least connection: the server with the least overhead for its weight.

use super::{least, Server};

/// An overhead has up to 41 bits. Times weights below this it fits into 64.
const SMALL: u32 = 1 << 23;

/// How to compare these servers. Almost always in 64 bits, which is as far as the C module goes.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    is_narrow: bool,
}

impl Comparison {
    /// How to compare servers of these weights.
    pub fn of<S: Server>(servers: &[S]) -> Self {
        let is_narrow = servers.iter().all(|server| server.weight() < SMALL);
        Self { is_narrow }
    }

    /// The index of the server with the least overhead for its weight, the first of equals;
    /// [`None`] if no server is eligible.
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
