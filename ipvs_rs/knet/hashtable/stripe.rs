// SPDX-License-Identifier: GPL-2.0

//! What the lock of a part of the hashes guards.

use super::{
    buckets::{Buckets, Keeps},
    node::Node,
};

/// Which arrays writers must keep up to date. It is only seen through its lock.
///
/// # Invariants
///
/// `current` is the array that readers use or used until less than a grace period ago. `future`
/// is null, or the array that they will use or use already; all chains of `current` in this
/// stripe with an index below `migrated` are linked up in it.
pub(super) struct Stripe<T> {
    pub(super) current: *mut Buckets<T>,
    pub(super) future: *mut Buckets<T>,
    pub(super) migrated: usize,
}

// SAFETY: The pointers are to arrays that the table owns, and that are shared by design.
unsafe impl<T: Send + Sync> Send for Stripe<T> {}

// SAFETY: Nodes of the stripe are unlinked only under its lock, and freed after that.
unsafe impl<T> Keeps for Stripe<T> {}

impl<T: Send + Sync + 'static> Stripe<T> {
    /// The array that has every node of the stripe.
    pub(super) fn current(&self) -> &Buckets<T> {
        // SAFETY: By the type invariant; a resize frees no array that a stripe names.
        unsafe { &*self.current }
    }

    /// The array that a change of a node of this hash must be made in, too.
    fn future(&self, hash: u32) -> Option<&Buckets<T>> {
        // SAFETY: By the type invariant; a resize frees no array that a stripe names.
        let future = unsafe { self.future.as_ref() }?;
        (self.current().index(hash) < self.migrated).then_some(future)
    }

    /// Puts a claimed node of this stripe where it belongs.
    pub(super) fn link_in(&self, node: &Node<T>) {
        self.current().link_in(node, self);
        if let Some(future) = self.future(node.hash()) {
            future.link_in(node, self);
        }
    }

    /// Takes a node of this stripe out. Readers that stand on it go on from it.
    ///
    /// Returns whether it was there.
    pub(super) fn unlink(&self, node: &Node<T>) -> bool {
        let was_there = self.current().unlink(node, self);
        let in_future = |future: &Buckets<T>| future.unlink(node, self);
        self.future(node.hash()).is_some_and(in_future) || was_there
    }
}
