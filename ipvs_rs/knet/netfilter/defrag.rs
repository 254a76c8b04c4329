// SPDX-License-Identifier: GPL-2.0

//! Reassembly of IPv6 fragments before all other hooks.
//!
//! C header: [`include/net/netfilter/ipv6/nf_defrag_ipv6.h`](srctree/include/net/netfilter/ipv6/nf_defrag_ipv6.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use crate::{module, net_namespace::Net};

/// Hooks of a namespace see no fragments of IPv6, but whole datagrams.
///
/// # Invariants
///
/// One use of the reassembly in the namespace with this `cookie` belongs to this value.
pub struct DefragV6 {
    cookie: u64,
}

impl DefragV6 {
    /// Begins to put fragments together. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EOVERFLOW`.
    pub fn enable(net: &Net) -> Result<Self> {
        // SAFETY: The namespace is alive. C keeps no pointer: it counts the uses in each namespace.
        to_result(unsafe { bindings::nf_defrag_ipv6_enable(net.as_ptr()) })?;
        // INVARIANT: That was one use.
        Ok(Self {
            cookie: net.cookie(),
        })
    }

    /// Ends it, unless others want it. May sleep.
    ///
    /// `net` has to be the namespace that it was begun in; otherwise it goes on.
    #[inline]
    pub fn disable(self, net: &Net) {
        if self.cookie == net.cookie() {
            core::mem::forget(self);
            // SAFETY: The namespace is valid, and it is the one that a use of this value is in. C keeps
            // a count of uses, and no pointer to this value.
            unsafe { bindings::nf_defrag_ipv6_disable(net.as_ptr()) };
        }
    }
}

impl Drop for DefragV6 {
    /// Of a use that was not given up: nobody knows whether the namespace still exists.
    #[inline]
    fn drop(&mut self) {
        module::leak((), "IPv6 reassembly");
    }
}
