// SPDX-License-Identifier: GPL-2.0

//! From the bytes of a packet to who talks to whom.
//!
//! Parsing is total: every sequence of bytes gives a [`Flow`] or says why it is not one. For the
//! ordinary IPv4 packet it takes one read of the fixed header and one of the ports.

use crate::addr::{Addr, Family};
use crate::wire::{ipv4, ipv6, ports::Ports, protocol, tcp, version_of};

pub use crate::wire::HeaderSource;

pub mod ipsec;
mod v4;
mod v6;

/// Which part of a datagram a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// The beginning, with the transport header.
    First,
    /// A later part, without a transport header.
    Later,
}

/// Why a packet has no [`Flow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// The network header, or an IPv6 extension header, is not all there.
    Truncated,
    /// The network header contradicts itself.
    BadHeader,
    /// A packet of one of our protocols that ends before its ports.
    ///
    /// No connection can be found for it, and asked to schedule it the C module drops it;
    /// everywhere else such a packet passes.
    NoPorts {
        /// The transport protocol.
        protocol: u8,
    },
    /// ICMP in IPv4, ICMPv6 in IPv6.
    Icmp,
    /// AH or ESP: [`Network::with_key_exchange`] tells whose.
    Ipsec,
    /// A transport protocol that IPVS does not balance.
    OtherProtocol(u8),
}

/// The two ends of a conversation, in the direction in which a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Transport protocol.
    pub protocol: u8,
    /// The family of both addresses.
    pub family: Family,
}

impl Tuple {
    /// The tuple of a packet in the other direction.
    #[inline]
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            sport: self.dport,
            dport: self.sport,
            ..self
        }
    }
}

/// What IPVS needs to know of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The family of both addresses.
    pub family: Family,
    /// Transport protocol.
    pub protocol: u8,
    /// Which part of the datagram this is.
    pub fragment: Fragment,
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Source port; 0 in a later fragment.
    pub sport: u16,
    /// Destination port; 0 in a later fragment.
    pub dport: u16,
    /// Where the transport header starts, in bytes from the start of the network header.
    pub transport: usize,
}

impl Flow {
    /// Reads the headers of a packet.
    ///
    /// # Errors
    ///
    /// See [`NotOurs`].
    #[inline]
    pub fn parse<S: HeaderSource + ?Sized>(packet: &S) -> Result<Self, NotOurs> {
        Network::parse(packet)?.with_ports(packet)
    }

    /// The two ends in the direction of this packet.
    #[inline]
    pub const fn tuple(&self) -> Tuple {
        Tuple {
            src: self.src,
            dst: self.dst,
            sport: self.sport,
            dport: self.dport,
            protocol: self.protocol,
            family: self.family,
        }
    }

    /// The two ends of the key exchange that the packet rides on.
    #[inline]
    pub const fn key_exchange(&self) -> Tuple {
        Tuple {
            protocol: protocol::UDP,
            ..self.tuple()
        }
    }

    /// The flags byte of the TCP header.
    ///
    /// Returns [`None`] where the fixed TCP header is not all there.
    #[inline]
    pub fn tcp_flags<S: HeaderSource + ?Sized>(&self, packet: &S) -> Option<u8> {
        if matches!(self.fragment, Fragment::Later) {
            return None;
        }
        let header = packet.array(self.transport)?;
        Some(tcp::flags_of(&header))
    }
}

/// What the network header says; the transport header is still to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The family of both addresses.
    pub family: Family,
    /// Transport protocol.
    pub protocol: u8,
    /// Which part of the datagram this is.
    pub fragment: Fragment,
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Where the transport header starts, in bytes from the start of the network header.
    pub transport: usize,
    /// Where the datagram ends by its own account, in the same bytes.
    pub end: usize,
}

impl Network {
    /// Reads the network header and all that is between it and the transport header.
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

    /// The same of a packet that rides on the connection of a key exchange, with the ends of that.
    ///
    /// The protocol stays what the packet says; that of [`Flow::key_exchange`] is UDP.
    #[inline]
    pub const fn with_key_exchange(self) -> Flow {
        Flow {
            sport: ipsec::ISAKMP,
            dport: ipsec::ISAKMP,
            ..self.without_ports()
        }
    }

    /// The same of a protocol without ports.
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

    /// Adds the ports, if this is a protocol of ours.
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
        if !matches!(protocol, protocol::TCP | protocol::UDP | protocol::SCTP) {
            return Err(match (self.family, protocol) {
                (Family::V4, protocol::ICMP) | (Family::V6, protocol::ICMPV6) => NotOurs::Icmp,
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
