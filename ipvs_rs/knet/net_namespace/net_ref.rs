// SPDX-License-Identifier: GPL-2.0

//! A namespace that does not end while somebody has something to do in it.

use core::{ops::Deref, ptr::NonNull};
use ipvs_sys as bindings;

use super::Net;

/// A namespace that does not begin to end before this is dropped. To be had for a short while only:
/// the processes in it may be gone.
///
/// # Invariants
///
/// The namespace has a reference that is this one's.
pub struct NetRef(NonNull<bindings::net>);

// SAFETY: A namespace belongs to no thread, and any context may give a reference back.
unsafe impl Send for NetRef {}
// SAFETY: A `&NetRef` gives a `&Net`, which is `Sync`.
unsafe impl Sync for NetRef {}

impl Net {
    /// Keeps the namespace, unless it has begun to end.
    pub fn keep(&self) -> Option<NetRef> {
        // SAFETY: The memory of a namespace is valid while a `&Net` exists.
        let net = unsafe { bindings::maybe_get_net(self.as_ptr()) };
        // INVARIANT: If it is not null, then the reference was just counted.
        NonNull::new(net).map(NetRef)
    }
}

impl Deref for NetRef {
    type Target = Net;

    fn deref(&self) -> &Net {
        // SAFETY: By the reference that `maybe_get_net` took the namespace lives as long as `self`.
        // Its pernet operations end before that only when the module goes; the end of a state waits
        // for the work and the files that have such a value.
        unsafe { Net::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for NetRef {
    fn drop(&mut self) {
        // SAFETY: It is the reference that `maybe_get_net` took, given back once.
        unsafe { bindings::put_net(self.0.as_ptr()) };
    }
}
