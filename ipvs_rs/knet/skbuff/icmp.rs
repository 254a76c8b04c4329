// SPDX-License-Identifier: GPL-2.0

//! ICMP errors in answer to a packet.

use ipvs_sys as bindings;

use super::Skb;
use crate::{net_namespace::Net, netfilter::Family};

/// An ICMP error that a packet can be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// The packet may not be forwarded any more.
    TimeExceeded,
    /// The packet may not be fragmented, and is larger than the next link takes.
    FragmentationNeeded {
        /// The MTU of the next link, in bytes.
        mtu: u32,
    },
    /// No host has this address.
    HostUnreachable,
    /// No program serves this port.
    PortUnreachable,
    /// An error with these fields of the ICMP header.
    Other {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The second word.
        rest: u32,
    },
}

impl Skb {
    /// Answers an IPv4 packet with an ICMP error.
    ///
    /// The packet must still have the route and the addresses with which it arrived: they decide
    /// where the error goes. C applies its rules about which packets get an error, and its rate limits.
    /// No error is sent if the packet or its route is not of IPv4, if the kernel does not know the error,
    /// or if the packet has other options than it arrived with.
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

    /// Counts a packet of `family` that may not travel any further (`InHdrErrors` in `/proc/net/snmp`, and the same of IPv6). Without a
    /// route of this family it is not counted.
    #[cold]
    pub fn count_expired(&self, net: &Net, family: Family) {
        if !self.has_route_of(family) {
            return;
        }
        match family {
            // SAFETY: The namespace is alive.
            Family::V4 => unsafe { bindings::count_expired_v4(net.as_ptr()) },
            // SAFETY: The same, and the packet has a route of IPv6.
            Family::V6 => unsafe { bindings::count_expired_v6(net.as_ptr(), self.as_ptr()) },
        }
    }

    /// Answers an IPv6 packet with an ICMPv6 error.
    ///
    /// See [`Skb::icmp_send_v4`]. "Fragmentation needed" is "packet too big" in IPv6. No error is sent if the
    /// packet is not of IPv6, or has a route of another family.
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
}
