// SPDX-License-Identifier: GPL-2.0

//! A place between two nodes of a table.

/// A place in the order of all nodes of a table.
///
/// It stays meaningful whatever is inserted, removed or resized: a walk that follows it meets
/// each node that was in the table all the time exactly once.
#[derive(Clone, Copy, Default)]
pub struct Cursor {
    pub(super) hash: u32,
    /// Everything of `hash` up to here is done.
    pub(super) address: usize,
    pub(super) finished: bool,
}

impl Cursor {
    /// The place before all nodes of this hash.
    pub const fn before(hash: u32) -> Self {
        Self {
            hash,
            address: 0,
            finished: false,
        }
    }

    /// The hash of the node behind which this place is, or one between that and the next.
    pub const fn hash(&self) -> u32 {
        self.hash
    }
}
