// SPDX-License-Identifier: GPL-2.0

//! The Internet checksum (RFC 1071), and its correction when a few bytes change (RFC 1624).

use crate::addr::{Addr, Family};

/// A one's complement sum of 16-bit words in network order, not yet complemented.
///
/// The sum has 64 bits, so that two words can be added at once as one number of 32 bits, and carries
/// are folded in at the end. There is room for 2^32 words, far more than a packet has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of no words.
    pub const ZERO: Self = Self(0);

    /// The sum whose checksum is `checksum`.
    #[inline]
    pub const fn from_checksum(checksum: u16) -> Self {
        Self(!checksum as u64)
    }

    /// The sum in the checksum field of a packet whose checksum a device will complete.
    #[inline]
    pub const fn from_partial(partial: u16) -> Self {
        Self(partial as u64)
    }

    /// Adds a word, given in host order.
    #[inline]
    #[must_use]
    pub const fn add(self, word: u16) -> Self {
        Self(self.0.wrapping_add(word as u64))
    }

    /// Subtracts a word, given in host order.
    #[inline]
    #[must_use]
    pub const fn remove(self, word: u16) -> Self {
        self.add(!word)
    }

    /// Adds two words, given as one number in host order.
    #[inline]
    #[must_use]
    pub const fn add_u32(self, words: u32) -> Self {
        Self(self.0.wrapping_add(words as u64))
    }

    /// Subtracts two words, given as one number in host order.
    #[inline]
    #[must_use]
    pub const fn remove_u32(self, words: u32) -> Self {
        self.add_u32(!words)
    }

    /// Adds the eight words of an IPv6 address.
    #[inline]
    #[must_use]
    pub const fn add_v6(self, addr: Addr) -> Self {
        let [a, b, c, d] = v6_words(addr);
        self.add_u32(a).add_u32(b).add_u32(c).add_u32(d)
    }

    /// Subtracts the eight words of an IPv6 address.
    #[inline]
    #[must_use]
    pub const fn remove_v6(self, addr: Addr) -> Self {
        let [a, b, c, d] = v6_words(addr);
        self.remove_u32(a).remove_u32(b).remove_u32(c).remove_u32(d)
    }

    /// Adds the bytes of a message. If their number is odd, a byte 0 is added behind the last one.
    #[must_use]
    pub fn add_bytes(mut self, bytes: &[u8]) -> Self {
        for chunk in bytes.chunks(4) {
            let mut words = [0; 4];
            for (to, from) in words.iter_mut().zip(chunk) {
                *to = *from;
            }
            self = self.add_u32(u32::from_be_bytes(words));
        }
        self
    }

    /// Adds the words of an address.
    #[inline]
    #[must_use]
    pub fn add_addr(self, family: Family, addr: Addr) -> Self {
        match family {
            Family::V4 => self.add_u32(u32::from_be_bytes(addr.v4())),
            Family::V6 => self.add_v6(addr),
        }
    }

    /// Adds the pseudo header (RFC 9293, section 3.1; RFC 8200, section 8.1) of a packet of `protocol`
    /// with `len` bytes from the transport header on.
    #[inline]
    #[must_use]
    pub fn add_pseudo_header(
        self,
        family: Family,
        src: Addr,
        dst: Addr,
        protocol: u8,
        len: u32,
    ) -> Self {
        self.add_addr(family, src)
            .add_addr(family, dst)
            .add(protocol.into())
            .add_u32(len)
    }

    /// The sum in 16 bits; 0 only if all words were 0.
    #[inline]
    pub const fn partial(self) -> u16 {
        let sum = self.0;
        let sum = (sum & 0xFFFF_FFFF).wrapping_add(sum >> 32);
        let sum = (sum & 0xFFFF_FFFF).wrapping_add(sum >> 32);
        let sum = (sum & 0xFFFF).wrapping_add(sum >> 16);
        let sum = (sum & 0xFFFF).wrapping_add(sum >> 16);
        // CAST: each second step has folded in the carry of the first, so 16 bits remain.
        sum as u16
    }

    /// The checksum of the words.
    #[inline]
    pub const fn checksum(self) -> u16 {
        !self.partial()
    }

    /// The checksum as UDP sends it (RFC 768). 0 would mean that there is no checksum, so 0xFFFF is
    /// sent, which is the same number in one's complement.
    #[inline]
    pub const fn udp_checksum(self) -> u16 {
        match self.checksum() {
            0 => 0xFFFF,
            checksum => checksum,
        }
    }
}

/// An IPv6 address as four words of 32 bits.
#[inline]
const fn v6_words(addr: Addr) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = addr.octets();
    [
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
        u32::from_be_bytes([i, j, k, l]),
        u32::from_be_bytes([m, n, o, p]),
    ]
}
