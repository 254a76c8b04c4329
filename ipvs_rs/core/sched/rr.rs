// SPDX-License-Identifier: GPL-2.0

//! Round robin: the servers take turns. Weights do not matter.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Change, Server};

/// Whose turn it is.
///
/// All CPUs share it without a lock. A pick is one successful exchange of the index, so packets that
/// arrive at the same time get different servers, in turn.
#[derive(Debug, Default)]
pub struct RoundRobin {
    /// The index behind the server that had the last turn, at most the number of servers.
    next: AtomicUsize,
}

impl RoundRobin {
    /// The state before the first turn, which is that of the first server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the turns continue after a change of the servers as if nothing had happened: [`Self::after`] gives the same state.
    pub fn fits(&self, change: Change) -> bool {
        match change {
            Change::Rebuilt => false,
            Change::Inserted(index) | Change::Removed(index) => index >= self.next.load(Relaxed),
            Change::Updated(_) => true,
        }
    }

    /// The state after a change of the servers, with which the turns continue.
    ///
    /// A new server does not get a turn ahead of time, and no server misses a turn because another
    /// one is gone. If a CPU takes a turn on the old list at the same time, a turn may be taken twice or
    /// missed.
    #[must_use]
    pub fn after(&self, change: Change) -> Self {
        let next = self.next.load(Relaxed);
        let next = match change {
            Change::Rebuilt => 0,
            Change::Inserted(index) if index < next => next.saturating_add(1),
            Change::Removed(index) if index < next => next.saturating_sub(1),
            Change::Inserted(_) | Change::Removed(_) | Change::Updated(_) => next,
        };
        Self {
            next: AtomicUsize::new(next),
        }
    }

    /// The index of the server whose turn it is; [`None`] if no server is eligible.
    #[inline]
    pub fn pick<S: Server>(&self, servers: &[S]) -> Option<usize> {
        let mut next = self.next.load(Relaxed);
        loop {
            let rest = next..servers.len();
            let picked = rest
                .chain(0..next.min(servers.len()))
                .find(|&index| servers.get(index).is_some_and(S::is_eligible))?;
            let after = picked.saturating_add(1);
            // A single server has all turns, so the index stays the same.
            if after == next {
                return Some(picked);
            }
            // ORDERING: nothing else is published with the index.
            match self
                .next
                .compare_exchange_weak(next, after, Relaxed, Relaxed)
            {
                Ok(_) => return Some(picked),
                Err(other) => next = other,
            }
        }
    }
}
