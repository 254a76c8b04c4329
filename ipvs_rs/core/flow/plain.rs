// SPDX-License-Identifier: GPL-2.0

//! Plain packets: whole ones of TCP, UDP or SCTP, without IPv4 options or IPv6 extension headers. Nearly all packets are, and
//! one read is enough for their flow.

use super::{Flow, Fragment};
use crate::addr::{Addr, Family};
use crate::wire::{
    ipv4, ipv6,
    ports::Ports,
    protocol::{SCTP, TCP, UDP},
    tcp,
};

/// The fixed header of IPv4, and the ports behind it.
pub const LEN_V4: usize = ipv4::HEADER_LEN + Ports::LEN;
/// The fixed header of IPv6, and the ports behind it.
pub const LEN_V6: usize = ipv6::HEADER_LEN + Ports::LEN;

/// The fixed header of IPv4, and that of TCP behind it.
pub const TCP_LEN_V4: usize = ipv4::HEADER_LEN + tcp::HEADER_LEN;
/// The fixed header of IPv6, and that of TCP behind it.
pub const TCP_LEN_V6: usize = ipv6::HEADER_LEN + tcp::HEADER_LEN;

/// The first byte of an IPv4 header without options: version 4, and five words of 32 bits.
const FIRST_V4: u8 = 0x45;
/// The bits of the second word of an IPv4 header that are set in fragments, as two bytes: more fragments, and the offset.
const FRAGMENT_BITS: [u8; 2] = [0x3F, 0xFF];

/// A plain packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Its flow, with [`Fragment::Whole`].
    pub flow: Flow,
    /// The number of hops that the packet may still travel.
    pub hops: u8,
    /// Whether the header says how long the packet is. Packets above 64 KiB, which this host puts together, do not.
    pub has_length: bool,
}

/// Whether packets of `protocol` are balanced.
#[inline(always)]
const fn is_balanced(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | SCTP)
}

impl Plain {
    /// The plain packet of IPv4 that begins with these bytes; [`None`] for all others.
    #[inline(always)]
    pub fn v4(start: &[u8; LEN_V4]) -> Option<Self> {
        let &[first, _, l0, l1, _, _, f0, f1, hops, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3, ref ports @ ..] =
            start;
        let length = u16::from_be_bytes([l0, l1]);
        let [more, offset] = FRAGMENT_BITS;
        // CAST: A small number.
        if first != FIRST_V4
            || f0 & more | f1 & offset != 0
            || !is_balanced(protocol)
            || (length < LEN_V4 as u16 && length != 0)
        {
            return None;
        }
        let ports = Ports::read(*ports);
        Some(Self {
            flow: Flow {
                family: Family::V4,
                protocol,
                fragment: Fragment::Whole,
                src: Addr::from_v4([s0, s1, s2, s3]),
                dst: Addr::from_v4([d0, d1, d2, d3]),
                sport: ports.src,
                dport: ports.dst,
                transport: ipv4::HEADER_LEN,
            },
            hops,
            has_length: length != 0,
        })
    }

    /// The plain packet of IPv6 that begins with these bytes; [`None`] for all others.
    #[inline(always)]
    pub fn v6(start: &[u8; LEN_V6]) -> Option<Self> {
        let (header, ports) = start.split_first_chunk::<{ ipv6::HEADER_LEN }>()?;
        let ports = Ports::read(*ports.first_chunk()?);
        let (first, second) = header.split_first_chunk()?;
        let header = ipv6::Header::from_halves(first, second.first_chunk()?);
        // CAST: A small number.
        if start.first()? >> 4 != ipv6::VERSION
            || !is_balanced(header.next_header)
            || (header.payload_len < Ports::LEN as u16 && header.payload_len != 0)
        {
            return None;
        }
        Some(Self {
            flow: Flow {
                family: Family::V6,
                protocol: header.next_header,
                fragment: Fragment::Whole,
                src: header.src,
                dst: header.dst,
                sport: ports.src,
                dport: ports.dst,
                transport: ipv6::HEADER_LEN,
            },
            hops: header.hop_limit,
            has_length: header.payload_len != 0,
        })
    }
}

/// The flags byte in the header of TCP behind one of IPv4.
#[inline(always)]
pub fn tcp_flags_v4(start: &[u8; TCP_LEN_V4]) -> Option<u8> {
    start.last_chunk().map(tcp::flags_of)
}

/// The same behind one of IPv6.
#[inline(always)]
pub fn tcp_flags_v6(start: &[u8; TCP_LEN_V6]) -> Option<u8> {
    start.last_chunk().map(tcp::flags_of)
}
