// SPDX-License-Identifier: GPL-2.0

//! An array of chains.

use core::{
    ops::Range,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{
    alloc::{KBox, KVVec},
    prelude::*,
};

use super::{
    node::{Node, Parity},
    stripe::Stripe,
};
use crate::{
    rcu::{Guard, Ref},
    vec::null_pointers,
};

/// Evidence that the nodes which can be seen now are not freed while it is borrowed.
///
/// # Safety
///
/// While a value is borrowed, no node is freed that was in a chain meanwhile; of a stripe's lock: in
/// a chain of that stripe.
pub(super) unsafe trait KeepsBuckets {}

// SAFETY: A node is freed a grace period after it was unlinked, which the section delays.
unsafe impl KeepsBuckets for Guard {}

/// The chains of a table at one size.
///
/// # Invariants
///
/// `heads` has 2^(32 - `shift`) elements. Every chain is in the order of (hash, address), and
/// linked through the links named by `link`. Every node in it stays allocated until a grace
/// period after it was unlinked.
pub(super) struct Buckets<T> {
    link: Parity,
    shift: u32,
    heads: KVVec<AtomicPtr<Node<T>>>,
}

impl<T: Send + Sync + 'static> Buckets<T> {
    /// 2^`bits` empty chains, with `bits` from 1 to 31. May sleep.
    pub(super) fn new(bits: u32, link: Parity) -> Result<KBox<Self>> {
        let shift = 32_u32.checked_sub(bits).ok_or(EINVAL)?;
        let count = 1_usize.checked_shl(bits).ok_or(EINVAL)?;
        if shift == 0 || shift == 32 {
            return Err(EINVAL);
        }
        let heads = null_pointers(count)?;
        // INVARIANT: There are 2^bits heads, and all chains are empty.
        Ok(KBox::new(Self { link, shift, heads }, GFP_KERNEL_ACCOUNT)?)
    }

    /// The link that these chains use.
    pub(super) fn link(&self) -> Parity {
        self.link
    }

    /// The number of chains as a power of two.
    pub(super) fn bits(&self) -> u32 {
        32_u32.wrapping_sub(self.shift)
    }

    /// The chain that holds nodes of this hash.
    #[inline]
    pub(super) fn index(&self, hash: u32) -> usize {
        // CAST: A u32 fits.
        hash.wrapping_shr(self.shift) as usize
    }

    /// The hash that follows all of the chain of `hash`, or [`None`] if that is the last chain.
    #[inline]
    pub(super) fn end(&self, hash: u32) -> Option<u32> {
        (hash | 1_u32.wrapping_shl(self.shift).wrapping_sub(1)).checked_add(1)
    }

    /// The lowest hash of the first chain behind that of `hash` which is not empty, or [`None`] if there is none.
    #[inline]
    pub(super) fn next_filled(&self, hash: u32) -> Option<u32> {
        let next = self.index(hash).wrapping_add(1);
        let mut behind = self.heads.get(next..)?.iter();
        let empty = behind.position(|head| !head.load(Ordering::Relaxed).is_null())?;
        // CAST: There are at most 2^31 chains.
        Some((next.wrapping_add(empty) as u32).wrapping_shl(self.shift))
    }

    /// The beginning of the chain that holds nodes of this hash.
    #[inline]
    pub(super) fn head(&self, hash: u32) -> &AtomicPtr<Node<T>> {
        // SAFETY: By the type invariant: a hash shifted by `shift` is below 2^(32 - shift).
        unsafe { self.heads.get_unchecked(self.index(hash)) }
    }

    /// The beginnings of the chains with these numbers.
    pub(super) fn chains(&self, numbers: Range<usize>) -> &[AtomicPtr<Node<T>>] {
        self.heads.get(numbers).unwrap_or_default()
    }

    /// The node that `at` points to.
    #[inline]
    pub(super) fn follow<'a>(
        &'a self,
        at: &'a AtomicPtr<Node<T>>,
        _keeps: &'a impl KeepsBuckets,
    ) -> Option<&'a Node<T>> {
        // ORDERING: Acquire, paired with the Release stores in `link_in`.
        let node = at.load(Ordering::Acquire);
        // SAFETY: `at` is null or points to a node that was in the chain just now; `_keeps` lets it
        // stay allocated.
        unsafe { node.as_ref() }
    }

    /// The object that has a node with this hash for which `is_it` holds.
    #[inline]
    pub(super) fn find<'g>(
        &'g self,
        hash: u32,
        guard: &'g Guard,
        mut is_it: impl FnMut(&T, u8) -> bool,
    ) -> Option<(Ref<'g, T>, u8)> {
        let mut at = self.head(hash);
        while let Some(node) = self.follow(at, guard) {
            let found = node.hash();
            if found > hash {
                break;
            }
            if found == hash {
                // SAFETY: The node was found in the table during the section of `guard`.
                let object = unsafe { node.owner(guard) };
                if is_it(object.get(), node.tag()) {
                    return Some((object, node.tag()));
                }
            }
            at = node.next(self.link);
        }
        None
    }

    /// The link to the first node that is not before `of`.
    #[inline]
    fn position<'a>(&'a self, of: &Node<T>, lock: &'a Stripe<T>) -> &'a AtomicPtr<Node<T>> {
        let (hash, address) = (of.hash(), of.address());
        let mut at = self.head(hash);
        while let Some(node) = self.follow(at, lock) {
            if (node.hash(), node.address()) >= (hash, address) {
                break;
            }
            at = node.next(self.link);
        }
        at
    }

    /// Links a claimed node of the stripe `lock` into its chain.
    pub(super) fn link_in(&self, node: &Node<T>, lock: &Stripe<T>) {
        let at = self.position(node, lock);
        // ORDERING: Relaxed; the Release store below publishes it.
        node.next(self.link)
            .store(at.load(Ordering::Relaxed), Ordering::Relaxed);
        // ORDERING: Release, paired with the Acquire in `follow`.
        at.store(core::ptr::from_ref(node).cast_mut(), Ordering::Release);
    }

    /// Unlinks a node of the stripe `lock`. A reader at the node can still follow its link.
    ///
    /// Returns whether the node was linked.
    #[inline]
    pub(super) fn unlink(&self, node: &Node<T>, lock: &Stripe<T>) -> bool {
        let at = self.position(node, lock);
        if !core::ptr::eq(at.load(Ordering::Relaxed), node) {
            return false;
        }
        // ORDERING: Release, as a reader that follows this link may not have seen the successor before.
        at.store(
            node.next(self.link).load(Ordering::Relaxed),
            Ordering::Release,
        );
        true
    }
}
