// SPDX-License-Identifier: GPL-2.0

//! The node that links an object into a chain.

use core::{
    marker::PhantomData,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, AtomicU32, AtomicU8, Ordering},
};
use kernel::ffi::c_void;

use crate::{
    field::Field,
    rcu::{Guard, Ref},
};

/// Which of a node's two links an array of buckets uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    Even,
    Odd,
}

impl Parity {
    /// The other link.
    pub(super) fn other(self) -> Self {
        match self {
            Parity::Even => Parity::Odd,
            Parity::Odd => Parity::Even,
        }
    }
}

/// The node was never in a table.
const FRESH: u8 = 0;
/// The node is in a table.
const LINKED: u8 = 1;
/// The node was taken out of a table. Readers may still stand on it, so it stays as it is.
const REMOVED: u8 = 2;

/// One key under which a `T` can be found in a [`Table`](super::Table).
///
/// A node enters a table once; after its removal it is never used again. It enters as a [`Field`] of
/// its object, so that nobody can put another in its place.
///
/// # Invariants
///
/// From the time when the node enters a table, `hash` and `owner` do not change, and `owner` is
/// the raw pointer of the `Arc` whose object this node is part of. The node owns a reference to
/// that object while its state is `LINKED`.
pub struct Node<T> {
    even: AtomicPtr<Node<T>>,
    odd: AtomicPtr<Node<T>>,
    owner: AtomicPtr<c_void>,
    hash: AtomicU32,
    tag: u8,
    state: AtomicU8,
    _owner: PhantomData<*const T>,
}

// SAFETY: All of it is atomics, changed under the table's locks.
unsafe impl<T: Send + Sync> Send for Node<T> {}
// SAFETY: All of it is atomics; it gives `&T` of an object that is shared among threads.
unsafe impl<T: Send + Sync> Sync for Node<T> {}

impl<T: Send + Sync + 'static> Node<T> {
    /// A node that is in no table. `tag` tells the nodes of one object apart.
    pub const fn new(tag: u8) -> Self {
        Self {
            even: AtomicPtr::new(null_mut()),
            odd: AtomicPtr::new(null_mut()),
            owner: AtomicPtr::new(null_mut()),
            hash: AtomicU32::new(0),
            tag,
            state: AtomicU8::new(FRESH),
            _owner: PhantomData,
        }
    }

    /// The tag that the node was made with.
    #[inline]
    pub fn tag(&self) -> u8 {
        self.tag
    }

    /// Whether the node is in a table.
    #[inline]
    pub fn is_linked(&self) -> bool {
        self.state.load(Ordering::Relaxed) == LINKED
    }

    /// The hash that the node has, or will have, in a table.
    #[inline]
    pub(super) fn hash(&self) -> u32 {
        // ORDERING: Relaxed, as whoever finds the node in a chain loaded it with Acquire.
        self.hash.load(Ordering::Relaxed)
    }

    /// The address of the node, which orders the nodes of equal hash.
    #[inline]
    pub(super) fn address(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// The link that arrays of this parity use.
    #[inline]
    pub(super) fn next(&self, link: Parity) -> &AtomicPtr<Node<T>> {
        match link {
            Parity::Even => &self.even,
            Parity::Odd => &self.odd,
        }
    }

    /// Claims a fresh node of the object `owner`, before it enters a table.
    pub(super) fn claim(owner: Ref<'_, T>, node: Field<T, Self>, hash: u32) -> Option<&Self> {
        let node = node.of(owner.get());
        // ORDERING: Relaxed; linking the node with Release publishes it.
        let (new, old) = (LINKED, FRESH);
        let claim = node
            .state
            .compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
        if claim.is_err() {
            return None;
        }
        // INVARIANT: Nobody else has claimed the node, and it is part of the object.
        node.hash.store(hash, Ordering::Relaxed);
        node.owner
            .store(owner.as_raw().cast_mut(), Ordering::Relaxed);
        Some(node)
    }

    /// Marks the node as taken out of its table. The caller takes over the node's reference.
    pub(super) fn retire(&self) {
        self.state.store(REMOVED, Ordering::Relaxed);
    }

    /// The raw pointer of the object that the node is part of.
    #[inline]
    pub(super) fn owner_raw(&self) -> *const c_void {
        self.owner.load(Ordering::Relaxed)
    }

    /// The object that the node is part of.
    ///
    /// # Safety
    ///
    /// The node must have been found in a table during the read-side section of `guard`.
    #[inline]
    pub(super) unsafe fn owner<'g>(&self, guard: &'g Guard) -> Ref<'g, T> {
        // SAFETY: By the type invariant it is the raw pointer of an `Arc`. The table's reference
        // was there during the section, and `Arc` waits for its end.
        unsafe { Ref::from_raw(self.owner_raw(), guard) }
    }
}
