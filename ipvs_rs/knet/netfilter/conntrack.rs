// SPDX-License-Identifier: GPL-2.0

//! Connection tracking: netfilter's entries for connections.
//!
//! The first packet of a connection carries a new entry. A lookup does not find this entry before it is
//! confirmed, which happens when the packet has passed all hooks.
//!
//! C header: [`include/net/netfilter/nf_conntrack.h`](srctree/include/net/netfilter/nf_conntrack.h)

use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::Family;
use crate::{module, net_namespace::Net, rcu::Guard, skbuff::Skb};

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
    #[inline]
    pub fn reset_ct(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours.
        unsafe { bindings::ct_reset(self.as_ptr()) };
    }

    /// Lets the entry that this packet created keep what is added to and taken from payloads of its TCP connection
    /// (`nfct_seqadj_ext_add`). Without memory for that, [`adjust_sequence`](Self::adjust_sequence) fails.
    pub fn follow_sequence(&mut self) {
        // SAFETY: By the invariant of `Skb` the packet is ours. An entry that is not confirmed belongs to its only packet.
        unsafe { bindings::ct_follow_sequence(self.as_ptr()) };
    }

    /// Notes that the payload of this TCP segment, which begins at `sequence`, has become longer by `more` bytes
    /// (`nf_ct_seqadj_set`). The sequence numbers behind it, and the acknowledgements of the other side, are put right when
    /// the packets of the connection leave this host. A segment that comes again is not counted again.
    ///
    /// Returns `false` if there is no entry that can keep it: the segment must be dropped.
    pub fn adjust_sequence(&mut self, sequence: u32, more: i32) -> bool {
        // SAFETY: By the invariant of `Skb` the packet is ours. It keeps its entry, and C takes the entry's lock.
        unsafe { bindings::ct_adjust_sequence(self.as_ptr(), sequence, more) }
    }

    /// Lets connection tracking call a connection from any port of `source` to `destination` related to that of this packet
    /// (`nf_ct_expect_related`). An IPv4 address has the first four bytes.
    ///
    /// # Errors
    ///
    /// `ENOENT` without an entry; `ESHUTDOWN` if no rule has assigned a helper to the entry, as only such an entry can expect
    /// others; `ENOMEM`; `EBUSY`, `EALREADY` or `EMFILE` from netfilter.
    pub fn expect_related(
        &mut self,
        family: Family,
        protocol: u8,
        source: [u8; 16],
        (destination, port): ([u8; 16], u16),
    ) -> Result {
        // SAFETY: By the invariant of `Skb` the packet is ours and keeps its entry. An address has the size of C's union. C
        // copies them; what it keeps has no pointer to this module, so the module may go before it.
        to_result(unsafe {
            bindings::ct_expect(
                self.as_ptr(),
                family as u8,
                protocol,
                source.as_ptr().cast(),
                destination.as_ptr().cast(),
                port.to_be(),
            )
        })
    }
}

/// Connection tracking of a family in a namespace: while this exists, packets there get entries, whatever rules there are.
///
/// # Invariants
///
/// One use of connection tracking for `family` in the namespace with this `cookie` belongs to this value.
pub struct Tracking {
    family: Family,
    cookie: u64,
}

impl Tracking {
    /// Begins to track the packets of `family` (`nf_ct_netns_get`). May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or what registers the hooks of connection tracking fails with.
    pub fn begin(net: &Net, family: Family) -> Result<Self> {
        // SAFETY: The namespace is alive. C keeps no pointer of ours: it counts the uses in each namespace.
        to_result(unsafe { bindings::nf_ct_netns_get(net.as_ptr(), family as u8) })?;
        // INVARIANT: That was one use.
        Ok(Self {
            family,
            cookie: net.cookie(),
        })
    }

    /// Ends the tracking, unless it has other users. May sleep.
    ///
    /// `net` must be the namespace in which it was begun; otherwise it goes on.
    #[inline]
    pub fn end(self, net: &Net) {
        if self.cookie == net.cookie() {
            let family = self.family;
            core::mem::forget(self);
            // SAFETY: The namespace is valid, and it is the one that a use of this value is in.
            unsafe { bindings::nf_ct_netns_put(net.as_ptr(), family as u8) };
        }
    }
}

impl Drop for Tracking {
    /// A value that was not ended goes on, as its namespace may no longer exist.
    #[inline]
    fn drop(&mut self) {
        module::leak((), "connection tracking");
    }
}
