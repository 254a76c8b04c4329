// SPDX-License-Identifier: GPL-2.0

//! The hashes that decide in which bucket of a hash table an object lies.
//!
//! They are SipHash with a random key, so that nobody outside can choose packets that all fall into
//! one bucket. The C module uses SipHash-2-4. SipHash-1-3 protects a hash table as well (the
//! standard library of Rust and the kernel's hsiphash use it) and takes half the rounds. The key of
//! both is random for each boot, so nobody can see the difference.

mod siphash;

pub use siphash::{siphash, siphash_and_7, siphash_bytes, siphash_u32, HashKey};

use crate::addr::{Addr, Family};
use crate::flow::Tuple;

/// The hash of the two ends of a packet. It is the same for the packets of both directions.
#[inline]
pub fn flow(key: HashKey, tuple: &Tuple) -> u32 {
    let protocol = u64::from(tuple.protocol) << 48;
    match tuple.family {
        Family::V4 => {
            let end = |addr, port| (v4_word(addr) << 16) | u64::from(port);
            let (src, dst) = (end(tuple.src, tuple.sport), end(tuple.dst, tuple.dport));
            let (lower, upper) = (src.min(dst), src.max(dst));
            words(key, [lower], protocol | upper)
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
            words(key, [l0, l1, u0, u1], protocol | ports)
        }
    }
}

/// The hash of a virtual service with an address. `port` is in host order. Of `protocol` the low byte counts: no
/// protocol of IP has a greater number.
#[inline]
pub fn service(key: HashKey, family: Family, protocol: u16, addr: Addr, port: u16) -> u32 {
    let head = (u64::from(protocol & 0xff) << 48) | u64::from(port);
    match family {
        Family::V4 => words(key, [], head | (v4_word(addr) << 16)),
        Family::V6 => words(key, addr.words(), head),
    }
}

/// The hash of a virtual service with a firewall mark.
#[inline]
pub fn mark(key: HashKey, family: Family, mark: u32) -> u32 {
    words(key, [], (u64::from(family.af()) << 32) | u64::from(mark))
}

/// The hash of an address alone.
#[inline]
pub fn address(key: HashKey, family: Family, addr: Addr) -> u32 {
    match family {
        Family::V4 => fold(siphash_u32::<1, 3>(key, u32::from_ne_bytes(addr.v4()))),
        Family::V6 => {
            let [high, low] = addr.words();
            words(key, [high, low], 0)
        }
    }
}

/// The hash of bytes that a client has sent.
pub fn bytes(key: HashKey, bytes: &[u8]) -> u32 {
    fold(siphash_bytes::<1, 3>(key, bytes))
}

#[inline]
fn v4_word(addr: Addr) -> u64 {
    u64::from(u32::from_ne_bytes(addr.v4()))
}

/// The hash of `N` words and of the low 7 bytes of `last`. With 7 bytes at the end the length of the message takes no word of
/// its own, which is a round of SipHash less. `N` is a constant, so the compiler unrolls the loop.
#[inline(always)]
fn words<const N: usize>(key: HashKey, words: [u64; N], last: u64) -> u32 {
    fold(siphash_and_7::<1, 3>(key, &words, last))
}

/// CAST: the low half; all bits of a SipHash are equally good.
#[inline]
fn fold(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
