// SPDX-License-Identifier: GPL-2.0

//! The IPv6 header and its extension headers (RFC 8200, sections 3 and 4).

use super::protocol::{AH, DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING};
use crate::addr::Addr;

/// The number in the version field.
pub const VERSION: u8 = 6;
/// The length of the fixed header, in bytes.
pub const HEADER_LEN: usize = 40;
/// Where the hop limit is, in bytes from the start of the header.
pub const HOPS: usize = 7;
/// The length of each half of the fixed header, in bytes: the first is as long as a header of IPv4.
pub const HALF_LEN: usize = 20;
/// The smallest MTU of a link that carries IPv6, in bytes (RFC 8200, section 5).
pub const MIN_MTU: u32 = 1280;

/// The fields of the fixed header that IPVS uses. Numbers are in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Differentiated services and congestion notification.
    pub traffic_class: u8,
    /// The length of all that follows the fixed header, in bytes; 0 in a jumbogram.
    pub payload_len: u16,
    /// The number of what follows: an extension header or the transport protocol.
    pub next_header: u8,
    /// The number of hops that the packet may still travel.
    pub hop_limit: u8,
    /// The source address.
    pub src: Addr,
    /// The destination address.
    pub dst: Addr,
}

impl Header {
    /// The fields in the two halves of a header. Nothing is checked, not even the version.
    #[inline(always)]
    pub const fn from_halves(first: &[u8; HALF_LEN], second: &[u8; HALF_LEN]) -> Self {
        let &[v0, v1, _, _, l0, l1, next_header, hop_limit, a, b, c, d, e, f, g, h, i, j, k, l] =
            first;
        let &[m, n, o, p, dst @ ..] = second;
        Self {
            traffic_class: (v0 << 4) | (v1 >> 4),
            payload_len: u16::from_be_bytes([l0, l1]),
            next_header,
            hop_limit,
            src: Addr::from_v6([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
            dst: Addr::from_v6(dst),
        }
    }

    /// The fields at the start of `bytes`. Nothing is checked, not even the version.
    ///
    /// Returns [`None`] if there are less than [`HEADER_LEN`] bytes.
    #[inline(always)]
    pub fn at_start(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        Some(Self::from_halves(first, rest.first_chunk()?))
    }

    /// Writes the header to the start of `bytes`, with the flow label 0.
    ///
    /// Returns [`None`] if there are less than [`HEADER_LEN`] bytes.
    #[inline(always)]
    pub fn write(&self, bytes: &mut [u8]) -> Option<()> {
        let (fixed, addrs) = bytes.split_first_chunk_mut::<8>()?;
        let (src, addrs) = addrs.split_first_chunk_mut::<16>()?;
        let dst = addrs.first_chunk_mut::<16>()?;
        let [l0, l1] = self.payload_len.to_be_bytes();
        let class = self.traffic_class;
        let first = (VERSION << 4) | (class >> 4);
        let (next, hops) = (self.next_header, self.hop_limit);
        *fixed = [first, class << 4, 0, 0, l0, l1, next, hops];
        *src = self.src.octets();
        *dst = self.dst.octets();
        Some(())
    }
}

/// The hop limit of the header at the start of `bytes`.
///
/// Returns [`None`] if the bytes end before it does.
#[inline]
pub fn hop_limit_mut(bytes: &mut [u8]) -> Option<&mut u8> {
    let [_, _, _, _, _, _, _, hop_limit] = bytes.first_chunk_mut::<8>()?;
    Some(hop_limit)
}

/// The fields of a header that the director edits, in network order.
pub struct HeaderMut<'a> {
    /// See [`Header::hop_limit`].
    pub hop_limit: &'a mut u8,
    /// See [`Header::src`].
    pub src: &'a mut [u8; 16],
    /// See [`Header::dst`].
    pub dst: &'a mut [u8; 16],
}

impl<'a> HeaderMut<'a> {
    /// The fields of the header at the start of `bytes`.
    ///
    /// Returns [`None`] if there are less than [`HEADER_LEN`] bytes.
    #[inline(always)]
    pub fn at_start(bytes: &'a mut [u8]) -> Option<Self> {
        let header = bytes.get_mut(..HEADER_LEN)?;
        let (header, dst) = header.split_last_chunk_mut()?;
        let (header, src) = header.split_last_chunk_mut()?;
        let hop_limit = header.last_mut()?;
        Some(Self {
            hop_limit,
            src,
            dst,
        })
    }
}

/// The first bytes of an extension header. No extension header is shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The number of what follows this extension header.
    pub next_header: u8,
    /// The length of the extension header: see [`len`](Self::len).
    units: u8,
    /// The bytes 2 and 3, which hold the offset and flags of a fragment header.
    offset_flags: u16,
}

impl Extension {
    /// The length of what is read of an extension header, in bytes.
    pub const LEN: usize = 8;

