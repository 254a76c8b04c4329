// SPDX-License-Identifier: GPL-2.0

//! Reassembly of IPv6 fragments before all other hooks.
//!
//! C header: [`include/net/netfilter/ipv6/nf_defrag_ipv6.h`](srctree/include/net/netfilter/ipv6/nf_defrag_ipv6.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use crate::{module, net_namespace::Net};

/// The reassembly of IPv6 in a namespace. While it is enabled, hooks see whole datagrams and no fragments.
///
/// # Invariants
///
/// One use of the reassembly in the namespace with this `cookie` belongs to this value.
pub struct DefragV6 {
    cookie: u64,
}

impl DefragV6 {
    /// Enables the reassembly. May sleep.
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

    /// Disables the reassembly, unless it has other users. May sleep.
    ///
    /// `net` must be the namespace in which it was enabled; otherwise it stays enabled.
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
    /// A value that was not disabled stays enabled, as its namespace may no longer exist.
    #[inline]
    fn drop(&mut self) {
        module::leak((), "IPv6 reassembly");
    }
}
