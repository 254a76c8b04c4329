// SPDX-License-Identifier: GPL-2.0

//! Connection tracking: what netfilter remembers of conversations.
//!
//! A packet that begins a conversation carries an entry that nobody else finds until it is
//! confirmed, which happens when the packet has passed all hooks.
//!
//! C header: [`include/net/netfilter/nf_conntrack.h`](srctree/include/net/netfilter/nf_conntrack.h)

use ipvs_sys as bindings;

use super::Family;
use crate::{net_namespace::Net, rcu::Guard, skbuff::Skb};

/// An end of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TupleEnd {
    /// Who gives it.
    Source,
    /// Who gets it.
    Destination,
}

/// What an entry is found by: the ends of the packet that began it. Of an IPv4 address the first
/// four bytes count, and the others are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Which addresses these are.
    pub family: Family,
    /// The transport protocol.
    pub protocol: u8,
    /// Where the packet came from.
    pub source: [u8; 16],
    /// The port that it came from.
    pub source_port: u16,
    /// Where it went.
    pub destination: [u8; 16],
    /// The port that it went to.
    pub destination_port: u16,
}

impl Tuple {
    /// Ends the entry in the zone of packets that no rule has given another, if there is one.
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
    /// Whether the packet belongs to a conversation that was known before it.
    pub fn is_ct_confirmed(&self) -> bool {
        // SAFETY: By the invariant of `Skb` the packet is valid.
        unsafe { bindings::ct_is_confirmed(self.as_ptr()) }
    }

    /// If the packet begins a conversation, lets its answers be those with this `end`, of which an
    /// IPv4 address has the first four bytes. Those of ICMP have no port.
    pub fn alter_reply(&mut self, family: Family, end: TupleEnd, addr: [u8; 16], port: u16) {
        let source = end == TupleEnd::Source;
        let addr = addr.as_ptr().cast();
        // SAFETY: By the invariant of `Skb` the packet is ours, and an address has the size of C's union.
        unsafe {
            bindings::ct_alter_reply(self.as_ptr(), family as u8, source, addr, port.to_be());
        }
    }

    /// Lets later packets of the conversation find what this one has begun.
    ///
    /// Returns `false` if the packet must be dropped, as it lost to another one of its kind.
    pub fn confirm_ct(&mut self) -> bool {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::ct_confirm(self.as_ptr()) }
    }

    /// Lets the packet be one that connection tracking has not seen.
    pub fn reset_ct(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::ct_reset(self.as_ptr()) };
    }
}
