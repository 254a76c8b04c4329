// SPDX-License-Identifier: GPL-2.0

//! The data that the lock of a stripe guards.

use super::{
    buckets::{Buckets, KeepsBuckets},
    node::Node,
};

/// The arrays that writers must keep up to date. Its lock guards it.
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
unsafe impl<T> KeepsBuckets for Stripe<T> {}

impl<T: Send + Sync + 'static> Stripe<T> {
    /// The array that has every node of the stripe.
    pub(super) fn current(&self) -> &Buckets<T> {
        // SAFETY: By the type invariant; a resize frees no array that a stripe names.
        unsafe { &*self.current }
    }

    /// The array in which a change of a node of this hash must be made too, if there is one.
    fn future(&self, hash: u32) -> Option<&Buckets<T>> {
        // SAFETY: By the type invariant; a resize frees no array that a stripe names.
        let future = unsafe { self.future.as_ref() }?;
        (self.current().index(hash) < self.migrated).then_some(future)
    }

    /// Links a claimed node of this stripe into its chains.
    pub(super) fn link_in(&self, node: &Node<T>) {
        self.current().link_in(node, self);
        if let Some(future) = self.future(node.hash()) {
            future.link_in(node, self);
        }
    }

    /// Unlinks a node of this stripe. A reader at the node can still follow its links.
    ///
    /// Returns whether the node was linked.
    pub(super) fn unlink(&self, node: &Node<T>) -> bool {
        let was_there = self.current().unlink(node, self);
        let in_future = |future: &Buckets<T>| future.unlink(node, self);
        self.future(node.hash()).is_some_and(in_future) || was_there
    }
}
