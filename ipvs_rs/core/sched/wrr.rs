// SPDX-License-Identifier: GPL-2.0

//! Weighted round robin: the servers take turns, and those with more weight have more turns.
//!
//! A round goes through *levels*, from the greatest weight down to 1 in steps of the greatest
//! common divisor of the weights. At each level each server of at least that weight has one turn:
//!
//! ```text
//!   weights 4, 3, 2    level 4: a    level 3: a b    level 2: a b c    level 1: a b c
//! ```

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Server;

/// Whose turn it is.
///
/// All CPUs share it without a lock. A pick is one successful exchange of the turn, so packets that
/// arrive at the same time get different turns.
#[derive(Debug, Default)]
pub struct WeightedRoundRobin {
    /// The last [`Turn`].
    turn: AtomicU64,
    /// The level at which a round begins; 0 if all weights are 0.
    top: u32,
    /// The distance from one level to the next.
    step: u32,
}

/// A place in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    level: u32,
    /// The number of servers that have had their turn at this level.
    done: u32,
}

impl Turn {
    const fn from_bits(bits: u64) -> Self {
        // CAST: The two halves.
        Self {
            level: (bits >> 32) as u32,
            done: bits as u32,
        }
    }

    const fn bits(self) -> u64 {
        // CAST: A u32 fits.
        ((self.level as u64) << 32) | self.done as u64
    }
}

impl WeightedRoundRobin {
    /// The state for these servers.
    ///
    /// As in the C module, the turns continue with the first server, at a level near the last one.
    pub fn new<S: Server>(servers: &[S], previous: Option<&Self>) -> Self {
        let weights = || servers.iter().map(S::weight).filter(|&weight| weight > 0);
        let step = weights().fold(0, gcd).max(1);
        let most = weights().max().unwrap_or(0);
        let top = most.saturating_sub(step.wrapping_sub(1));
        let before = previous.map_or(0, |previous| {
            Turn::from_bits(previous.turn.load(Relaxed)).level
        });
        let level = match before {
            0 => top,
            level if level > top => top,
            level if step > 1 => {
                let above = level.checked_rem(step).unwrap_or(0);
                level.wrapping_sub(above).saturating_add(1)
            }
            level => level,
        };
        Self {
            turn: AtomicU64::new(Turn { level, done: 0 }.bits()),
            top,
            step,
        }
    }

    /// The index of the server whose turn it is; [`None`] if no server is eligible.
    #[inline]
    pub fn pick<S: Server>(&self, servers: &[S]) -> Option<usize> {
        if self.top == 0 {
            return None;
        }
        let mut bits = self.turn.load(Relaxed);
        loop {
            let turn = Turn::from_bits(bits);
            let found = self.next(servers, turn);
            let (next, picked) = match found {
                Some((next, index)) => (next, Some(index)),
                None => (self.after_none(turn), None),
            };
            if next == turn {
                return picked;
            }
            // ORDERING: nothing else is published with the turn.
            match self
                .turn
                .compare_exchange_weak(bits, next.bits(), Relaxed, Relaxed)
            {
                Ok(_) => return picked,
                Err(other) => bits = other,
            }
        }
    }

    /// Whether a server has a weight above 0. If so, no server is eligible only when all such servers
    /// are overloaded.
    pub const fn has_weights(&self) -> bool {
        self.top > 0
    }

    /// The turn after `turn`, and the index of the server that has it.
    #[inline]
    fn next<S: Server>(&self, servers: &[S], turn: Turn) -> Option<(Turn, usize)> {
        if let Some(found) = at_level(servers, turn) {
            return Some(found);
        }
        // Levels above all weights are skipped, so this ends soon with any weights.
        let most = servers
            .iter()
            .filter(|server| !server.is_overloaded())
            .map(S::weight)
            .max()
            .filter(|&weight| weight > 0)?;
        let reached = floor(most, self.step).min(self.top);
        let level = match turn.level.saturating_sub(self.step) {
            0 => reached,
            below => below.min(reached),
        };
        at_level(servers, Turn { level, done: 0 })
    }

    /// The turn to continue with when no server was eligible: the same turn at the lowest level,
    /// otherwise the first turn of a new round. As in the C module.
    fn after_none(&self, turn: Turn) -> Turn {
        match turn.level <= self.step && turn.done > 0 {
            true => turn,
            false => Turn {
                level: self.top,
                done: 0,
            },
        }
    }
}

/// The next turn at the level of `turn`, and the index of the server that has it.
#[inline]
fn at_level<S: Server>(servers: &[S], turn: Turn) -> Option<(Turn, usize)> {
    // CAST: A u32 fits.
    let rest = turn.done as usize..servers.len();
    let reaches = |server: &S| server.weight() >= turn.level && !server.is_overloaded();
    let index = rest
        .into_iter()
        .find(|&index| servers.get(index).is_some_and(reaches))?;
    let done = u32::try_from(index.saturating_add(1)).ok()?;
    Some((Turn { done, ..turn }, index))
}

/// The highest level that a server of this weight reaches. Each level is a multiple of `step` plus
/// one.
const fn floor(weight: u32, step: u32) -> u32 {
    match weight.saturating_sub(1).checked_rem(step) {
        Some(above) => weight.saturating_sub(above),
        None => weight,
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
pub(super) fn gcd(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}
