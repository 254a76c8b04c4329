// SPDX-License-Identifier: GPL-2.0

//! Objects whose last reference is gone, and that wait for the same grace period.
//!
//! `call_rcu` and what comes of it cost 150 instructions for each object. Of a type that has many objects and ends many at
//! a time ([`Gathered`]), dozens wait with one call:
//!
//! ```text
//!            the first object               more objects                   as many as there may be
//!   idle ───────────────────────> watched ───────────────> gathering(n) ──────────────────────────> watched
//!    ^    call_rcu: a watcher      │   ^                      │             call_rcu for these
//!    │                             │   │                      │
//!    └─────────────────────────────┘   └──────────────────────┘
//!      the grace period of the           the same, and some wait:
//!      watcher is over                   call_rcu for these, which are the next watcher
//! ```
//!
//! A *watcher* is the object, or the objects, whose callback looks for those that gathered meanwhile. While an object gathers there
//! is a watcher, or a read-side section in which one is about to wait. So each object is dropped by the callback of its own call, or of
//! the one behind that; and whoever waits for a grace period (`synchronize_rcu`), and then for callbacks (`rcu_barrier`) until they
//! drop nothing more, has waited for all objects, as [`OpenedCache`](crate::slab::OpenedCache) and the end of a module do.
//!
//! # Locks
//!
//! None. One word has the address of the object that came last, and in the lower bits, which are 0 in an address, how many gather
//! and one for the watcher. Objects gather and are taken by exchanges of that word; whoever has taken them has them alone.

use core::{
    marker::PhantomData,
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use ipvs_sys as bindings;

use super::arc::{self, Inner};
use crate::rcu;

/// An object that gathers with others of its type when its last reference is gone.
pub trait Gathered: Sized + Send + Sync + 'static {
    /// The objects are at multiples of this power of two. So many less one are dropped by one callback at most.
    const ALIGN: usize;

    /// Those that wait: one and the same value in all calls.
    fn retired() -> &'static Retired<Self>;
}

/// The objects of one type that gather.
///
/// # Invariants
///
/// `last` is null, or a multiple of [`Gathered::ALIGN`], null or the head of an object, and a number from 1 to `ALIGN` - 1. Behind
/// that object are others, by the `next` of their heads, up to null; none of them has a reference, and whoever takes them out of
/// `last` has them alone.
pub struct Retired<T: Gathered> {
    last: AtomicPtr<bindings::callback_head>,
    _objects: PhantomData<fn() -> T>,
}

/// There is a watcher, and nothing gathers.
const WATCHED: *mut bindings::callback_head =
    null_mut::<bindings::callback_head>().wrapping_byte_add(1);

impl<T: Gathered> Retired<T> {
    /// The bits of the number.
    const NUMBER: usize = {
        assert!(T::ALIGN.is_power_of_two() && T::ALIGN > 1);
        T::ALIGN - 1
    };

