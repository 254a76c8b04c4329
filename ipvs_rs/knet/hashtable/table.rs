// SPDX-License-Identifier: GPL-2.0

//! The table: search, insertion, removal, walks.

use core::{
    pin::Pin,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{alloc::KBox, prelude::*, sync::Mutex};

use super::{
    buckets::Buckets, cursor::Cursor, lengths::BucketLengths, node::Node, resize::new_resizing,
    stripe::Stripes,
};
use crate::{
    field::Field,
    rcu::{self, Arc, Guard, Ref},
};

/// The node did not enter the table.
#[derive(Debug, PartialEq, Eq)]
pub enum InsertError {
    /// The table has an object with this key already.
    Exists,
    /// The table has no buckets, or the node was in a table before.
    Unusable,
}

/// A hash table of objects of type `T`.
///
/// It is empty and has no buckets at all until [`Table::resize`] is called for the first time.
///
/// # Invariants
///
/// `live` is null or the array that readers use.
#[pin_data(PinnedDrop)]
pub struct Table<T: Send + Sync + 'static> {
    pub(super) live: AtomicPtr<Buckets<T>>,
    pub(super) stripes: Stripes<T>,
    #[pin]
    pub(super) resizing: Mutex<()>,
}

// SAFETY: `live` is to an array that the table owns; the objects are `Send + Sync`.
unsafe impl<T: Send + Sync> Send for Table<T> {}
// SAFETY: As above; changes are made under the locks of the stripes.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

impl<T: Send + Sync + 'static> Table<T> {
    /// A table without buckets. It will have at least 2^`least_bits` buckets, and as many locks.
    pub fn new(least_bits: u32) -> impl PinInit<Self> {
        pin_init!(Self {
            live: AtomicPtr::new(null_mut()),
            stripes: Stripes::none(least_bits),
            resizing <- new_resizing(),
        })
    }

    /// The array that readers use now.
    #[inline]
    fn live<'g>(&'g self, _guard: &'g Guard) -> Option<&'g Buckets<T>> {
        // ORDERING: Acquire, paired with the Release in `resize`.
        let live = self.live.load(Ordering::Acquire);
        // SAFETY: By the type invariant; a resize waits for a grace period before it frees it.
        unsafe { live.as_ref() }
    }

    /// The number of buckets as a power of two; [`None`] while the table has no buckets.
    #[inline]
    pub fn bits(&self) -> Option<u32> {
        self.live(&rcu::read_lock()).map(Buckets::bits)
    }

    /// The object that has a node with this hash for which `is_it` holds.
    ///
    /// `is_it` is given the object and the tag of the node.
    #[inline]
    pub fn find<'g>(
        &'g self,
        hash: u32,
        guard: &'g Guard,
        is_it: impl FnMut(&T, u8) -> bool,
    ) -> Option<(Ref<'g, T>, u8)> {
        self.live(guard)?.find(hash, guard, is_it)
    }

    /// Inserts `object` by its `node`, so that a search for `hash` finds it.
    ///
    /// # Errors
    ///
    /// [`InsertError::Exists`] if there is a node with this hash for which `is_same` holds.
    /// Nothing has changed then.
    pub fn insert(
        &self,
        object: &Arc<T>,
        node: Field<T, Node<T>>,
        hash: u32,
        guard: &Guard,
        is_same: impl FnMut(&T, u8) -> bool,
    ) -> Result<(), InsertError> {
        let stripe = self.stripes.of(hash).ok_or(InsertError::Unusable)?.lock();
        if stripe.current().find(hash, guard, is_same).is_some() {
            return Err(InsertError::Exists);
        }
        let node = Node::claim(object.as_ref(), node, hash).ok_or(InsertError::Unusable)?;
        // INVARIANT: The node owns the reference that is given away here.
        let _: *const _ = object.clone().into_raw();
        stripe.link_in(node);
        Ok(())
    }

    /// Takes a node out of the table and returns the reference that it held.
    ///
    /// Returns [`None`] if the node is not in this table, or another CPU just took it out.
    #[inline]
    pub fn remove(&self, node: &Node<T>) -> Option<Arc<T>> {
        let stripe = self.stripes.of(node.hash())?.lock();
        if !node.is_linked() || !stripe.unlink(node) {
            return None;
        }
        node.retire();
        // SAFETY: By the invariant of `Node` it held this reference until it was unlinked.
        Some(unsafe { Arc::from_raw(node.owner_raw()) })
    }

    /// The object of the first node behind `cursor`, which is moved there.
    pub fn next<'g>(&'g self, cursor: &mut Cursor, guard: &'g Guard) -> Option<(Ref<'g, T>, u8)> {
        let buckets = self.live(guard)?;
        while !cursor.finished {
            let mut at = buckets.head(cursor.hash);
            while let Some(node) = buckets.follow(at, guard) {
                if (node.hash(), node.address()) > (cursor.hash, cursor.address) {
                    (cursor.hash, cursor.address) = (node.hash(), node.address());
                    // SAFETY: The node was found in the table during the section.
                    return Some((unsafe { node.owner(guard) }, node.tag()));
                }
                at = node.next(buckets.link());
            }
            match buckets.next_filled(cursor.hash) {
                Some(hash) => (cursor.hash, cursor.address) = (hash, 0),
                None => cursor.finished = true,
            }
        }
        None
    }

    /// The number of buckets of each length. Takes long for a large table.
    pub fn lengths(&self) -> BucketLengths {
        let mut lengths = BucketLengths::default();
        let mut next = Some(0);
        while let Some(hash) = next {
            // A section for each bucket, so that none is long.
            let guard = rcu::read_lock();
            let Some(buckets) = self.live(&guard) else {
                break;
            };
            let mut length = 0_usize;
            let mut at = buckets.head(hash);
            while let Some(node) = buckets.follow(at, &*guard) {
                length = length.saturating_add(1);
                at = node.next(buckets.link());
            }
            lengths.count(length);
            next = buckets.end(hash);
        }
        lengths
    }
}

#[pinned_drop]
impl<T: Send + Sync + 'static> PinnedDrop for Table<T> {
    fn drop(self: Pin<&mut Self>) {
        let guard = rcu::read_lock();
        let mut cursor = Cursor::default();
        while let Some((object, _)) = self.next(&mut cursor, &guard) {
            // SAFETY: By the invariant of `Node` each has a reference, and the table is no more.
            // The nodes stay allocated, and the walk can go on, until `guard` is dropped.
            drop(unsafe { Arc::<T>::from_raw(object.as_raw()) });
        }
        let live = self.live.load(Ordering::Relaxed);
        if !live.is_null() {
            // SAFETY: It came from a `KBox`, and nobody else knows the table.
            drop(unsafe { KBox::from_raw(live) });
        }
    }
}
