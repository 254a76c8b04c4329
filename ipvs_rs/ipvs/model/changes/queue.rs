// SPDX-License-Identifier: GPL-2.0

//! A queue that several CPUs fill and one thread empties.
//!
//! Nothing is allocated for an object in it, and nobody waits: a place is reserved by a count, then taken by a number, then
//! filled. The thread stops at a place that is taken and not filled yet, and comes back.

use core::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use kernel::{
    alloc::{flags::__GFP_NOWARN, KVVec},
    prelude::*,
};
use knet::rcu::{Arc, Slot};

use super::Conn;

/// A queue of connections.
pub(crate) struct Queue {
    /// A power of two of places.
    places: KVVec<Slot<Conn>>,
    /// The number of connections in the queue that the administrator allows.
    limit: usize,
    /// The number of places that are reserved. Changed by packets, and by the thread.
    reserved: AtomicUsize,
    /// The number of places that were ever taken. Changed by packets.
    tail: AtomicUsize,
    /// The number of places that were ever emptied. Changed by the thread.
    head: AtomicUsize,
}

impl Queue {
    /// A queue with room for `limit` connections, of which there are 2^`bits` at most.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(bits: u32, limit: usize) -> Result<Self> {
        let length = 1_usize.checked_shl(bits).ok_or(EINVAL)?;
        let mut places = KVVec::with_capacity(length, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        while places.len() < length {
            places
                .push_within_capacity(Slot::empty())
                .map_err(|_| ENOMEM)?;
        }
        Ok(Self {
            places,
            limit: limit.min(length),
            reserved: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            head: AtomicUsize::new(0),
        })
    }

    fn place(&self, number: usize) -> Option<&Slot<Conn>> {
        self.places.get(number & self.places.len().wrapping_sub(1))
    }

    /// Adds a connection, and tells whether the queue was empty. [`None`] if there is no room.
    pub(crate) fn push(&self, conn: Arc<Conn>) -> Option<bool> {
        let reserved = self.reserved.fetch_add(1, Relaxed);
        if reserved >= self.limit {
            self.reserved.fetch_sub(1, Relaxed);
            return None;
        }
        // No more places are taken than are reserved, and a place is reserved until it was emptied: this one is empty.
        // ORDERING: Release, paired with the load in `pop`.
        let number = self.tail.fetch_add(1, Release);
        drop(self.place(number)?.replace(Some(conn)));
        Some(reserved == 0)
    }

    /// Takes the oldest connection. [`None`] if there is none, or if it is not there yet. For one thread.
    pub(crate) fn pop(&self) -> Option<Arc<Conn>> {
        let head = self.head.load(Relaxed);
        // ORDERING: Acquire, paired with the addition in `push`.
        if self.tail.load(Acquire) == head {
            return None;
        }
        let conn = self.place(head)?.replace(None)?;
        self.head.store(head.wrapping_add(1), Relaxed);
        // ORDERING: Release: whoever gets this place by its count finds it empty.
        self.reserved.fetch_sub(1, Release);
        Some(conn)
    }

    /// Whether nothing is in the queue, or on its way into it.
    pub(crate) fn is_empty(&self) -> bool {
        self.reserved.load(Acquire) == 0
    }
}
