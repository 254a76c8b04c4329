// SPDX-License-Identifier: GPL-2.0

//! The outer IP header of a tunnel.

use crate::addr::{Addr, Family};
use crate::checksum::Sum;
use crate::wire::{ipv4, ipv6};

/// The bits of explicit congestion notification (RFC 3168, section 5).
const ECN: u8 = 3;
/// A packet whose sender understands congestion notification.
const ECT_0: u8 = 2;
/// A packet that has met congestion.
const CE: u8 = 3;

/// The fields that the outer header copies from the inner one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Differentiated services and congestion notification.
    pub tos: u8,
    /// Time to live or hop limit, in hops.
    pub hops: u8,
    /// Whether no router may fragment the packet. Always false for IPv6.
    pub dont_fragment: bool,
}

impl Inner {
    /// Reads the header of a packet of `family`.
    ///
    /// Returns [`None`] if the header is not all there.
    #[inline]
    pub fn read(family: Family, header: &[u8]) -> Option<Self> {
        match family {
            Family::V4 => {
                let header = ipv4::Header::at_start(header)?;
                Some(Self {
                    tos: header.tos,
                    hops: header.ttl,
                    dont_fragment: header.dont_fragment(),
                })
            }
            Family::V6 => {
                let header = ipv6::Header::at_start(header)?;
                Some(Self {
                    tos: header.traffic_class,
                    hops: header.hop_limit,
                    dont_fragment: false,
                })
            }
        }
    }
}

/// The fields of an outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// The address of the director, in network order.
    pub src: Addr,
    /// The address of the server, in network order.
    pub dst: Addr,
    /// The protocol number of the payload.
    pub protocol: u8,
    /// The fields that are copied from the inner header.
    pub inner: Inner,
}

/// The type of service of the outer header. If the inner packet has met congestion, the outer header
/// does not repeat that (RFC 3168, section 9.1.1, full functionality).
const fn encapsulated_tos(inner: u8) -> u8 {
    let ecn = match inner & ECN {
        CE => ECT_0,
        other => other,
    };
    inner & !ECN | ecn
}

/// Writes an IPv4 header (RFC 791) without options. `length` is the length of the packet with this
/// header, in bytes.
///
/// `ident` is the identification, which matters only if fragments are allowed. A length that does
/// not fit is written as 0; only packets that will be segmented have one.
///
/// Returns [`None`] if `header` is too short.
#[inline]
pub fn write_v4(header: &mut [u8], outer: &Outer, length: usize, ident: u16) -> Option<()> {
    let header: &mut [u8; ipv4::HEADER_LEN] = header.first_chunk_mut()?;
    let [l0, l1] = u16::try_from(length).unwrap_or(0).to_be_bytes();
    let [i0, i1] = ident.to_be_bytes();
    let [f0, f1] = match outer.inner.dont_fragment {
        true => ipv4::DONT_FRAGMENT,
        false => 0,
    }
    .to_be_bytes();
    let tos = encapsulated_tos(outer.inner.tos);
    let (hops, protocol) = (outer.inner.hops, outer.protocol);
    // As words in the order of memory, which the checksum does not depend on (RFC 1071, section 2): byte by byte, and with the
    // checksum of the bytes, this would take 90 instructions more.
    let sized = u32::from_ne_bytes([ipv4::VERSION_IHL, tos, l0, l1]);
    let whole = u32::from_ne_bytes([i0, i1, f0, f1]);
    let [src, dst] = [outer.src, outer.dst].map(|addr| u32::from_ne_bytes(addr.v4()));
    let [c0, c1] = Sum::ZERO
        .add_u32(sized)
        .add_u32(whole)
        .add_u32(u32::from_ne_bytes([hops, protocol, 0, 0]))
        .add_u32(src)
        .add_u32(dst)
        .checksum()
        .to_ne_bytes();
    let last = u32::from_ne_bytes([hops, protocol, c0, c1]);
    for (place, word) in header
        .chunks_exact_mut(4)
        .zip([sized, whole, last, src, dst])
    {
        *place.first_chunk_mut()? = word.to_ne_bytes();
    }
    Some(())
}

/// Writes an IPv6 header (RFC 8200) without a flow label. `length` is the length of the payload, in
/// bytes.
///
/// A length that does not fit is written as 0; only packets that will be segmented have one.
///
/// Returns [`None`] if `header` is too short.
#[inline]
pub fn write_v6(header: &mut [u8], outer: &Outer, length: usize) -> Option<()> {
    let fields = ipv6::Header {
        traffic_class: encapsulated_tos(outer.inner.tos),
        payload_len: u16::try_from(length).unwrap_or(0),
        next_header: outer.protocol,
        hop_limit: outer.inner.hops,
        src: outer.src,
        dst: outer.dst,
    };
    fields.write(header)
}
