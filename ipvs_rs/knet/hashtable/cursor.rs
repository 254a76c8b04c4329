// SPDX-License-Identifier: GPL-2.0

//! A position between two nodes of a table.

/// A position in the order of all nodes of a table.
///
/// It stays valid after insertions, removals and resizes. A walk with a cursor finds each node that stays
/// in the table during the whole walk exactly once.
#[derive(Clone, Copy, Default)]
pub struct Cursor {
    pub(super) hash: u32,
    /// The walk has passed the nodes of `hash` up to this address.
    pub(super) address: usize,
    pub(super) finished: bool,
}

impl Cursor {
    /// The position before all nodes of this hash.
    pub const fn before(hash: u32) -> Self {
        Self {
            hash,
            address: 0,
            finished: false,
        }
    }

    /// A hash from that of the node before this position up to that of the node after it.
    pub const fn hash(&self) -> u32 {
        self.hash
    }
}
