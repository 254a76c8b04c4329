// SPDX-License-Identifier: GPL-2.0

//! A place for an object that packets put there, and that must not stay when it is over.
//!
//! A packet may be late: it puts an object in that became over a moment ago. So it first puts the object in, and then looks whether it
//! is over. Whoever lets an object be over does that first, and then takes it out. One of them sees what the other has done.

use core::sync::atomic::{fence, Ordering::SeqCst};
use knet::rcu::{Arc, Guard, Ref, Slot};

/// A place for an object.
pub(super) struct Place<T: Send + Sync + 'static>(Slot<T>);

impl<T: Send + Sync + 'static> Place<T> {
    /// A place with nothing in it.
    pub(super) const fn empty() -> Self {
        Self(Slot::empty())
    }

    /// What is there; it may be over.
    #[inline(always)]
    pub(super) fn load<'g>(&self, guard: &'g Guard) -> Option<Ref<'g, T>> {
        self.0.load(guard)
    }

    /// Puts an object here, in the place of another one. One that `is_over` is taken out again.
    pub(super) fn put(&self, object: Arc<T>, is_over: impl FnOnce(&T) -> bool) {
        drop(self.0.replace(Some(object.clone())));
        // ORDERING: Partner of the fence in `orderly`: if that call's caller did not see the object that was just put here, the
        // check below sees that it is over.
        fence(SeqCst);
        if is_over(&object) {
            self.take_out(&object);
        }
    }

    /// Takes this object out, if it is here.
    pub(super) fn take_out(&self, object: &Arc<T>) {
        // If another one took its place meanwhile, that stays.
        let _: Result<(), Option<Arc<T>>> = self.0.replace_if(Some(object), None);
    }

    /// Takes out what is here.
    pub(super) fn clear(&self) {
        drop(self.0.replace(None));
    }
}

/// To be called between the moment when objects became over, and a look at places for them.
#[inline]
pub(super) fn orderly() {
    // ORDERING: Partner of the fence in `put`.
    fence(SeqCst);
}
