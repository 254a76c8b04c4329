// SPDX-License-Identifier: GPL-2.0

//! The replacement of a packet by a packet inside it.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::{ether_type, Skb};
use crate::{net_namespace::Net, netfilter::Family};

impl Skb {
    /// Removes all bytes before `offset`, where a packet of `family` begins. The packet keeps its route and
    /// its input device.
    ///
    /// The control block, with the options of the old header, is cleared.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the packet does not have the whole network header (without options), or there is no memory
    /// to make it linear. The packet is unchanged then.
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

    /// Lowers the path MTU of the route of this IPv4 packet, which this host has sent, to `mtu` bytes. C
    /// may ignore the number.
    pub fn update_pmtu_v4(&mut self, net: &Net, mtu: u32) {
        if self.is_of(Family::V4) {
            // SAFETY: By the type invariant the packet is ours, and begins with a header of IPv4.
            unsafe { bindings::ipv4_update_pmtu(self.as_ptr(), net.as_ptr(), mtu, 0, 0) };
        }
    }

    /// Lowers the path MTU as [`Skb::update_pmtu_v4`], for an IPv6 packet.
    pub fn update_pmtu_v6(&mut self, net: &Net, mtu: u32) {
        if self.is_of(Family::V6) {
            // SAFETY: By the type invariant the packet is ours, and begins with a header of IPv6.
            unsafe { bindings::update_pmtu_v6(net.as_ptr(), self.as_ptr(), mtu) };
        }
    }
}
