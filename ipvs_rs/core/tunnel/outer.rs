// SPDX-License-Identifier: GPL-2.0

//! Outer IP headers.

use crate::addr::{Addr, Family};
use crate::nat::renew_header_checksum;

/// The bits of explicit congestion notification (RFC 3168, section 5).
const ECN: u8 = 3;
/// A packet whose sender understands congestion notification.
const ECT_0: u8 = 2;
/// A packet that has met congestion.
const CE: u8 = 3;

/// Do not fragment, in the flags of IPv4.
const DF: u16 = 0x4000;

/// What the outer header takes over from the inner one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Differentiated services and congestion notification.
    pub tos: u8,
    /// Time to live, or hop limit.
    pub hops: u8,
    /// Whether it must not be fragmented. Said of IPv4 only.
    pub dont_fragment: bool,
}

impl Inner {
    /// Reads the header of a packet of `family`.
    ///
    /// Returns [`None`] if it is not all there.
    #[inline]
    pub fn read(family: Family, header: &[u8]) -> Option<Self> {
        match family {
            Family::V4 => {
                let &[_, tos, _, _, _, _, flags, _, hops, ..] = header.first_chunk::<20>()?;
                Some(Self {
                    tos,
                    hops,
                    dont_fragment: flags & 0x40 != 0,
                })
            }
            Family::V6 => {
                let &[first, second, _, _, _, _, _, hops, ..] = header.first_chunk::<40>()?;
                Some(Self {
                    tos: (first << 4) | (second >> 4),
                    hops,
                    dont_fragment: false,
                })
            }
        }
    }
}

/// What an outer header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// This host.
    pub src: Addr,
    /// The server.
    pub dst: Addr,
    /// What it calls its payload.
    pub protocol: u8,
    /// What it takes over.
    pub inner: Inner,
}

/// The outer byte of services. Congestion that the inner packet has met is not told again
/// (RFC 3168, section 9.1.1, full functionality).
const fn encapsulated_tos(inner: u8) -> u8 {
    let ecn = match inner & ECN {
        CE => ECT_0,
        other => other,
    };
    inner & !ECN | ecn
}

/// Writes an IPv4 header (RFC 791) without options, for `length` bytes in all.
///
/// The identification, which matters unless fragments are forbidden, is `ident`. A length that
/// does not fit, which only packets to be segmented have, is written as 0.
///
/// Returns [`None`] if `header` is too short.
#[inline]
pub fn write_v4(header: &mut [u8], outer: &Outer, length: usize, ident: u16) -> Option<()> {
    let header: &mut [u8; 20] = header.first_chunk_mut()?;
    let [l0, l1] = u16::try_from(length).unwrap_or(0).to_be_bytes();
    let [i0, i1] = ident.to_be_bytes();
    let [f0, f1] = match outer.inner.dont_fragment {
        true => DF,
        false => 0,
    }
    .to_be_bytes();
    let ([s0, s1, s2, s3], [d0, d1, d2, d3]) = (outer.src.v4(), outer.dst.v4());
    let tos = encapsulated_tos(outer.inner.tos);
    let (hops, protocol) = (outer.inner.hops, outer.protocol);
    *header = [
        0x45, tos, l0, l1, i0, i1, f0, f1, hops, protocol, 0, 0, s0, s1, s2, s3, d0, d1, d2, d3,
    ];
    renew_header_checksum(header).ok()
}

/// Writes an IPv6 header (RFC 8200) without a flow label, for a payload of `length` bytes.
///
/// A length that does not fit, which only packets to be segmented have, is written as 0.
///
/// Returns [`None`] if `header` is too short.
#[inline]
pub fn write_v6(header: &mut [u8], outer: &Outer, length: usize) -> Option<()> {
    let (fixed, addrs) = header.split_first_chunk_mut::<8>()?;
    let (src, addrs) = addrs.split_first_chunk_mut::<16>()?;
    let dst = addrs.first_chunk_mut::<16>()?;
    let [l0, l1] = u16::try_from(length).unwrap_or(0).to_be_bytes();
    let tos = encapsulated_tos(outer.inner.tos);
    let (hops, protocol) = (outer.inner.hops, outer.protocol);
    *fixed = [0x60 | (tos >> 4), tos << 4, 0, 0, l0, l1, protocol, hops];
    *src = outer.src.octets();
    *dst = outer.dst.octets();
    Some(())
}
