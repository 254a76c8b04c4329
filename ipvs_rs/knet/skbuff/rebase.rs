// SPDX-License-Identifier: GPL-2.0

//! A packet that another one quotes takes its place.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::{ether_type, Skb};
use crate::{net_namespace::Net, netfilter::Family};

impl Skb {
    /// Makes the packet of `family` that begins at `offset` the packet itself; what was before it
    /// is no longer there. It keeps the route, and came in by the same device.
    ///
    /// What the network layer noted of the old headers, options among it, is forgotten.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the network header is not all there, without its options, or there is no memory
    /// to get it into one piece. The packet is as it was then.
    pub fn rebase(&mut self, offset: usize, family: Family) -> Result {
        let offset = self.network_offset().checked_add(offset).ok_or(EINVAL)?;
        let offset = u32::try_from(offset).map_err(|_| EINVAL)?;
        // INVARIANT: C gets the new header into one piece, and empties `cb`.
        // SAFETY: By the type invariant the packet is ours. No reference into the data is left, as
        // `self` is borrowed mutably.
        match unsafe { bindings::skb_rebase(self.as_ptr(), offset, ether_type(family)) } {
            true => Ok(()),
            false => Err(EINVAL),
        }
    }

    /// Lets the routes of this IPv4 packet, which this host has sent, take packets of at most `mtu`
    /// bytes, as far as C believes that.
    pub fn update_pmtu_v4(&mut self, net: &Net, mtu: u32) {
        if self.is_of(Family::V4) {
            // SAFETY: By the type invariant the packet is ours, and begins with a header of IPv4.
            unsafe { bindings::ipv4_update_pmtu(self.as_ptr(), net.as_ptr(), mtu, 0, 0) };
        }
    }

    /// The same of IPv6.
    pub fn update_pmtu_v6(&mut self, net: &Net, mtu: u32) {
        if self.is_of(Family::V6) {
            // SAFETY: By the type invariant the packet is ours, and begins with a header of IPv6.
            unsafe { bindings::update_pmtu_v6(net.as_ptr(), self.as_ptr(), mtu) };
        }
    }
}
