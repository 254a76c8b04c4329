// SPDX-License-Identifier: GPL-2.0

//! Where things lie in the hash tables: SipHash, keyed so that nobody outside can aim at a
//! bucket.
//!
//! The C module uses SipHash-2-4. SipHash-1-3 is as hard to aim at for hash tables (it is what
//! the standard library of Rust and the kernel's own hsiphash use) and takes half the rounds;
//! the buckets of both are random per boot, so nobody can see the difference.
//!
//! J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012.

use crate::addr::{Addr, Family};
use crate::flow::Tuple;

/// The secret of one hash table.
#[derive(Clone, Copy)]
pub struct HashKey([u64; 2]);

impl HashKey {
    /// A key from 128 random bits.
    #[inline]
    pub const fn new(random: [u64; 2]) -> Self {
        Self(random)
    }
}

/// The hash of a packet's two ends, the same for packets of both directions.
#[inline]
pub fn flow(key: HashKey, tuple: &Tuple) -> u32 {
    let protocol = u64::from(tuple.protocol) << 48;
    match tuple.family {
        Family::V4 => {
            let end = |addr, port| (v4_word(addr) << 16) | u64::from(port);
            let (src, dst) = (end(tuple.src, tuple.sport), end(tuple.dst, tuple.dport));
            let (lower, upper) = (src.min(dst), src.max(dst));
            words(key, [protocol | lower, upper])
        }
        Family::V6 => {
            let (src, dst) = (
                (tuple.src.words(), tuple.sport),
                (tuple.dst.words(), tuple.dport),
            );
            let (([l0, l1], lower), ([u0, u1], upper)) = match src <= dst {
                true => (src, dst),
                false => (dst, src),
            };
            let ports = (u64::from(lower) << 16) | u64::from(upper);
            words(key, [protocol | ports, l0, l1, u0, u1])
        }
    }
}

/// The hash of a virtual service that is known by its address.
#[inline]
pub fn service(key: HashKey, family: Family, protocol: u16, addr: Addr, port: u16) -> u32 {
    let head = (u64::from(protocol) << 16) | u64::from(port);
    match family {
        Family::V4 => words(key, [head, v4_word(addr)]),
        Family::V6 => {
            let [a0, a1] = addr.words();
            words(key, [head, a0, a1])
        }
    }
}

/// The hash of a virtual service that is known by the firewall mark of its packets.
#[inline]
pub fn mark(key: HashKey, family: Family, mark: u32) -> u32 {
    let head = (u64::from(family.af()) << 32) | u64::from(mark);
    words(key, [head])
}

/// The hash of an address alone.
#[inline]
pub fn address(key: HashKey, family: Family, addr: Addr) -> u32 {
    match family {
        Family::V4 => fold(siphash_u32::<1, 3>(key, u32::from_ne_bytes(addr.v4()))),
        Family::V6 => words(key, addr.words()),
    }
}

#[inline]
fn v4_word(addr: Addr) -> u64 {
    u64::from(u32::from_ne_bytes(addr.v4()))
}

/// The hash of so many words, which is worked out without a loop.
#[inline(always)]
fn words<const N: usize>(key: HashKey, words: [u64; N]) -> u32 {
    fold(siphash::<1, 3>(key, &words))
}

/// CAST: the low half; all bits of a SipHash are equally good.
#[inline]
fn fold(hash: u64) -> u32 {
    hash as u32
}

/// SipHash with `C` rounds per word and `D` final rounds, over whole words.
#[inline(always)]
pub fn siphash<const C: usize, const D: usize>(key: HashKey, words: &[u64]) -> u64 {
    let mut state = State::<C, D>::new(key);
    for &word in words {
        state.absorb(word);
    }
    // CAST: only the low byte of the length in bytes counts, and it comes to lie on top.
    state.finish((words.len() as u64) << 59)
}

/// SipHash with `C` rounds per word and `D` final rounds, over four bytes: a number with its low
/// byte first.
#[inline]
pub fn siphash_u32<const C: usize, const D: usize>(key: HashKey, number: u32) -> u64 {
    State::<C, D>::new(key).finish((4 << 56) | u64::from(number))
}

/// The state of SipHash: the letters of the paper.
#[derive(Clone, Copy)]
struct State<const C: usize, const D: usize> {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl<const C: usize, const D: usize> State<C, D> {
    #[inline]
    const fn new(HashKey([k0, k1]): HashKey) -> Self {
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    #[inline(always)]
    fn rounds<const N: usize>(&mut self) {
        for _ in 0..N {
            self.v0 = self.v0.wrapping_add(self.v1);
            self.v1 = self.v1.rotate_left(13) ^ self.v0;
            self.v0 = self.v0.rotate_left(32);
            self.v2 = self.v2.wrapping_add(self.v3);
            self.v3 = self.v3.rotate_left(16) ^ self.v2;
            self.v0 = self.v0.wrapping_add(self.v3);
            self.v3 = self.v3.rotate_left(21) ^ self.v0;
            self.v2 = self.v2.wrapping_add(self.v1);
            self.v1 = self.v1.rotate_left(17) ^ self.v2;
            self.v2 = self.v2.rotate_left(32);
        }
    }

    #[inline(always)]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.rounds::<C>();
        self.v0 ^= word;
    }

