// SPDX-License-Identifier: GPL-2.0

//! The IPv4 header (RFC 791, section 3.1).

use super::HeaderSource;
use crate::addr::Addr;

/// The number in the version field.
pub const VERSION: u8 = 4;
/// The length of a header without options, in bytes.
pub const HEADER_LEN: usize = 20;
/// Where the time to live is, in bytes from the start of the header.
pub const HOPS: usize = 8;
/// The first byte of a header without options: version 4, five words.
pub const VERSION_IHL: u8 = 0x45;
/// The smallest MTU of a link that carries IPv4, in bytes (RFC 791, section 3.2).
pub const MIN_MTU: u32 = 68;

/// In [`Header::flags_offset`]: no router may fragment the packet.
pub const DONT_FRAGMENT: u16 = 0x4000;
/// In [`Header::flags_offset`]: this is not the last fragment.
pub const MORE_FRAGMENTS: u16 = 0x2000;
/// In [`Header::flags_offset`]: the place of a fragment in its datagram, in units of eight bytes.
pub const OFFSET_MASK: u16 = 0x1FFF;

/// The length of a header whose first byte is `version_ihl`, in bytes.
///
/// The field counts 32-bit words. A value below [`HEADER_LEN`] is not valid.
#[inline]
pub const fn header_len(version_ihl: u8) -> usize {
    // CAST: a u8 fits.
    ((version_ihl & 0xF) as usize) << 2
}

/// The fields of a header, without its options. Numbers are in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version, and the length of the header: see [`header_len`].
    pub version_ihl: u8,
    /// Differentiated services and congestion notification.
    pub tos: u8,
    /// The length of the packet with its header, in bytes; 0 if it is above 64 KiB.
    pub total_len: u16,
    /// The number that fragments of one datagram have in common.
    pub ident: u16,
    /// [`DONT_FRAGMENT`], [`MORE_FRAGMENTS`] and the offset of a fragment.
    pub flags_offset: u16,
    /// The number of hops that the packet may still travel.
    pub ttl: u8,
    /// The number of the transport protocol: see [`protocol`](super::protocol).
    pub protocol: u8,
    /// The checksum of the header with its options.
    pub checksum: u16,
    /// The source address.
    pub src: Addr,
    /// The destination address.
    pub dst: Addr,
}

impl Header {
    /// The fields in these bytes. Nothing is checked, not even the version.
    #[inline(always)]
    pub const fn read(bytes: &[u8; HEADER_LEN]) -> Self {
        let &[version_ihl, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] =
            bytes;
        Self {
            version_ihl,
            tos,
            total_len: u16::from_be_bytes([l0, l1]),
            ident: u16::from_be_bytes([i0, i1]),
            flags_offset: u16::from_be_bytes([f0, f1]),
            ttl,
            protocol,
            checksum: u16::from_be_bytes([c0, c1]),
            src: Addr::from_v4([s0, s1, s2, s3]),
            dst: Addr::from_v4([d0, d1, d2, d3]),
        }
    }

    /// The fields at the start of `bytes`. Nothing is checked, not even the version.
    ///
    /// Returns [`None`] if there are less than [`HEADER_LEN`] bytes.
    #[inline(always)]
    pub fn at_start(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(Self::read)
    }

    /// The header of a packet of IPv4.
    ///
    /// Returns [`None`] if the packet has another version, or ends before its header does.
    #[inline]
    pub fn of<S: HeaderSource + ?Sized>(packet: &S) -> Option<Self> {
        let header = Self::read(&packet.array(0)?);
        (header.version() == VERSION).then_some(header)
    }

    /// The bytes of the header, as they are sent.
    #[inline(always)]
    pub const fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.total_len.to_be_bytes();
        let [i0, i1] = self.ident.to_be_bytes();
        let [f0, f1] = self.flags_offset.to_be_bytes();
        let [c0, c1] = self.checksum.to_be_bytes();
        let ([s0, s1, s2, s3], [d0, d1, d2, d3]) = (self.src.v4(), self.dst.v4());
        let (version_ihl, tos) = (self.version_ihl, self.tos);
        let (ttl, protocol) = (self.ttl, self.protocol);
        [
            version_ihl,
            tos,
            l0,
            l1,
            i0,
            i1,
            f0,
            f1,
            ttl,
            protocol,
            c0,
            c1,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ]
    }

    /// The version: [`VERSION`] in a packet of IPv4.
    #[inline]
    pub const fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// The length of the header with its options, in bytes.
    #[inline]
    pub const fn header_len(&self) -> usize {
        header_len(self.version_ihl)
    }

    /// Whether no router may fragment the packet.
    #[inline]
    pub const fn dont_fragment(&self) -> bool {
        self.flags_offset & DONT_FRAGMENT != 0
    }

    /// Whether another fragment follows this one.
    #[inline]
    pub const fn more_fragments(&self) -> bool {
        self.flags_offset & MORE_FRAGMENTS != 0
    }

    /// The place of a fragment in its datagram, in units of eight bytes.
    #[inline]
    pub const fn fragment_offset(&self) -> u16 {
        self.flags_offset & OFFSET_MASK
    }

    /// Whether the packet is a part of a datagram, be it the first one.
    #[inline]
    pub const fn is_fragment(&self) -> bool {
        self.flags_offset & (MORE_FRAGMENTS | OFFSET_MASK) != 0
    }
}

