// SPDX-License-Identifier: GPL-2.0

//! What makes a packet leave: to another host, to the reassembly of fragments, or in the form of
//! an ICMP error that answers it.

use ipvs_sys as bindings;
use kernel::prelude::*;

use super::Skb;
use crate::{net_namespace::Net, netfilter::Family};

/// An ICMP error that a packet can be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// The packet may not be forwarded any more.
    TimeExceeded,
    /// The packet may not be fragmented, and is larger than the next link takes.
    FragmentationNeeded {
        /// What the next link takes, in bytes.
        mtu: u32,
    },
    /// Nobody serves this address.
    HostUnreachable,
    /// Nobody serves this port.
    PortUnreachable,
    /// What the fields of the ICMP header say.
    Other {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The second word.
        rest: u32,
    },
}

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
    /// It waits for the others.
    InProgress,
    /// It does not fit to the others, there was one like it, or no memory for it: it is freed.
    Refused,
}

impl Skb {
    /// Sends an IPv4 packet on its way by the attached route, which begins with the hooks at
    /// `LOCAL_OUT`.
    ///
    /// Sets `ipvs_property`, lets go of the socket that was to receive the packet, and makes the
    /// checksum state and the time stamp those of a packet to be sent. If the packet is larger than
    /// the link takes, it will be fragmented. Without a route of IPv4 the packet is dropped, as is one
    /// that is not of IPv4.
    #[inline]
    pub fn forward_v4(self, net: &Net) {
        if !self.has_route_of(Family::V4) {
            return;
        }
        let skb = self.into_raw();
        // SAFETY: We give up the packet. It and its route are of IPv4, and by the type invariant it
        // begins with such a header.
        unsafe { bindings::forward_v4(net.as_ptr(), skb.as_ptr()) };
    }

    /// The same for an IPv6 packet, see [`Skb::forward_v4`].
    #[inline]
    pub fn forward_v6(self, net: &Net) {
        if !self.has_route_of(Family::V6) {
            return;
        }
        let skb = self.into_raw();
        // SAFETY: We give up the packet. It and its route are of IPv6, and by the type invariant it
        // begins with such a header.
        unsafe { bindings::forward_v6(net.as_ptr(), skb.as_ptr()) };
    }