    /// `last` holds the bytes that fill no word, and on top the length of the whole message.
    #[inline(always)]
    fn finish(mut self, last: u64) -> u64 {
        self.absorb(last);
        self.v2 ^= 0xff;
        self.rounds::<D>();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::{DefaultHasher, Hasher};

    /// The key of the paper: the bytes 00 to 0f.
    const PAPER: HashKey = HashKey::new([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);

    fn bytes<const C: usize, const D: usize>(key: HashKey, message: &[u8]) -> u64 {
        let mut state = State::<C, D>::new(key);
        let mut words = message.chunks_exact(8);
        for word in &mut words {
            state.absorb(u64::from_le_bytes(word.try_into().unwrap()));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        last[7] = message.len() as u8;
        state.finish(u64::from_le_bytes(last))
    }

    #[test]
    fn gives_the_vectors_of_the_paper() {
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(bytes::<2, 4>(PAPER, &message), 0xa129_ca61_49be_45e5);
        // From the vectors of the reference implementation: no byte, and eight bytes.
        assert_eq!(siphash::<2, 4>(PAPER, &[]), 0x726f_db47_dd0e_0e31);
        assert_eq!(
            siphash::<2, 4>(PAPER, &[0x0706_0504_0302_0100]),
            0x93f5_f579_9a93_2462
        );
    }

    #[test]
    fn gives_the_vectors_of_siphash_1_3() {
        assert_eq!(siphash::<1, 3>(PAPER, &[]), 0xabac_0158_050f_c4dc);
        // The Maglev scheduler's hashes of clients 10.0.0.2 and 192.0.2.1.
        let key = HashKey::new([2_654_435_761; 2]);
        for (client, hash) in [([10, 0, 0, 2], 0x41CF_DE13), ([192, 0, 2, 1], 0x9288_9C88)] {
            let number = u32::from_be_bytes(client);
            assert_eq!(fold(bytes::<1, 3>(key, &number.to_le_bytes())), hash);
            assert_eq!(fold(siphash_u32::<1, 3>(key, number)), hash);
        }
    }

    fn tuple(family: Family) -> Tuple {
        Tuple {
            src: Addr::from_v4([10, 0, 0, 2]),
            dst: Addr::from_v4([207, 175, 44, 110]),
            sport: 40000,
            dport: 80,
            protocol: 6,
            family,
        }
    }

    #[test]
    fn every_field_counts_and_the_direction_does_not() {
        let key = HashKey::new([1, 2]);
        for family in [Family::V4, Family::V6] {
            let base = tuple(family);
            let other = Addr::from_v4([10, 0, 0, 3]);
            let ports = |sport, dport| Tuple {
                sport,
                dport,
                ..base
            };
            let variants = [
                base,
                Tuple { src: other, ..base },
                Tuple { dst: other, ..base },
                // The same ports, at the other ends.
                ports(80, 40000),
                ports(80, 80),
                ports(40000, 81),
                Tuple {
                    src: base.dst,
                    ..base
                },
                Tuple {
                    protocol: 17,
                    ..base
                },
            ];
            for one in &variants {
                assert_eq!(flow(key, one), flow(key, &one.reversed()), "{one:?}");
            }
            let mut hashes: Vec<_> = variants.iter().map(|tuple| flow(key, tuple)).collect();
            hashes.push(flow(HashKey::new([1, 3]), &base));
            hashes.sort_unstable();
            hashes.dedup();
            assert_eq!(hashes.len(), 9, "{family:?}");
        }
    }

    #[test]
    fn addresses_and_families_count() {
        let key = HashKey::new([1, 2]);
        let addrs = [Addr::from_v4([10, 0, 0, 2]), Addr::from_v4([10, 0, 0, 3])];
        let mut hashes: Vec<_> = [Family::V4, Family::V6]
            .into_iter()
            .flat_map(|family| addrs.map(|addr| address(key, family, addr)))
            .collect();
        hashes.push(address(HashKey::new([1, 3]), Family::V4, addrs[0]));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 5);
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(words in proptest::collection::vec(any::<u64>(), 0..12)) {
            let mut reference = DefaultHasher::new();
            for word in &words {
                reference.write(&word.to_le_bytes());
            }
            prop_assert_eq!(siphash::<1, 3>(HashKey::new([0; 2]), &words), reference.finish());
        }

        #[test]
        #[allow(deprecated)]
        fn agrees_with_the_standard_library_on_2_4(
            key in any::<[u64; 2]>(),
            message in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut reference = std::hash::SipHasher::new_with_keys(key[0], key[1]);
            reference.write(&message);
            prop_assert_eq!(bytes::<2, 4>(HashKey::new(key), &message), reference.finish());
        }
    }
}