/// The fields of a header that the director edits, in network order.
pub struct HeaderMut<'a> {
    /// See [`Header::ttl`].
    pub ttl: &'a mut u8,
    /// See [`Header::protocol`].
    pub protocol: &'a mut u8,
    /// See [`Header::checksum`].
    pub checksum: &'a mut [u8; 2],
    /// See [`Header::src`].
    pub src: &'a mut [u8; 4],
    /// See [`Header::dst`].
    pub dst: &'a mut [u8; 4],
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
        let (header, checksum) = header.split_last_chunk_mut()?;
        let (_, [ttl, protocol]) = header.split_last_chunk_mut()?;
        Some(Self {
            ttl,
            protocol,
            checksum,
            src,
            dst,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A TCP packet from 10.0.0.2 to 10.0.0.100 that must not be fragmented.
    const BYTES: [u8; HEADER_LEN] = [
        0x45, 0x10, 0x00, 0x3C, 0x12, 0x34, 0x40, 0x00, 0x3F, 0x06, 0xAB, 0xCD, 10, 0, 0, 2, 10, 0,
        0, 100,
    ];

    #[test]
    fn each_field_is_where_the_rfc_has_it() {
        let header = Header::read(&BYTES);
        assert_eq!((header.version(), header.header_len()), (4, 20));
        assert_eq!((header.tos, header.total_len), (0x10, 60));
        assert_eq!((header.ident, header.checksum), (0x1234, 0xABCD));
        assert_eq!((header.ttl, header.protocol), (63, 6));
        assert_eq!(header.src, Addr::from_v4([10, 0, 0, 2]));
        assert_eq!(header.dst, Addr::from_v4([10, 0, 0, 100]));
    }

    #[test]
    fn fragments_have_an_offset_or_successors() {
        for (bits, dont, more, offset, is_fragment) in [
            (0x0000, false, false, 0, false),
            (0x4000, true, false, 0, false),
            (0x2000, false, true, 0, true),
            (0x2001, false, true, 1, true),
            (0x1FFF, false, false, 0x1FFF, true),
            // The reserved bit says nothing.
            (0x8000, false, false, 0, false),
        ] {
            let mut header = Header::read(&BYTES);
            header.flags_offset = bits;
            assert_eq!(header.dont_fragment(), dont, "{bits:04X}");
            assert_eq!(header.more_fragments(), more, "{bits:04X}");
            assert_eq!(header.fragment_offset(), offset, "{bits:04X}");
            assert_eq!(header.is_fragment(), is_fragment, "{bits:04X}");
        }
    }

    #[test]
    fn a_packet_of_another_version_or_half_a_header_is_none() {
        assert_eq!(Header::of(&BYTES[..]), Some(Header::read(&BYTES)));
        assert_eq!(Header::of(&BYTES[..19]), None);
        assert_eq!(Header::at_start(&BYTES[..19]), None);
        let mut other = BYTES;
        other[0] = 0x65;
        assert_eq!(Header::of(&other[..]), None);
    }

    #[test]
    fn a_write_changes_the_field_of_its_name() {
        let mut bytes = BYTES;
        let fields = HeaderMut::at_start(&mut bytes).unwrap();
        (*fields.ttl, *fields.protocol) = (1, 17);
        *fields.checksum = [1, 2];
        (*fields.src, *fields.dst) = ([1, 2, 3, 4], [5, 6, 7, 8]);
        let expected = Header {
            ttl: 1,
            protocol: 17,
            checksum: 0x0102,
            src: Addr::from_v4([1, 2, 3, 4]),
            dst: Addr::from_v4([5, 6, 7, 8]),
            ..Header::read(&BYTES)
        };
        assert_eq!(Header::read(&bytes), expected);
        assert!(HeaderMut::at_start(&mut bytes[..19]).is_none());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(bytes in any::<[u8; HEADER_LEN]>()) {
            prop_assert_eq!(Header::read(&bytes).to_bytes(), bytes);
        }
    }
}
