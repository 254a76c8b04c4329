// SPDX-License-Identifier: GPL-2.0

//! The end of work in bottom halves, which comes before that of its code.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use kernel::{
    prelude::*,
    time::{delay::fsleep, Delta},
};

use crate::rcu::{self, Guard};

/// A queue of work items, in a `static` of the module whose work it is. Items are done on the CPU that they are queued on, in bottom
/// halves.
///
/// The functions that do the work are in the module. When its [`OpenBottomHalfQueue`] was dropped, all of them have returned.
///
/// # Invariants
///
/// `items` is the number of items that are queued, and no item is queued a grace period after `is_open` has become false.
pub struct BottomHalfQueue {
    is_open: AtomicBool,
    items: AtomicUsize,
}

impl BottomHalfQueue {
    /// A queue that is not open yet.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        // INVARIANT: There are none.
        Self {
            is_open: AtomicBool::new(false),
            items: AtomicUsize::new(0),
        }
    }

    /// Opens the queue until the result is dropped.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is open.
    pub fn open(&'static self) -> Result<OpenBottomHalfQueue> {
        match self.is_open.swap(true, Ordering::Relaxed) {
            false => Ok(OpenBottomHalfQueue(self)),
            true => Err(EBUSY),
        }
    }

    /// Room for an item, if the queue is open, in a section.
    pub(super) fn room<'g>(&'static self, _guard: &'g Guard) -> Option<Room<'g>> {
        self.is_open.load(Ordering::Relaxed).then_some(Room(self))
    }

    /// An item is not queued any more. Its work is done in the bottom half that calls this.
    pub(super) fn leave(&self) {
        // ORDERING: Release, paired with the load in the drop of `OpenBottomHalfQueue`.
        self.items.fetch_sub(1, Ordering::Release);
    }
}

/// Room for an item of a queue, in the section in which that was seen open.
pub(super) struct Room<'g>(&'g BottomHalfQueue);

impl Room<'_> {
    /// Counts the item, which is queued in this section.
    pub(super) fn fill(self) {
        // ORDERING: Relaxed: the grace period orders this before the loads in the drop of `OpenBottomHalfQueue`.
        self.0.items.fetch_add(1, Ordering::Relaxed);
    }
}

/// A queue is open as long as this exists.
pub struct OpenBottomHalfQueue(&'static BottomHalfQueue);

impl Drop for OpenBottomHalfQueue {
    /// Takes no more items, and waits until those that are queued were done. May sleep.
    fn drop(&mut self) {
        let Self(queue) = self;
        queue.is_open.store(false, Ordering::Relaxed);
        // Each section in which it was seen open has ended, so no more items come.
        rcu::synchronize();
        // ORDERING: Acquire, paired with `leave`.
        while queue.items.load(Ordering::Acquire) != 0 {
            fsleep(Delta::from_millis(1));
        }
        // The bottom halves in which they left have ended, and so has their work.
        rcu::synchronize();
    }
}