    /// Puts the fragments of an IPv4 packet together.
    ///
    /// Returns the whole packet with its last fragment.
    ///
    /// # Errors
    ///
    /// [`DefragError`]. Packets of IPv6 are refused.
    pub fn defragment(self, net: &Net, user: DefragUser) -> Result<Skb, DefragError> {
        // The reassembly asks the device, or else the route, for its namespace.
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

    /// Answers an IPv4 packet with an ICMP error.
    ///
    /// To be called while the packet has the route it came with, and its addresses: both decide
    /// where the answer goes. C keeps to its rules about what may be answered, and how often. Nothing
    /// is sent if the packet or its route is not of IPv4, if the kernel knows no such error, or if the
    /// packet has other options than it came with.
    pub fn icmp_send_v4(&mut self, error: IcmpError) {
        let unreachable = bindings::ICMP_DEST_UNREACH;
        let (kind, code, info) = match error {
            IcmpError::TimeExceeded => (bindings::ICMP_TIME_EXCEEDED, bindings::ICMP_EXC_TTL, 0),
            IcmpError::FragmentationNeeded { mtu } => {
                (unreachable, bindings::ICMP_FRAG_NEEDED, mtu)
            }
            IcmpError::HostUnreachable => (unreachable, bindings::ICMP_HOST_UNREACH, 0),
            IcmpError::PortUnreachable => (unreachable, bindings::ICMP_PORT_UNREACH, 0),
            IcmpError::Other { kind, code, rest } => (kind.into(), code.into(), rest),
        };
        // C has a table of the types.
        if kind > bindings::NR_ICMP_TYPES || !self.has_route_of(Family::V4) {
            return;
        }
        // SAFETY: By the type invariant the packet is valid, and `cb` holds what IPv4 noted of it.
        if !unsafe { bindings::options_fit(self.as_ptr()) } {
            return;
        }
        // SAFETY: By the type invariant the packet is valid.
        let control = unsafe { &raw const (*self.as_ptr()).cb }.cast();
        // SAFETY: The packet and its route are of IPv4, and by the type invariant it begins with such a
        // header. `cb` holds what IPv4 noted of its options, which was just compared with them. No
        // reference into the data is left, as `self` is borrowed mutably.
        // CAST: Small numbers.
        unsafe {
            bindings::__icmp_send(
                self.as_ptr(),
                kind as i32,
                code as i32,
                info.to_be(),
                control,
            )
        };
    }

    /// Answers an IPv6 packet with an ICMPv6 error.
    ///
    /// See [`Skb::icmp_send_v4`]. Fragmentation is what senders of IPv6 do, and always needed. Nothing
    /// is sent if the packet is not of IPv6, or has a route that is not.
    pub fn icmp_send_v6(&mut self, net: &Net, error: IcmpError) {
        let unreachable = bindings::ICMPV6_DEST_UNREACH;
        let (kind, code, info) = match error {
            IcmpError::TimeExceeded => (
                bindings::ICMPV6_TIME_EXCEED,
                bindings::ICMPV6_EXC_HOPLIMIT,
                0,
            ),
            IcmpError::FragmentationNeeded { mtu } => (bindings::ICMPV6_PKT_TOOBIG, 0, mtu),
            IcmpError::HostUnreachable => (unreachable, bindings::ICMPV6_ADDR_UNREACH, 0),
            IcmpError::PortUnreachable => (unreachable, bindings::ICMPV6_PORT_UNREACH, 0),
            IcmpError::Other { kind, code, rest } => (kind.into(), code.into(), rest),
        };
        if !self.is_of(Family::V6) || self.has_route() && !self.has_route_of(Family::V6) {
            return;
        }
        // CAST: Small numbers.
        // SAFETY: The packet is of IPv6, and so is a route that it has. By the type invariant it begins
        // with such a header, and `cb` holds what IPv6 noted of it. No reference into the data is left,
        // as `self` is borrowed mutably.
        unsafe {
            bindings::icmp6_error(net.as_ptr(), self.as_ptr(), kind as u8, code as u8, info);
        };
    }

    /// Looks up the route of an IPv6 packet again. See [`Skb::route_me_harder_v4`].
    ///
    /// # Errors
    ///
    /// The packet has no route now, or one that is not to be used: drop it.
    pub fn route_me_harder_v6(&mut self, net: &Net) -> Result {
        if !self.has_route_of(Family::V6) {
            return Err(ENOENT);
        }
        // SAFETY: By the type invariant the packet is valid.
        let socket = unsafe { (*self.as_ptr()).sk };
        // SAFETY: The packet and its route are of IPv6, and by the type invariant it begins with such a
        // header. No reference into the data is left, as `self` is borrowed mutably.
        kernel::error::to_result(unsafe {
            bindings::ip6_route_me_harder(net.as_ptr(), socket, self.as_ptr())
        })
    }

    /// Looks up the route of an IPv4 packet again, as if this host had made it.
    ///
    /// To be called after the source address was changed, which routing rules may look at.
    ///
    /// # Errors
    ///
    /// The packet has no route now, or one that is not to be used: drop it.
    pub fn route_me_harder_v4(&mut self, net: &Net) -> Result {
        if !self.has_route_of(Family::V4) {
            return Err(ENOENT);
        }
        // SAFETY: By the type invariant the packet is valid.
        let socket = unsafe { (*self.as_ptr()).sk };
        // SAFETY: The packet and its route are of IPv4, and by the type invariant it begins with such a
        // header. No reference into the data is left, as `self` is borrowed mutably.
        kernel::error::to_result(unsafe {
            bindings::ip_route_me_harder(net.as_ptr(), socket, self.as_ptr(), bindings::RTN_LOCAL)
        })
    }

    /// Tells the sender how large packets may be, if it is a socket of this host.
    #[inline]
    pub fn update_sender_pmtu(&self, mtu: u32) {
        if !self.has_device() && self.has_route() {
            // SAFETY: By the type invariant the packet is valid; it has a route. C reads neither its
            // headers nor its data.
            unsafe { bindings::dst_update_sender_pmtu(self.as_ptr(), mtu) };
        }
    }

    /// Tells the sender that there is no way, as the attached route wants it done, which must be of the
    /// packet's family.
    pub fn link_failure(&mut self) {
        if self.has_route_of(Family::V4) || self.has_route_of(Family::V6) {
            // SAFETY: The packet and its route are of one family, and by the type invariant it begins
            // with such a header. C may move the data, but no reference into it is left, as `self` is
            // borrowed mutably.
            unsafe { bindings::dst_link_failure(self.as_ptr()) };
        }
    }
}
