// SPDX-License-Identifier: GPL-2.0

//! What the network header says about a packet.

use super::{ipsec, v4, v6, Flow, Fragment, NotOurs};
use crate::addr::{Addr, Family};
use crate::wire::{
    ipv4, ipv6,
    ports::Ports,
    protocol::{ICMP, ICMPV6, SCTP, TCP, UDP},
    version_of, HeaderSource,
};

/// What the network header and its extension headers say. The ports are not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The family of both addresses.
    pub family: Family,
    /// The number of the transport protocol.
    pub protocol: u8,
    /// The part of the datagram that the packet carries.
    pub fragment: Fragment,
    /// The source address, in network order.
    pub src: Addr,
    /// The destination address, in network order.
    pub dst: Addr,
    /// Where the transport header starts, in bytes from the start of the network header.
    pub transport: usize,
    /// Where the packet ends according to its header, in bytes from the start of the network header;
    /// `usize::MAX` if its header does not say.
    pub end: usize,
}

impl Network {
    /// Reads the network header and the extension headers behind it.
    ///
    /// # Errors
    ///
    /// [`NotOurs::Truncated`] and [`NotOurs::BadHeader`].
    #[inline(always)]
    pub fn parse<S: HeaderSource + ?Sized>(packet: &S) -> Result<Self, NotOurs> {
        // The fixed header of IPv4, and the first half of that of IPv6.
        let start: [u8; ipv4::HEADER_LEN] = packet.array(0).ok_or(NotOurs::Truncated)?;
        let [first, ..] = start;
        match version_of(first) {
            ipv4::VERSION => v4::parse(&start),
            ipv6::VERSION => v6::parse(packet, &start),
            _ => Err(NotOurs::BadHeader),
        }
    }

    /// The flow of an IPsec packet, with the ports of the key exchange that it follows.
    ///
    /// The protocol stays that of the packet; see [`Flow::key_exchange`].
    #[inline]
    pub const fn with_key_exchange(self) -> Flow {
        Flow {
            sport: ipsec::ISAKMP,
            dport: ipsec::ISAKMP,
            ..self.without_ports()
        }
    }

    /// The flow of a packet whose protocol has no ports.
    #[inline]
    pub const fn without_ports(self) -> Flow {
        Flow {
            family: self.family,
            protocol: self.protocol,
            fragment: self.fragment,
            src: self.src,
            dst: self.dst,
            sport: 0,
            dport: 0,
            transport: self.transport,
        }
    }

    /// The flow of a packet of TCP, UDP or SCTP, whose ports are read now.
    ///
    /// # Errors
    ///
    /// See [`NotOurs`].
    #[inline(always)]
    pub fn with_ports<S: HeaderSource + ?Sized>(self, packet: &S) -> Result<Flow, NotOurs> {
        // An IPv4 header that goes beyond the packet; extension headers just leave no room for ports.
        if self.family == Family::V4 && self.end < self.transport {
            return Err(NotOurs::BadHeader);
        }
        let protocol = self.protocol;
        if !matches!(protocol, TCP | UDP | SCTP) {
            return Err(match (self.family, protocol) {
                (Family::V4, ICMP) | (Family::V6, ICMPV6) => NotOurs::Icmp,
                (_, protocol) if ipsec::rides(protocol) => NotOurs::Ipsec,
                _ => NotOurs::OtherProtocol(protocol),
            });
        }
        let behind_ports = self.transport.saturating_add(Ports::LEN);
        let ports = match self.fragment {
            Fragment::Later => Ports::NONE,
            Fragment::Whole | Fragment::First if self.end < behind_ports => {
                return Err(NotOurs::NoPorts { protocol })
            }
            Fragment::Whole | Fragment::First => packet
                .array(self.transport)
                .map(Ports::read)
                .ok_or(NotOurs::NoPorts { protocol })?,
        };
        Ok(Flow {
            family: self.family,
            protocol,
            fragment: self.fragment,
            src: self.src,
            dst: self.dst,
            sport: ports.src,
            dport: ports.dst,
            transport: self.transport,
        })
    }
}
