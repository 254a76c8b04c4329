// SPDX-License-Identifier: GPL-2.0

//! Locality-based least connection with replication: packets to one destination go to a set of
//! servers. It grows when those have too much to do, and shrinks after a while. For caches behind a
//! service that is known by a firewall mark.

use super::{least, locality::is_overloaded, wlc, Server};

/// Who gets the packet, and what becomes of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The index of the server.
    pub server: usize,
    /// The server is added to the set, unless it is part of it.
    pub adds: bool,
}

/// Decides about a packet to a destination with the servers at the indices `set`; [`None`] if no
/// server is eligible.
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

/// Whether [`pick`] chooses the server at `index` of a set of this one alone, and leaves the set as it is.
#[inline]
pub fn suffices<S: Server>(servers: &[S], index: usize) -> bool {
    let suffices = |server: &S| server.is_eligible() && !is_overloaded(servers, server);
    servers.get(index).is_some_and(suffices)
}

/// The index of the server that leaves a set of more than one: that with the most overhead for its
/// weight, the first of equals.
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

/// The overhead for the weight, as a fraction.
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
