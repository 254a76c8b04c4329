// SPDX-License-Identifier: GPL-2.0

//! How long the buckets of a table are.

/// How many buckets of a table are how long.
#[derive(Clone, Copy, Debug, Default)]
pub struct BucketLengths {
    /// Buckets without a node.
    pub empty: u64,
    /// Buckets with one node, with two and so on; the last number is that of all longer ones.
    pub by_length: [u64; 7],
}

impl BucketLengths {
    /// Takes account of a bucket.
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
