// SPDX-License-Identifier: GPL-2.0

//! Queues of a module's own, which end with it.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::rcu::{self, Guard};

/// A queue of work items, in a `static` of the module whose work it is. Items are done on the CPU that they are queued on, by threads.
///
/// The functions that do the work are in the module. When its [`OpenQueue`] was dropped, all of them have returned.
///
/// # Invariants
///
/// `workqueue` is null, or a workqueue. After it has become null, the workqueue is destroyed a grace period later at the earliest,
/// and only when all its items were done.
pub struct Queue {
    workqueue: AtomicPtr<bindings::workqueue_struct>,
}

impl Queue {
    /// A queue that is not open yet.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        // INVARIANT: It is null.
        Self {
            workqueue: AtomicPtr::new(null_mut()),
        }
    }

    /// Opens the queue until the result is dropped. `name` is that of its threads. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it is open, `ENOMEM`.
    pub fn open(&'static self, name: &'static CStr) -> Result<OpenQueue> {
        // SAFETY: The name is copied. Sleeping is allowed, as the caller is told.
        let workqueue = unsafe { bindings::new_workqueue(name.as_char_ptr()) };
        if workqueue.is_null() {
            return Err(ENOMEM);
        }
        // ORDERING: Release, paired with the load in `get`: the workqueue is seen initialised.
        let opened = self.workqueue.compare_exchange(
            null_mut(),
            workqueue,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if opened.is_err() {
            // SAFETY: It was just made, and nobody else knows it.
            unsafe { bindings::destroy_workqueue(workqueue) };
            return Err(EBUSY);
        }
        Ok(OpenQueue(self))
    }

    /// The workqueue, if the queue is open. It takes items until the section of the guard ends.
    pub(super) fn get(&self, _guard: &Guard) -> Option<*mut bindings::workqueue_struct> {
        // ORDERING: Acquire, paired with the exchange in `open`.
        let workqueue = self.workqueue.load(Ordering::Acquire);
        (!workqueue.is_null()).then_some(workqueue)
    }
}

/// A queue is open as long as this exists.
pub struct OpenQueue(&'static Queue);

impl Drop for OpenQueue {
    /// Takes no more items, and waits until those that are queued were done. May sleep.
    fn drop(&mut self) {
        // ORDERING: Relaxed: the grace period orders this before the end of the workqueue.
        let workqueue = self.0.workqueue.swap(null_mut(), Ordering::Relaxed);
        rcu::synchronize();
        // SAFETY: `open` has made it, and only this value takes it back. Nobody has it any more, as each section in which it was
        // found has ended. C waits for its items.
        unsafe { bindings::destroy_workqueue(workqueue) };
    }
}
