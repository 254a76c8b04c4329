// SPDX-License-Identifier: GPL-2.0

//! The header of generic routing encapsulation (RFC 2784).

use crate::addr::Family;

/// The length of a header without a checksum, in bytes.
pub const HEADER_LEN: usize = 4;
/// The length of the checksum and the reserved bytes behind it.
pub const CHECKSUM_LEN: usize = 4;

/// The only flag that tunnels have here: the checksum follows.
const CHECKSUM: u16 = 0x8000;
/// The EtherType of IPv4 and of IPv6.
const ETHER_V4: u16 = 0x0800;
const ETHER_V6: u16 = 0x86DD;

/// The first fields of a header, in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Flags and version.
    pub flags: u16,
    /// The EtherType of the packet inside.
    pub ether_type: u16,
}

impl Header {
    /// The fields in these bytes.
    #[inline(always)]
    pub const fn read([f0, f1, k0, k1]: [u8; HEADER_LEN]) -> Self {
        Self {
            flags: u16::from_be_bytes([f0, f1]),
            ether_type: u16::from_be_bytes([k0, k1]),
        }
    }

    /// The length of the whole header, in bytes.
    ///
    /// Returns [`None`] for another version, and for flags that tunnels do not use here.
    pub const fn header_len(self) -> Option<usize> {
        match self.flags {
            0 => Some(HEADER_LEN),
            CHECKSUM => Some(HEADER_LEN + CHECKSUM_LEN),
            _ => None,
        }
    }

    /// The family of the packet inside; [`None`] if it is not an IP packet.
    pub const fn inner_family(self) -> Option<Family> {
        match self.ether_type {
            ETHER_V4 => Some(Family::V4),
            ETHER_V6 => Some(Family::V6),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_only_flag() {
        for (bytes, len, family) in [
            ([0x00, 0, 0x08, 0x00], Some(4), Some(Family::V4)),
            ([0x80, 0, 0x86, 0xDD], Some(8), Some(Family::V6)),
            // A key, version 1, and a packet of ARP.
            ([0x20, 0, 0x08, 0x00], None, Some(Family::V4)),
            ([0x00, 1, 0x08, 0x00], None, Some(Family::V4)),
            ([0x00, 0, 0x08, 0x06], Some(4), None),
        ] {
            let header = Header::read(bytes);
            assert_eq!((header.header_len(), header.inner_family()), (len, family));
        }
    }
}
