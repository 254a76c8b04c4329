// SPDX-License-Identifier: GPL-2.0

//! Connection tracking: netfilter's entries for connections.
//!
//! The first packet of a connection carries a new entry. A lookup does not find this entry before it is
//! confirmed, which happens when the packet has passed all hooks.
//!
//! C header: [`include/net/netfilter/nf_conntrack.h`](srctree/include/net/netfilter/nf_conntrack.h)

use ipvs_sys as bindings;

use super::Family;
use crate::{net_namespace::Net, rcu::Guard, skbuff::Skb};

/// An end of the reply tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TupleEnd {
    /// The host that sends the replies.
    Source,
    /// The host that receives the replies.
    Destination,
}

/// The original tuple of an entry: the addresses and ports of the packet that created it. An IPv4 address is in
/// the first four bytes, and the others are zero. Ports are in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The family of the addresses.
    pub family: Family,
    /// The transport protocol.
    pub protocol: u8,
    /// The source address.
    pub source: [u8; 16],
    /// The source port.
    pub source_port: u16,
    /// The destination address.
    pub destination: [u8; 16],
    /// The destination port.
    pub destination_port: u16,
}

impl Tuple {
    /// Ends the entry with this original tuple in the default zone, if there is one (`nf_ct_kill`).
    pub fn kill(&self, net: &Net, _guard: &Guard) {
        // SAFETY: The namespace is valid, and an address has the size of C's union.
        unsafe {
            bindings::ct_kill(
                net.as_ptr(),
                self.family as u8,
                self.protocol,
                self.source.as_ptr().cast(),
                self.source_port.to_be(),
                self.destination.as_ptr().cast(),
                self.destination_port.to_be(),
            );
        }
    }
}

impl Skb {
    /// Whether the packet belongs to a confirmed entry (`nf_ct_is_confirmed`): an entry that an earlier
    /// packet created.
    pub fn is_ct_confirmed(&self) -> bool {
        // SAFETY: By the invariant of `Skb` the packet is valid.
        unsafe { bindings::ct_is_confirmed(self.as_ptr()) }
    }

    /// Replaces one end of the reply tuple, if the packet begins a connection
    /// (`nf_conntrack_alter_reply`): replies then come from, or go to, `addr` and `port`. An IPv4
    /// address has the first four bytes of `addr`. The replies of ICMP have no port.
    pub fn alter_reply(&mut self, family: Family, end: TupleEnd, addr: [u8; 16], port: u16) {
        let source = end == TupleEnd::Source;
        let addr = addr.as_ptr().cast();
        // SAFETY: By the invariant of `Skb` the packet is ours, and an address has the size of C's union.
        unsafe {
            bindings::ct_alter_reply(self.as_ptr(), family as u8, source, addr, port.to_be());
        }
    }

    /// Confirms the entry that this packet created, so later packets find it
    /// (`nf_conntrack_confirm`).
    ///
    /// Returns `false` if the packet must be dropped: another packet has confirmed an equal entry.
    pub fn confirm_ct(&mut self) -> bool {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::ct_confirm(self.as_ptr()) }
    }

    /// Detaches the entry from the packet (`nf_reset_ct`), as if connection tracking had not seen it.
    pub fn reset_ct(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::ct_reset(self.as_ptr()) };
    }
}
