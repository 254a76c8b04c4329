// SPDX-License-Identifier: GPL-2.0

//! SipHash.
//!
//! J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012.

/// The secret key of a hash.
#[derive(Clone, Copy)]
pub struct HashKey([u64; 2]);

impl HashKey {
    /// A key from 128 random bits.
    #[inline]
    pub const fn new(random: [u64; 2]) -> Self {
        Self(random)
    }
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

/// SipHash with `C` rounds per word and `D` final rounds, over whole words and then the low 7 bytes of `last`. The top byte of
/// `last` must be 0.
#[inline(always)]
pub fn siphash_and_7<const C: usize, const D: usize>(
    key: HashKey,
    words: &[u64],
    last: u64,
) -> u64 {
    let mut state = State::<C, D>::new(key);
    for &word in words {
        state.absorb(word);
    }
    // CAST: only the low byte of the length in bytes counts, and it comes to lie on top.
    state.finish(last | ((words.len() as u64) << 59) | (7 << 56))
}

/// SipHash with `C` rounds per word and `D` final rounds, over any bytes.
pub fn siphash_bytes<const C: usize, const D: usize>(key: HashKey, message: &[u8]) -> u64 {
    let mut state = State::<C, D>::new(key);
    let mut words = message.chunks_exact(8);
    for word in &mut words {
        let low_first = |word, &byte: &u8| (word >> 8) | (u64::from(byte) << 56);
        state.absorb(word.iter().fold(0, low_first));
    }
    let rest = words.remainder().iter().rev();
    let last = rest.fold(0, |last, &byte| (last << 8) | u64::from(byte));
    // CAST: only the low byte of the length counts, and it comes to lie on top.
    state.finish(((message.len() as u64) << 56) | last)
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

    #[test]
    fn gives_the_vectors_of_the_paper() {
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(
            siphash_bytes::<2, 4>(PAPER, &message),
            0xa129_ca61_49be_45e5
        );
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
            assert_eq!(
                siphash_bytes::<1, 3>(key, &number.to_le_bytes()) as u32,
                hash
            );
            assert_eq!(siphash_u32::<1, 3>(key, number) as u32, hash);
        }
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
        fn the_last_7_bytes_lie_beside_the_length(
            words in proptest::collection::vec(any::<u64>(), 0..6),
            last in any::<u64>(),
        ) {
            let key = HashKey::new([1, 2]);
            let mut message: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            message.extend(&last.to_le_bytes()[..7]);
            let hash = siphash_and_7::<1, 3>(key, &words, last & (u64::MAX >> 8));
            prop_assert_eq!(hash, siphash_bytes::<1, 3>(key, &message));
        }

        #[test]
        #[allow(deprecated)]
        fn agrees_with_the_standard_library_on_2_4(
            key in any::<[u64; 2]>(),
            message in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut reference = std::hash::SipHasher::new_with_keys(key[0], key[1]);
            reference.write(&message);
            prop_assert_eq!(siphash_bytes::<2, 4>(HashKey::new(key), &message), reference.finish());
        }
    }
}
