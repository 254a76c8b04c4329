// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection: all packets to one address go to one server, until that server
//! has too much to do. It is meant for caches behind a service with a firewall mark.

use super::{locality::is_overloaded, wlc, Server};

/// The server that gets the packet, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The server that the destination address has already.
    Same(usize),
    /// Another server, which the destination address has from now on.
    Other(usize),
}

/// Chooses the server for a packet whose destination address has the server at the index `last`, if
/// any; [`None`] if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S], last: Option<usize>) -> Option<Pick> {
    if let Some((index, server)) = last.and_then(|index| Some((index, servers.get(index)?))) {
        // The thresholds of the server do not matter here, as in the C module.
        if server.weight() > 0 && !is_overloaded(servers, server) {
            return Some(Pick::Same(index));
        }
    }
    wlc::pick(servers).map(Pick::Other)
}
