// SPDX-License-Identifier: GPL-2.0

//! The resize of a table while it is in use.

use core::{ops::Range, pin::Pin, ptr::null_mut, sync::atomic::Ordering};
use kernel::{
    alloc::KBox,
    c_str, new_mutex,
    prelude::*,
    static_lock_class,
    sync::{LockClassKey, Mutex},
};

use super::{
    buckets::Buckets,
    node::Parity,
    stripe::{LockedStripe, Stripe},
    table::Table,
};
use crate::{rcu, spinlock::SpinLockBh};

/// The lock of all resizes of a table.
///
/// The compiler may copy generic code and its strings for each type, but lockdep needs one name for each
/// class. So this function and [`stripe_class`] are not generic.
#[inline(never)]
pub(super) fn new_resizing() -> impl PinInit<Mutex<()>> {
    new_mutex!((), "knet_hashtable")
}

/// The name and the class of the lock of a stripe.
#[inline(never)]
fn stripe_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c_str!("knet_hashtable_stripe"), static_lock_class!())
}

/// The number of chains that a resize moves before it releases the lock of the stripe for others.
const CHAINS_AT_ONCE: usize = 64;

impl<T: Send + Sync + 'static> Table<T> {
    /// Resizes the table to 2^`bits` buckets, or to its minimum, while it is in use. May sleep for long.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EINVAL` for more than 2^31 buckets. The table keeps its size then.
    pub fn resize(&self, bits: u32) -> Result {
        let _one_at_a_time = self.resizing.lock();
        let bits = bits.max(self.stripes.bits());
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
        let made = KBox::pin_slice(stripe, self.stripes.count(), GFP_KERNEL_ACCOUNT);
        made.and_then(|stripes| self.stripes.populate(stripes))
            .inspect_err(|_| {
                // SAFETY: Nobody has seen the array.
                drop(unsafe { KBox::from_raw(new) });
            })?;
        // ORDERING: Release, paired with `live`.
        self.live.store(new, Ordering::Release);
        Ok(())
    }

    /// Moves the table from the array `old` to the array `new`, and frees `old`.
    fn replace(&self, old: &Buckets<T>, new: *mut Buckets<T>) {
        let stripes = self.stripes.all();
        // Both sizes are at least the number of stripes, which is a power of two as they are.
        let chains = 1_usize.wrapping_shl(old.bits().wrapping_sub(self.stripes.bits()));
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

    /// Links all nodes of one stripe into `new`, a few chains at a time.
    fn migrate(stripe: &SpinLockBh<Stripe<T>>, chains: Range<usize>, new: *mut Buckets<T>) {
        let mut done = chains.start;
        while done < chains.end {
            let until = done.saturating_add(CHAINS_AT_ONCE).min(chains.end);
            let mut stripe = stripe.lock();
            stripe.future = new;
            // SAFETY: A resize frees no array that a stripe names.
            let future = unsafe { &*new };
            let current = stripe.current();
            for head in current.chains(done..until) {
                let mut at = head;
                while let Some(node) = current.follow(at, &*stripe) {
                    future.link_in(node, &stripe);
                    at = node.next(current.link());
                }
            }
            stripe.migrated = until;
            done = until;
        }
    }
}
