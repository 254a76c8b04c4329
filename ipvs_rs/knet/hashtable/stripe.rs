// SPDX-License-Identifier: GPL-2.0

//! The stripes of a table, and the data that the lock of each guards.

use core::{
    pin::Pin,
    ptr::slice_from_raw_parts_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{alloc::KBox, prelude::*};

use super::{
    buckets::{Buckets, KeepsBuckets},
    node::Node,
};
use crate::spinlock::SpinLockBh;

/// A stripe and its lock.
#[pin_data]
pub(super) struct LockedStripe<T> {
    #[pin]
    pub(super) stripe: SpinLockBh<Stripe<T>>,
}

/// All stripes of a table, or none before it has buckets.
///
/// # Invariants
///
/// `bits` is from 1 to 16. `first` is null, or the first of 2^`bits` stripes in a [`KBox`] that belongs to this value; then it does
/// not change.
pub(super) struct Stripes<T> {
    bits: u32,
    first: AtomicPtr<LockedStripe<T>>,
}

impl<T> Stripes<T> {
    /// None yet, and later 2^`bits`, or the nearest number that there may be.
    pub(super) fn none(bits: u32) -> Self {
        // INVARIANT: There are none, and `bits` is in its range.
        Self {
            bits: bits.clamp(1, 16),
            first: AtomicPtr::default(),
        }
    }

    /// The number of stripes that there are or will be, as a power of two.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// The same number.
    pub(super) fn count(&self) -> usize {
        1_usize.wrapping_shl(self.bits)
    }

    /// Sets the stripes. One caller at a time, which has seen that there are none.
    ///
    /// # Errors
    ///
    /// `EINVAL`, as there are some, or another number of them was wanted.
    pub(super) fn populate(&self, stripes: Pin<KBox<[LockedStripe<T>]>>) -> Result {
        if stripes.len() != self.count() || !self.first.load(Ordering::Relaxed).is_null() {
            return Err(EINVAL);
        }
        // SAFETY: They are not moved before they are dropped.
        let stripes = unsafe { Pin::into_inner_unchecked(stripes) };
        // INVARIANT: They were a box's, and are as many. Its memory belongs to this value from here on.
        let first = KBox::leak(stripes).as_mut_ptr();
        // ORDERING: Release, paired with the Acquire in `of` and `all`.
        self.first.store(first, Ordering::Release);
        Ok(())
    }

    /// The stripe of this hash, behind its lock.
    #[inline]
    pub(super) fn of(&self, hash: u32) -> Option<&SpinLockBh<Stripe<T>>> {
        // ORDERING: Acquire, paired with the Release in `populate`.
        let first = self.first.load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // CAST: A u32 fits.
        let index = hash.wrapping_shr(32_u32.wrapping_sub(self.bits)) as usize;
        // SAFETY: By the type invariant there are 2^bits stripes, and the upper `bits` bits of a hash are a number below that.
        let stripe = unsafe { first.add(index) };
        // SAFETY: It is one of them, which live as long as this value.
        Some(unsafe { &(*stripe).stripe })
    }

    /// All stripes, in the order of their hashes.
    pub(super) fn all(&self) -> &[LockedStripe<T>] {
        // ORDERING: Acquire, paired with the Release in `populate`.
        let first = self.first.load(Ordering::Acquire);
        if first.is_null() {
            return &[];
        }
        // SAFETY: By the type invariant there are so many, which live as long as this value.
        unsafe { core::slice::from_raw_parts(first, self.count()) }
    }
}

impl<T> Drop for Stripes<T> {
    fn drop(&mut self) {
        let first = *self.first.get_mut();
        if !first.is_null() {
            let all = slice_from_raw_parts_mut(first, self.count());
            // SAFETY: By the type invariant they are a box's that belongs to this value, which is not used again.
            drop(unsafe { KBox::from_raw(all) });
        }
    }
}

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
    #[inline]
    pub(super) fn unlink(&self, node: &Node<T>) -> bool {
        let was_there = self.current().unlink(node, self);
        let in_future = |future: &Buckets<T>| future.unlink(node, self);
        self.future(node.hash()).is_some_and(in_future) || was_there
    }
}
