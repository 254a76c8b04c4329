// SPDX-License-Identifier: GPL-2.0

//! Which real server gets a new connection: one file for each algorithm.
//!
//! An algorithm sees the servers of one service as a slice, the newest first. That is the order
//! in which users see them, and in which the C module goes through them.

pub mod rr;
pub mod wlc;

/// What an algorithm may know about a real server.
///
/// The numbers may change at any time, but an algorithm that asks twice and gets two answers must
/// not break by it.
pub trait Server {
    /// The weight, at most `i32::MAX`; 0 gets no new connections.
    fn weight(&self) -> u32;
    /// Whether it has too many connections to get new ones.
    fn is_overloaded(&self) -> bool;
    /// Connections that count as active.
    fn active(&self) -> u32;
    /// All connections.
    fn total(&self) -> u32;

    /// Whether it may get new connections.
    #[inline]
    fn is_eligible(&self) -> bool {
        !self.is_overloaded() && self.weight() > 0
    }

    /// How busy it is: an active connection counts as much as 257 inactive ones.
    ///
    /// The C module computes in 32 bits, which overflow at eight million active connections.
    #[inline]
    fn overhead(&self) -> u64 {
        u64::from(self.active())
            .wrapping_shl(8)
            .wrapping_add(self.total().into())
    }
}

/// How the servers of a service became what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In a way that tells nothing about single servers.
    Rebuilt,
    /// The server at this index is new; those from there on were one place earlier.
    Inserted(usize),
    /// The server at this index is gone; those behind it were one place later.
    Removed(usize),
    /// The server at this index has other settings.
    Updated(usize),
}