    /// Whether `protocol` is the number of an extension header that can be passed over.
    ///
    /// As the C module does: an authentication header is one.
    #[inline]
    pub const fn is_one(protocol: u8) -> bool {
        matches!(
            protocol,
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | AH | FRAGMENT
        )
    }

    /// The fields in these bytes.
    #[inline(always)]
    pub const fn read(bytes: &[u8; Self::LEN]) -> Self {
        let &[next_header, units, o0, o1, _, _, _, _] = bytes;
        Self {
            next_header,
            units,
            offset_flags: u16::from_be_bytes([o0, o1]),
        }
    }

    /// The length of the extension header, in bytes, if its number is `protocol`.
    #[inline(always)]
    pub const fn len(&self, protocol: u8) -> usize {
        // CAST: a u8 fits.
        let units = self.units as usize;
        match protocol {
            FRAGMENT => Self::LEN,
            // RFC 4302, section 2.2: in units of four bytes, less two.
            AH => units.saturating_add(2).saturating_mul(4),
            // In units of eight bytes, without the first eight.
            _ => units.saturating_add(1).saturating_mul(8),
        }
    }

    /// In a fragment header: the place of the fragment in its datagram, in bytes.
    #[inline]
    pub const fn fragment_offset(&self) -> u16 {
        self.offset_flags & !7
    }

    /// In a fragment header: whether another fragment follows this one.
    #[inline]
    pub const fn more_fragments(&self) -> bool {
        self.offset_flags & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            traffic_class: 0xAB,
            payload_len: 0x1234,
            next_header: 17,
            hop_limit: 63,
            src: Addr::from_v6(core::array::from_fn(|i| i as u8)),
            dst: Addr::from_v6(core::array::from_fn(|i| 0xF0 | i as u8)),
        }
    }

    #[test]
    fn each_field_is_where_the_rfc_has_it() {
        let mut bytes = [0xFF; HEADER_LEN];
        header().write(&mut bytes).unwrap();
        assert_eq!(bytes[..8], [0x6A, 0xB0, 0, 0, 0x12, 0x34, 17, 63]);
        assert_eq!(bytes[8..24], header().src.octets());
        assert_eq!(bytes[24..], header().dst.octets());
        assert_eq!(Header::at_start(&bytes), Some(header()));
    }

    #[test]
    fn half_a_header_is_none() {
        let mut bytes = [0; HEADER_LEN - 1];
        assert_eq!(Header::at_start(&bytes), None);
        assert_eq!(header().write(&mut bytes), None);
        assert!(HeaderMut::at_start(&mut bytes).is_none());
    }

    #[test]
    fn a_write_changes_the_field_of_its_name() {
        let mut bytes = [0; HEADER_LEN];
        header().write(&mut bytes).unwrap();
        let fields = HeaderMut::at_start(&mut bytes).unwrap();
        (*fields.src, *fields.dst) = ([1; 16], [2; 16]);
        *fields.hop_limit = 1;
        assert_eq!(hop_limit_mut(&mut bytes).copied(), Some(1));
        *hop_limit_mut(&mut bytes).unwrap() = 2;
        assert!(hop_limit_mut(&mut bytes[..7]).is_none());
        let expected = Header {
            hop_limit: 2,
            src: Addr::from_v6([1; 16]),
            dst: Addr::from_v6([2; 16]),
            ..header()
        };
        assert_eq!(Header::at_start(&bytes), Some(expected));
    }

    #[test]
    fn extension_headers_count_their_length_in_units_of_their_own() {
        for (protocol, units, len) in [
            (HOP_BY_HOP, 0, 8),
            (ROUTING, 2, 24),
            (DESTINATION_OPTIONS, 255, 2048),
            (AH, 4, 24),
            (FRAGMENT, 200, 8),
        ] {
            assert!(Extension::is_one(protocol));
            let extension = Extension::read(&[6, units, 0, 0, 0, 0, 0, 0]);
            assert_eq!(extension.next_header, 6);
            assert_eq!(extension.len(protocol), len, "{protocol}");
        }
        assert!(![4, 6, 17, 50, 58, 59, 132]
            .into_iter()
            .any(Extension::is_one));
    }

    #[test]
    fn a_fragment_has_an_offset_or_a_successor() {
        for (bits, offset, more) in [
            (0, 0, false),
            (1, 0, true),
            (8, 8, false),
            (0xFFFF, 0xFFF8, true),
        ] {
            let [o0, o1] = u16::to_be_bytes(bits);
            let extension = Extension::read(&[6, 0, o0, o1, 0, 0, 0, 0]);
            assert_eq!(extension.fragment_offset(), offset);
            assert_eq!(extension.more_fragments(), more);
        }
    }

    proptest! {
        #[test]
        fn halves_are_read_as_the_whole(bytes in any::<[[u8; HALF_LEN]; 2]>()) {
            let [first, second] = &bytes;
            let whole = Header::at_start(bytes.as_flattened());
            prop_assert_eq!(whole, Some(Header::from_halves(first, second)));
        }
    }
}
