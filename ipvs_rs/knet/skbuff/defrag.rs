// SPDX-License-Identifier: GPL-2.0

//! Reassembly of the fragments of IPv4.

use ipvs_sys as bindings;

use super::Skb;
use crate::{net_namespace::Net, netfilter::Family};

/// A user of the reassembly of fragments. Each user has its own queues, so fragments of one
/// datagram meet only if the same user is named for all of them.
///
/// Source: `enum ip_defrag_users` in `include/net/ip.h`, of which these are the virtual server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DefragUser {
    /// `IP_DEFRAG_VS_IN`: packets to this host.
    VsIn = bindings::ip_defrag_users_IP_DEFRAG_VS_IN,
    /// `IP_DEFRAG_VS_OUT`: packets that this host makes.
    VsOut = bindings::ip_defrag_users_IP_DEFRAG_VS_OUT,
    /// `IP_DEFRAG_VS_FWD`: packets that this host forwards.
    VsFwd = bindings::ip_defrag_users_IP_DEFRAG_VS_FWD,
}

/// Why a fragment has not become a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefragError {
    /// The fragment waits for the others.
    InProgress,
    /// The fragment was freed: it does not fit the others, it came twice, or there was no memory for it.
    Refused,
}

impl Skb {
    /// Reassembles an IPv4 packet from its fragments.
    ///
    /// The call with the last missing fragment returns the whole packet.
    ///
    /// # Errors
    ///
    /// [`DefragError`]. Packets of IPv6 are refused.
    pub fn defragment(self, net: &Net, user: DefragUser) -> Result<Skb, DefragError> {
        // C takes the namespace from the device, or from the route if there is no device.
        if !self.has_device() && !self.has_route() || !self.is_of(Family::V4) {
            return Err(DefragError::Refused);
        }
        let skb = self.into_raw();
        // SAFETY: We give up the packet, which by the type invariant begins with a header of IPv4.
        let error = unsafe { bindings::ip_defrag(net.as_ptr(), skb.as_ptr(), user as u32) };
        match error.unsigned_abs() {
            // SAFETY: On success the packet is ours again, and begins with the header that it had.
            // The read-side section is that of `self`.
            0 => Ok(unsafe { Skb::from_raw(skb) }),
            bindings::EINPROGRESS => Err(DefragError::InProgress),
            _ => Err(DefragError::Refused),
        }
    }
}
