// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection with replication: all packets to one address go to a set of
//! servers. The set grows when its servers have too much to do, and shrinks after a while. It is
//! meant for caches behind a service with a firewall mark.

use super::{least, locality::is_overloaded, wlc, Server};

/// The server that gets the packet, and the change of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The index of the server.
    pub server: usize,
    /// Whether the server is added to the set, if it is not part of it yet.
    pub adds: bool,
}

/// Chooses the server for a packet whose destination address has the servers at the indices `set`;
/// [`None`] if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S], set: impl Iterator<Item = usize>) -> Option<Pick> {
    let mut least: Option<(usize, Load, &S)> = None;
    for index in set {
        let Some(server) = servers.get(index).filter(|server| server.is_eligible()) else {
            continue;
        };
        let load = Load::of(server);
        if least.is_none_or(|(_, least, _)| load.is_less_than(least)) {
            least = Some((index, load, server));
        }
    }
    match least {
        Some((index, _, server)) if !is_overloaded(servers, server) => Some(Pick {
            server: index,
            adds: false,
        }),
        _ => Some(Pick {
            server: wlc::pick(servers)?,
            adds: true,
        }),
    }
}

/// Whether [`pick`] chooses the server at `index` from a set that holds only this server, and does
/// not change the set.
#[inline]
pub fn suffices<S: Server>(servers: &[S], index: usize) -> bool {
    let suffices = |server: &S| server.is_eligible() && !is_overloaded(servers, server);
    servers.get(index).is_some_and(suffices)
}

/// The index of the server that leaves a set of more than one server: the server with the greatest
/// overhead for its weight, or the first of several.
pub fn leaver<S: Server>(servers: &[S], set: impl Iterator<Item = usize>) -> Option<usize> {
    let mut most: Option<(usize, Load)> = None;
    for index in set {
        let Some(server) = servers.get(index).filter(|server| server.weight() > 0) else {
            continue;
        };
        let load = Load::of(server);
        if most.is_none_or(|(_, most)| most.is_less_than(load)) {
            most = Some((index, load));
        }
    }
    most.map(|(index, _)| index)
}

/// The overhead of a server divided by its weight, as a fraction.
#[derive(Clone, Copy)]
struct Load {
    overhead: u64,
    weight: u32,
}

impl Load {
    fn of<S: Server>(server: &S) -> Self {
        Self {
            overhead: server.overhead(),
            weight: server.weight(),
        }
    }

    fn is_less_than(self, other: Self) -> bool {
        least::wide(self.overhead, other.weight) < least::wide(other.overhead, self.weight)
    }
}
