// SPDX-License-Identifier: GPL-2.0

//! The header of ICMP (RFC 792) and of ICMPv6 (RFC 4443), which are laid out alike.

/// The length of the header, in bytes. An error quotes a packet behind it.
pub const HEADER_LEN: usize = 8;

/// Types of ICMP.
pub mod v4 {
    /// The packet did not reach its destination.
    pub const DESTINATION_UNREACHABLE: u8 = 3;
    /// The sender should send less.
    pub const SOURCE_QUENCH: u8 = 4;
    /// The time to live was over, or a fragment was missing.
    pub const TIME_EXCEEDED: u8 = 11;
    /// The code of [`DESTINATION_UNREACHABLE`] that tells the MTU of the next hop (RFC 1191).
    pub const FRAGMENTATION_NEEDED: u8 = 4;
}

/// Types of ICMPv6.
pub mod v6 {
    /// The packet is larger than the MTU of the next hop.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// The last of the errors that RFC 4443 defines.
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// The first type that is not an error.
    pub const FIRST_INFORMATIONAL: u8 = 128;
}

/// The fields of a header. Numbers are in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the message is: see [`v4`] and [`v6`].
    pub kind: u8,
    /// More about [`kind`](Self::kind).
    pub code: u8,
    /// The last four bytes, whose meaning depends on the kind.
    pub rest: u32,
}

impl Header {
    /// The fields in these bytes.
    #[inline(always)]
    pub const fn read(bytes: &[u8; HEADER_LEN]) -> Self {
        let &[kind, code, _, _, rest @ ..] = bytes;
        Self {
            kind,
            code,
            rest: u32::from_be_bytes(rest),
        }
    }
}

/// The checksum of the header at the start of `bytes`, in network order.
///
/// Returns [`None`] if the bytes end before it does.
#[inline]
pub fn checksum_mut(bytes: &mut [u8]) -> Option<&mut [u8; 2]> {
    let [_kind, _code, checksum @ ..] = bytes.first_chunk_mut::<4>()?;
    Some(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_where_the_rfc_has_it() {
        // Fragmentation needed, and the next hop takes 1400 bytes.
        let mut bytes = [3, 4, 0xAB, 0xCD, 0, 0, 0x05, 0x78];
        let header = Header::read(&bytes);
        assert_eq!((header.kind, header.code), (3, 4));
        assert_eq!(header.rest, 1400);
        assert_eq!(checksum_mut(&mut bytes), Some(&mut [0xAB, 0xCD]));
        assert_eq!(checksum_mut(&mut bytes[..3]), None);
    }
}
