// SPDX-License-Identifier: GPL-2.0

//! Reassembly of IPv6 fragments before all other hooks.
//!
//! C header: [`include/net/netfilter/ipv6/nf_defrag_ipv6.h`](srctree/include/net/netfilter/ipv6/nf_defrag_ipv6.h)

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use crate::{module, net_namespace::Net};

/// Hooks of a namespace see no fragments of IPv6, but whole datagrams.
///
/// # Invariants
///
/// One use of the reassembly in the namespace at `net` belongs to this value.
pub struct DefragV6 {
    net: NonNull<bindings::net>,
}

// SAFETY: It may be given up from any thread; `net` is only compared.
unsafe impl Send for DefragV6 {}
// SAFETY: There is nothing to do with `&DefragV6`.
unsafe impl Sync for DefragV6 {}

impl DefragV6 {
    /// Begins to put fragments together. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EOVERFLOW`.
    pub fn enable(net: &Net) -> Result<Self> {
        // SAFETY: The namespace is valid.
        to_result(unsafe { bindings::nf_defrag_ipv6_enable(net.as_ptr()) })?;
        // INVARIANT: That was one use.
        Ok(Self {
            net: NonNull::from(net).cast(),
        })
    }

    /// Ends it, unless others want it. May sleep.
    ///
    /// `net` has to be the namespace that it was begun in; otherwise it goes on.
    pub fn disable(self, net: &Net) {
        if self.net == NonNull::from(net).cast() {
            core::mem::forget(self);
            // SAFETY: The namespace is valid, and by the type invariant one use is ours.
            unsafe { bindings::nf_defrag_ipv6_disable(net.as_ptr()) };
        }
    }
}

impl Drop for DefragV6 {
    /// Of a use that was not given up: nobody knows whether the namespace still exists.
    fn drop(&mut self) {
        module::leak((), "IPv6 reassembly");
    }
}
