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
        let [a, b] = addr.words();
        self.add_in_memory_order(with_carry(a, b))
    }

    /// Subtracts the eight words of an IPv6 address, and adds those of another one.
    #[inline]
    #[must_use]
    pub const fn replace_v6(self, old: Addr, new: Addr) -> Self {
        let ([a, b], [c, d]) = (old.words(), new.words());
        let new = with_carry(c, d);
        self.add_in_memory_order(with_carry(with_carry(!a, !b), new))
    }

    /// Adds a sum of words that were added as they are in memory. The order of bytes is that of the result, whatever it was in the
    /// words (RFC 1071, section 2, B).
    #[inline]
    const fn add_in_memory_order(self, sum: u64) -> Self {
        let sum = sum.to_be();
        let folded = (sum & 0xFFFF_FFFF).wrapping_add(sum >> 32);
        Self(self.0.wrapping_add(folded))
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

/// Adds two numbers of four words each in one's complement: what is carried out of the sum is added to it. That is 0 only if both
/// numbers are.
#[inline]
const fn with_carry(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    // CAST: 0 or 1. The sum is not the largest number then.
    sum.wrapping_add(carry as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_ipv6_address_is_summed_as_its_words(
            start in any::<u16>(),
            old in proptest::array::uniform8(prop_oneof![Just(0u16), Just(0xFFFF), any::<u16>()]),
            new in proptest::array::uniform8(prop_oneof![Just(0u16), Just(0xFFFF), any::<u16>()]),
        ) {
            let addr = |words: [u16; 8]| {
                let mut octets = [0; 16];
                for (to, from) in octets.chunks_exact_mut(2).zip(words) {
                    to.copy_from_slice(&from.to_be_bytes());
                }
                Addr::from_v6(octets)
            };
            let start = Sum::from_partial(start);
            let added = new.into_iter().fold(start, Sum::add);
            prop_assert_eq!(start.add_v6(addr(new)).partial(), added.partial());
            let replaced = old.into_iter().fold(added, Sum::remove);
            prop_assert_eq!(start.replace_v6(addr(old), addr(new)).partial(), replaced.partial());
        }
    }
}
