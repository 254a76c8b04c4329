// SPDX-License-Identifier: GPL-2.0

//! A namespace, for objects that may outlive it.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Net;
use crate::rcu::{self, Arc, Guard};

/// A namespace as long as it has not begun to end. All that share it lose it at once.
///
/// # Invariants
///
/// The pointer is null, or that of a namespace that exists for a grace period after it has become
/// null.
pub struct WeakNet(Arc<AtomicPtr<bindings::net>>);

impl WeakNet {
    /// # Safety
    ///
    /// A share must be [ended](WeakNet::end), or be revoked and a grace period pass, before `net`
    /// ends.
    pub(super) unsafe fn new(net: &Net) -> Result<Self> {
        // INVARIANT: By the contract.
        Ok(Self(Arc::new(
            AtomicPtr::new(net.as_ptr()),
            GFP_KERNEL_ACCOUNT,
        )?))
    }

    /// A share of the same.
    pub(super) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// The namespace, unless it has begun to end.
    #[inline]
    pub fn get<'g>(&self, _guard: &'g Guard) -> Option<&'g Net> {
        // ORDERING: Relaxed: what the namespace holds was there before the handle.
        let net = self.0.load(Ordering::Relaxed);
        if net.is_null() {
            return None;
        }
        // SAFETY: It was not null in this read-side section, which a grace period after that does
        // not end before.
        Some(unsafe { Net::from_raw(net) })
    }

    /// From now on [`WeakNet::get`] returns [`None`]. Earlier results stay valid for a grace period.
    pub(super) fn revoke(&self) {
        // ORDERING: Relaxed: the grace period that follows orders this before the end of the
        // namespace.
        self.0.store(null_mut(), Ordering::Relaxed);
    }

    /// Revokes it, and waits until nobody has the namespace any more. May sleep.
    pub(super) fn end(self) {
        self.revoke();
        rcu::synchronize();
    }

    /// This share, for C to keep.
    pub(super) fn into_raw(self) -> *const c_void {
        self.0.into_raw()
    }

    /// Takes back a share.
    ///
    /// # Safety
    ///
    /// `raw` must come from [`WeakNet::into_raw`], and be taken back once.
    pub(super) unsafe fn from_raw(raw: *const c_void) -> Self {
        // SAFETY: `into_raw` made it of an `Arc` of this type, and it is taken back once.
        Self(unsafe { Arc::from_raw(raw) })
    }
}
