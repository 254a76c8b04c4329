// SPDX-License-Identifier: GPL-2.0

//! From the bytes of a packet to the two ends of its conversation.
//!
//! Parsing is total: every sequence of bytes gives a [`Flow`], or the reason why it does not. A
//! [`Plain`] packet takes one read.

use crate::addr::{Addr, Family};
use crate::wire::{protocol::UDP, tcp};

pub mod ipsec;
mod network;
pub mod plain;
mod tuple;
mod v4;
mod v6;

pub use crate::wire::HeaderSource;
pub use network::Network;
pub use plain::Plain;
pub use tuple::Tuple;

/// The part of a datagram that a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// The whole datagram.
    Whole,
    /// The first fragment, which has the transport header.
    First,
    /// A later fragment, which has no transport header.
    Later,
}

/// Why a packet has no [`Flow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// The network header, or an IPv6 extension header, is not all there.
    Truncated,
    /// The network header has a wrong version or length, or there are too many extension headers.
    BadHeader,
    /// The packet is of a protocol that IPVS balances, but ends before its ports.
    ///
    /// As the C module does: the packet is dropped where it would be scheduled, and passes
    /// everywhere else.
    NoPorts {
        /// The number of the transport protocol.
        protocol: u8,
    },
    /// The packet is ICMP in IPv4, or ICMPv6 in IPv6.
    Icmp,
    /// The packet is AH or ESP. [`Network::with_key_exchange`] gives its flow.
    Ipsec,
    /// IPVS does not balance the transport protocol with this number.
    OtherProtocol(u8),
}

/// The direction of a packet on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowDirection {
    /// From the client to the virtual service.
    Request,
    /// From the real server to the client.
    Reply,
}

/// What IPVS needs to know of a packet. Ports are in host order, addresses in network order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The family of both addresses.
    pub family: Family,
    /// The number of the transport protocol.
    pub protocol: u8,
    /// The part of the datagram that the packet carries.
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
        if let Some(start) = packet.array(0) {
            if let Some(plain) = Plain::v4(&start) {
                return Ok(plain.flow);
            }
        }
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

    /// The two ends of the key exchange that the packet follows: the same with UDP as protocol.
    #[inline]
    pub const fn key_exchange(&self) -> Tuple {
        Tuple {
            protocol: UDP,
            ..self.tuple()
        }
    }

    /// The flags byte of the TCP header.
    ///
    /// Returns [`None`] for a later fragment, and if the packet ends before its TCP header without
    /// options does.
    #[inline]
    pub fn tcp_flags<S: HeaderSource + ?Sized>(&self, packet: &S) -> Option<u8> {
        if matches!(self.fragment, Fragment::Later) {
            return None;
        }
        let header = packet.array(self.transport)?;
        Some(tcp::flags_of(&header))
    }
}
