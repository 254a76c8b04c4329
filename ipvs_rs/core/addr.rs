// SPDX-License-Identifier: GPL-2.0

//! Addresses of both families in one shape.

use core::cmp::Ordering;
use core::fmt;

mod ip;
mod text;

/// An address family that IPVS balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family that Linux numbers `af`: 2 is `AF_INET`, 10 is `AF_INET6`.
    #[inline]
    pub const fn from_af(af: u16) -> Option<Self> {
        match af {
            2 => Some(Self::V4),
            10 => Some(Self::V6),
            _ => None,
        }
    }

    /// The number that Linux gives to this family.
    #[inline]
    pub const fn af(self) -> u16 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }
}

/// An IPv4 or IPv6 address: 16 bytes in network order, of which IPv4 uses the first four and
/// leaves the others zero.
///
/// The address does not know its family, which is stored beside it where it matters. The bytes are
/// held as two words, because the packet path compares and hashes them.
///
/// # Invariants
///
/// The words are the bytes of the address in memory order. Their numeric value depends on the
/// machine, so it leaves this file only as the input of a hash.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Addr([u64; 2]);

impl Addr {
    /// The unspecified address of both families.
    pub const ZERO: Self = Self([0; 2]);

    /// The IPv4 address with these bytes, in network order.
    #[inline]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        let [a, b, c, d] = octets;
        Self([u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]), 0])
    }

    /// The IPv6 address with these bytes, in network order.
    #[inline]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
        Self([
            u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
            u64::from_ne_bytes([i, j, k, l, m, n, o, p]),
        ])
    }

    /// The address in a message of a client: up to 16 bytes in network order. Missing bytes are 0.
    ///
    /// Returns [`None`] for more than 16 bytes.
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        let mut octets = [0; 16];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self::from_v6(octets))
    }

    /// All 16 bytes in network order.
    #[inline]
    pub const fn octets(self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h] = self.0[0].to_ne_bytes();
        let [i, j, k, l, m, n, o, p] = self.0[1].to_ne_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The four bytes of an IPv4 address, in network order.
    #[inline]
    pub const fn v4(self) -> [u8; 4] {
        // CAST: the first four bytes. As one word they take one load.
        (u64::from_le(self.0[0]) as u32).to_le_bytes()
    }

    /// The bytes of the address in memory order as two words, for hashing.
    #[inline]
    pub const fn words(self) -> [u64; 2] {
        self.0
    }

    /// Whether this is the unspecified address.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0[0] | self.0[1] == 0
    }

    /// Writes an IPv4 address as `/proc/net/ip_vs` shows it: eight hexadecimal digits. 10.0.0.1 is
    /// `0A000001`.
    pub fn write_hex8(self, out: &mut impl fmt::Write) -> fmt::Result {
        for octet in self.v4() {
            out.write_char(hex_digit(octet >> 4).to_ascii_uppercase())?;
            out.write_char(hex_digit(octet).to_ascii_uppercase())?;
        }
        Ok(())
    }

    /// Writes an IPv6 address as `/proc/net/ip_vs` shows it: eight groups of four lower-case
    /// digits, never compressed.
    pub fn write_v6(self, out: &mut impl fmt::Write) -> fmt::Result {
        for (i, octet) in self.octets().into_iter().enumerate() {
            if i != 0 && i & 1 == 0 {
                out.write_char(':')?;
            }
            out.write_char(hex_digit(octet >> 4))?;
            out.write_char(hex_digit(octet))?;
        }
        Ok(())
    }
}

/// The hexadecimal digit of the low four bits.
const fn hex_digit(nibble: u8) -> char {
    let nibble = nibble & 0xF;
    (if nibble < 10 {
        b'0'.wrapping_add(nibble)
    } else {
        b'a'.wrapping_add(nibble.wrapping_sub(10))
    }) as char
}

impl Ord for Addr {
    /// Compares as numbers in network order, so 10.0.0.1 comes before 10.0.0.2.
    fn cmp(&self, other: &Self) -> Ordering {
        self.octets().cmp(&other.octets())
    }
}

impl PartialOrd for Addr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_v6(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
        let mut out = String::new();
        write(&mut out).unwrap();
        out
    }

    #[test]
    fn families_have_the_numbers_of_linux() {
        for af in 0..=u16::MAX {
            match Family::from_af(af) {
                Some(family) => assert_eq!(family.af(), af),
                None => assert!(af != 2 && af != 10),
            }
        }
    }

    #[test]
    fn octets_come_back_in_network_order() {
        let octets = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(Addr::from_v6(octets).octets(), octets);
        assert_eq!(Addr::from_v6(octets).v4(), [1, 2, 3, 4]);
        assert_eq!(
            Addr::from_v4([192, 0, 2, 1]).octets(),
            [192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn short_wire_addresses_are_padded_with_zeros() {
        assert_eq!(Addr::from_wire(&[]), Some(Addr::ZERO));
        assert_eq!(
            Addr::from_wire(&[192, 0, 2, 1]),
            Some(Addr::from_v4([192, 0, 2, 1]))
        );
        assert_eq!(Addr::from_wire(&[7; 16]), Some(Addr::from_v6([7; 16])));
        assert_eq!(Addr::from_wire(&[7; 17]), None);
    }

    #[test]
    fn orders_as_network_numbers() {
        assert!(Addr::from_v4([10, 0, 0, 2]) > Addr::from_v4([10, 0, 0, 1]));
        assert!(Addr::from_v4([10, 0, 0, 2]) < Addr::from_v4([11, 0, 0, 1]));
        assert!(Addr::ZERO.is_zero() && !Addr::from_v6([1; 16]).is_zero());
    }

    #[test]
    fn prints_as_proc_shows_it() {
        let v4 = Addr::from_v4([207, 175, 44, 110]);
        assert_eq!(text(|out| v4.write_hex8(out)), "CFAF2C6E");
        let v6 = Addr::from_wire(&[0x20, 0x01, 0x0d, 0xb8]).unwrap();
        assert_eq!(
            text(|out| v6.write_v6(out)),
            "2001:0db8:0000:0000:0000:0000:0000:0000"
        );
    }
}