    /// Nothing has ended yet.
    #[allow(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        // INVARIANT: It is null.
        Self {
            last: AtomicPtr::new(null_mut()),
            _objects: PhantomData,
        }
    }

    /// Whether nothing waits for a callback. Models ask; what is true now need not be so a moment later.
    pub fn is_idle(&self) -> bool {
        self.last.load(Relaxed).is_null()
    }

    /// The number and the address in a word.
    #[inline]
    fn parts(word: *mut bindings::callback_head) -> (usize, *mut bindings::callback_head) {
        // CAST: An address as a number.
        let number = word as usize & Self::NUMBER;
        (number, word.wrapping_byte_sub(number))
    }

    /// Lets the object of `head` wait for a grace period, and drops it after that.
    ///
    /// # Safety
    ///
    /// `head` must be the first field of an [`Inner<T>`] in memory of a box, at a multiple of [`Gathered::ALIGN`], whose last
    /// reference is gone, which is known to nobody else but readers.
    unsafe fn add(&self, head: *mut bindings::callback_head) {
        let mut word = self.last.load(Relaxed);
        loop {
            let (number, before) = Self::parts(word);
            // SAFETY: By the contract the object is live.
            let behind = unsafe { &raw mut (*head).next };
            // SAFETY: By the contract the head is this call's, until an exchange below gives it away.
            unsafe { behind.write(before) };
            let added = if number == 0 || number == Self::NUMBER {
                // SAFETY: By the contract, and `next` was just written.
                unsafe { self.lead(word, head) }
            } else {
                // INVARIANT: The head is followed by those that were there. ORDERING: Release, paired with the Acquire of the exchange
                // that takes them.
                let next = head.wrapping_byte_add(number.wrapping_add(1));
                let added = self
                    .last
                    .compare_exchange_weak(word, next, Release, Relaxed);
                added.map(drop)
            };
            match added {
                Ok(()) => return,
                Err(other) => word = other,
            }
        }
    }

    /// Lets the object of `head` and those that gather in `word` wait by a call of their own, and be watched if there was no watcher.
    ///
    /// # Errors
    ///
    /// What is in the place of `word` now: nothing was done.
    ///
    /// # Safety
    ///
    /// As of [`add`](Self::add), and `next` of the head must be the address in `word`.
    #[inline(never)]
    unsafe fn lead(
        &self,
        word: *mut bindings::callback_head,
        head: *mut bindings::callback_head,
    ) -> Result<(), *mut bindings::callback_head> {
        // Others rely on the watcher that this call makes, and may be waited for before it has: a grace period ends after this section.
        let _section = rcu::read_lock();
        // ORDERING: Acquire, paired with the Release in `add`, as those that gather are taken.
        self.last
            .compare_exchange_weak(word, WATCHED, Acquire, Relaxed)?;
        let then = match word.is_null() {
            true => watch::<T>,
            false => free_all::<T>,
        };
        // SAFETY: The exchange has not given the head away, and has taken those behind it.
        unsafe { wait::<T>(head, then) };
        Ok(())
    }

    /// Lets those that have gathered be the next watcher. To be called by the callback of the last one.
    fn pass_on(&self) {
        let mut word = self.last.load(Relaxed);
        loop {
            let (_, last) = Self::parts(word);
            let next = match last.is_null() {
                true => null_mut(),
                false => WATCHED,
            };
            // ORDERING: Acquire, paired with the Release in `add`.
            match self
                .last
                .compare_exchange_weak(word, next, Acquire, Relaxed)
            {
                Err(other) => word = other,
                Ok(_) if last.is_null() => return,
                // SAFETY: By the type invariant these are objects without a reference, which the exchange has taken.
                Ok(_) => return unsafe { wait::<T>(last, watch::<T>) },
            }
        }
    }
}

/// What the head of an object has in `func` as long as it has references.
///
/// # Safety
///
/// As of [`Retired::add`].
pub(super) unsafe extern "C" fn retire<T: Gathered>(head: *mut bindings::callback_head) {
    // SAFETY: By the contract.
    unsafe { T::retired().add(head) };
}

/// The head behind this one.
///
/// # Safety
///
/// It must be the head of a live object, which [`Retired::add`] has set, and which the caller has alone.
unsafe fn next_of(head: *mut bindings::callback_head) -> *mut bindings::callback_head {
    // SAFETY: By the contract the object is live.
    let next = unsafe { &raw const (*head).next };
    // SAFETY: By the contract it was set, and nobody writes it.
    unsafe { next.read() }
}

/// Calls `then` for an object and those behind it after a grace period.
///
/// # Safety
///
/// They must be objects without a reference, linked as in [`Retired`], which the caller has alone.
unsafe fn wait<T: Gathered>(
    head: *mut bindings::callback_head,
    then: unsafe extern "C" fn(*mut bindings::callback_head),
) {
    // SAFETY: By the contract the object is live, and nobody else uses its head.
    let behind = unsafe { next_of(head) };
    // SAFETY: By the contract it is the head of an `Inner<T>` without a reference.
    unsafe { Inner::<T>::set_behind(head.cast(), behind) };
    // SAFETY: The head lives in the object, which lives until `then` was called.
    unsafe { bindings::call_rcu(head, Some(then)) };
}

/// The callback of a watcher.
///
/// # Safety
///
/// As of [`free_all`].
unsafe extern "C" fn watch<T: Gathered>(head: *mut bindings::callback_head) {
    T::retired().pass_on();
    // SAFETY: By the contract.
    unsafe { free_all::<T>(head) };
}

/// Drops an object and those behind it, whose grace period is over.
///
/// # Safety
///
/// `head` must come from [`wait`], a grace period ago, and be given once.
unsafe extern "C" fn free_all<T: Gathered>(head: *mut bindings::callback_head) {
    // SAFETY: By the contract it is the head of an `Inner<T>`, for which `wait` has set this.
    let mut next = unsafe { Inner::<T>::behind(head.cast()) };
    // SAFETY: `add` was told that the object is a box's. Nobody refers to it: it has had no reference, and been out of the reach of
    // new readers, since before the grace period began, and readers that knew it then have ended.
    unsafe { arc::free::<T>(head) };
    while !next.is_null() {
        let head = next;
        // SAFETY: By the type invariant of `Retired`, which it came out of, it is an object that this callback has alone.
        next = unsafe { next_of(head) };
        // SAFETY: As above: it was taken out of `Retired` before the grace period began.
        unsafe { arc::free::<T>(head) };
    }
}
