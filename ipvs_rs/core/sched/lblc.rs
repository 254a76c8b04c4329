// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection: packets to one destination go to one server, until that has
//! too much to do. For caches behind a service that is known by a firewall mark.

use super::{locality::is_overloaded, wlc, Server};

/// Who gets the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The server that the destination has.
    Same(usize),
    /// Another one, which the destination has from now on.
    Other(usize),
}

/// Decides about a packet to a destination that had the server at index `last`, if any; [`None`]
/// if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S], last: Option<usize>) -> Option<Pick> {
    if let Some((index, server)) = last.and_then(|index| Some((index, servers.get(index)?))) {
        // Whether it is overloaded as servers with thresholds are does not count here.
        if server.weight() > 0 && !is_overloaded(servers, server) {
            return Some(Pick::Same(index));
        }
    }
    wlc::pick(servers).map(Pick::Other)
}
