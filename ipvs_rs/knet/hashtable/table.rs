// SPDX-License-Identifier: GPL-2.0

//! The table: searching, inserting, removing, walking, resizing.

use core::{
    ops::Range,
    pin::Pin,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{
    alloc::KBox,
    c_str, new_mutex,
    prelude::*,
    static_lock_class,
    sync::{LockClassKey, Mutex, SetOnce},
};

use super::{
    buckets::Buckets,
    node::{Node, Parity},
    stripe::Stripe,
};
use crate::{
    field::Field,
    rcu::{self, Arc, Guard, Ref},
    spinlock::SpinLockBh,
};

/// The lock of all resizes of a table.
///
/// Generic code, and the names in it, may be there once for each type, but lockdep wants one name for each
/// class. So this is not generic, and neither is [`stripe_class`].
#[inline(never)]
fn new_resizing() -> impl PinInit<Mutex<()>> {
    new_mutex!((), "knet_hashtable")
}

/// The name and the class of the lock of a stripe.
#[inline(never)]
fn stripe_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c_str!("knet_hashtable_stripe"), static_lock_class!())
}

/// Chains that a resize moves before it lets others have the lock of the stripe.
const CHAINS_AT_ONCE: usize = 64;

/// The node did not enter the table.
#[derive(Debug, PartialEq, Eq)]
pub enum InsertError {
    /// There is an object with that key.
    Exists,
    /// The table has no buckets, or the node was in a table before.
    Unusable,
}

/// A stripe and its lock.
#[pin_data]
struct LockedStripe<T> {
    #[pin]
    stripe: SpinLockBh<Stripe<T>>,
}

/// All stripes of a table.
type Stripes<T> = Pin<KBox<[LockedStripe<T>]>>;

