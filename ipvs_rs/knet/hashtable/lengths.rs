// SPDX-License-Identifier: GPL-2.0

//! The lengths of the buckets of a table.

/// The number of buckets of each length.
#[derive(Clone, Copy, Debug, Default)]
pub struct BucketLengths {
    /// Buckets without a node.
    pub empty: u64,
    /// Buckets with one node, with two nodes and so on. The last number counts all longer buckets too.
    pub by_length: [u64; 7],
}

impl BucketLengths {
    /// Counts a bucket of this length.
    pub(super) fn count(&mut self, length: usize) {
        let last = self.by_length.len().saturating_sub(1);
        let count = match length.checked_sub(1) {
            None => Some(&mut self.empty),
            Some(index) => self.by_length.get_mut(index.min(last)),
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
    }
}
