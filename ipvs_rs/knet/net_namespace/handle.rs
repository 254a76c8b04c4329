// SPDX-License-Identifier: GPL-2.0

//! A namespace, for objects that may outlive it.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;

use super::Net;
use crate::rcu::Guard;

/// A namespace as long as it has not begun to end.
///
/// Each state of a namespace is given the only one, see [`PerNet::create`](super::PerNet::create).
///
/// # Invariants
///
/// It is null, or a namespace that exists for a grace period after it has become null.
pub struct Handle(AtomicPtr<bindings::net>);

impl Handle {
    /// # Safety
    ///
    /// [`Handle::revoke`] must be called, and a grace period pass, before `net` ends.
    pub(super) unsafe fn new(net: &Net) -> Self {
        // INVARIANT: By the contract.
        Self(AtomicPtr::new(net.as_ptr()))
    }

    /// The namespace, unless it has begun to end.
    #[inline]
    pub fn get<'g>(&self, _guard: &'g Guard) -> Option<&'g Net> {
        // ORDERING: Relaxed: what the namespace holds was there before the handle.
        let net = self.0.load(Ordering::Relaxed);
        if net.is_null() {
            return None;
        }
        // SAFETY: By the type invariant it is there until this read-side section has ended.
        Some(unsafe { Net::from_raw(net) })
    }

    /// Whether it is one of `net`.
    pub(super) fn is_of(&self, net: &Net) -> bool {
        core::ptr::eq(self.0.load(Ordering::Relaxed), net.as_ptr())
    }

    /// Lets nobody get the namespace from now on.
    pub(super) fn revoke(&self) {
        self.0.store(null_mut(), Ordering::Relaxed);
    }
}