/// A place in the order of all nodes of a table.
///
/// It stays meaningful whatever is inserted, removed or resized: a walk that follows it meets
/// each node that was in the table all the time exactly once.
#[derive(Clone, Copy, Default)]
pub struct Cursor {
    hash: u32,
    /// Everything of `hash` up to here is done.
    address: usize,
    finished: bool,
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
    fn count(&mut self, length: usize) {
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

/// A hash table of objects of type `T`.
///
/// It is empty and has no buckets at all until [`Table::resize`] is called for the first time.
///
/// # Invariants
///
/// `live` is null or the array that readers use. There are 2^`least_bits` stripes, once there are
/// any.
#[pin_data(PinnedDrop)]
pub struct Table<T: Send + Sync + 'static> {
    least_bits: u32,
    live: AtomicPtr<Buckets<T>>,
    stripes: SetOnce<Stripes<T>>,
    #[pin]
    resizing: Mutex<()>,
}

// SAFETY: `live` is to an array that the table owns; the objects are `Send + Sync`.
unsafe impl<T: Send + Sync> Send for Table<T> {}
// SAFETY: As above; changes are made under the locks of the stripes.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

impl<T: Send + Sync + 'static> Table<T> {
    /// A table without buckets, that will have at least 2^`least_bits`, and as many locks.
    pub fn new(least_bits: u32) -> impl PinInit<Self> {
        pin_init!(Self {
            least_bits: least_bits.clamp(1, 16),
            live: AtomicPtr::new(null_mut()),
            stripes: SetOnce::new(),
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

    /// The number of buckets is 2 to this power. [`None`] as long as there are none.
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

    /// The lock of the part of the hashes that this one is in.
    fn stripe(&self, hash: u32) -> Option<&SpinLockBh<Stripe<T>>> {
        // CAST: A u32 fits.
        let index = hash.wrapping_shr(32_u32.wrapping_sub(self.least_bits)) as usize;
        Some(&self.stripes.as_ref()?.get(index)?.stripe)
    }

    /// Lets `object` be found by its `node`, under `hash`.
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
        let stripe = self.stripe(hash).ok_or(InsertError::Unusable)?.lock();
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
    pub fn remove(&self, node: &Node<T>) -> Option<Arc<T>> {
        let hash = node.hash();
        let stripe = self.stripe(hash)?.lock();
        if !node.is_linked() {
            return None;
        }
        if !stripe.unlink(node) {
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
            match buckets.end(cursor.hash) {
                Some(hash) => (cursor.hash, cursor.address) = (hash, 0),
                None => cursor.finished = true,
            }
        }
        None
    }

    /// How many buckets are how long. May take long where there are many.
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

    /// Gives the table 2^`bits` buckets, or the least, while it is used. May sleep for long.
    ///
    /// # Errors
    ///
    /// `ENOMEM` or `EINVAL` (more than 2^31); the table stays as it was.
    pub fn resize(&self, bits: u32) -> Result {
        let _one_at_a_time = self.resizing.lock();
        let bits = bits.max(self.least_bits);
        let old = self.live.load(Ordering::Relaxed);
        // SAFETY: It is null or the live array, which only this function frees, under `resizing`.
        let link = match unsafe { old.as_ref() } {
            Some(old) if old.bits() == bits => return Ok(()),
            Some(old) => old.link().other(),
            None => Parity::Even,
        };
        let new = KBox::into_raw(Buckets::new(bits, link)?);
        // SAFETY: It is null or the live array, which this call has not freed yet.
        match unsafe { old.as_ref() } {
            None => self.start(new),
            Some(old) => {
                self.replace(old, new);
                Ok(())
            }
        }
    }

    /// Makes `new` the first array.
    fn start(&self, new: *mut Buckets<T>) -> Result {
        let (name, key) = stripe_class();
        let stripe = |_| {
            let stripe = Stripe {
                current: new,
                future: null_mut(),
                migrated: 0,
            };
            try_pin_init!(LockedStripe {
                stripe <- SpinLockBh::new(stripe, name, key),
            }? Error)
        };
        let stripes = KBox::pin_slice(
            stripe,
            1_usize.wrapping_shl(self.least_bits),
            GFP_KERNEL_ACCOUNT,
        );
        let stripes = stripes.inspect_err(|_| {
            // SAFETY: Nobody has seen the array.
            drop(unsafe { KBox::from_raw(new) });
        })?;
        self.stripes.populate(stripes);
        // ORDERING: Release, paired with `live`.
        self.live.store(new, Ordering::Release);
        Ok(())
    }

    /// Takes the table from the array `old` to the array `new`, and frees the old one.
    fn replace(&self, old: &Buckets<T>, new: *mut Buckets<T>) {
        let Some(stripes) = self.stripes.as_ref() else {
            return;
        };
        // Both sizes are at least the number of stripes, which is a power of two as they are.
        let chains = 1_usize.wrapping_shl(old.bits().wrapping_sub(self.least_bits));
        let mut first = 0;
        for stripe in stripes.iter() {
            let end = chains.wrapping_add(first);
            Self::migrate(&stripe.stripe, first..end, new);
            first = end;
        }
        // ORDERING: Release, paired with `live`: what was linked above is visible.
        self.live.store(new, Ordering::Release);
        rcu::synchronize();
        for stripe in stripes.iter() {
            let mut stripe = stripe.stripe.lock();
            // INVARIANT: All chains of the stripe are in `new`, and nobody reads the old array.
            stripe.current = new;
            stripe.future = null_mut();
            stripe.migrated = 0;
        }
        // SAFETY: It came from a `KBox`; no reader and no stripe knows it any more.
        drop(unsafe { KBox::from_raw(core::ptr::from_ref(old).cast_mut()) });
    }

    /// Links all nodes of one stripe up in `new`, a few chains at a time.
    fn migrate(stripe: &SpinLockBh<Stripe<T>>, chains: Range<usize>, new: *mut Buckets<T>) {
        let mut done = chains.start;
        while done < chains.end {
            let until = done.saturating_add(CHAINS_AT_ONCE).min(chains.end);
            let mut stripe = stripe.lock();
            stripe.future = new;
            // SAFETY: A resize frees no array that a stripe names.
            let future = unsafe { &*new };
            let current = stripe.current();
            for index in done..until {
                let mut at = current.chain(index);
                while let Some(node) = at.and_then(|at| current.follow(at, &*stripe)) {
                    future.link_in(node, &stripe);
                    at = Some(node.next(current.link()));
                }
            }
            stripe.migrated = until;
            done = until;
        }
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
