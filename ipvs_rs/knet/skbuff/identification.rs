// SPDX-License-Identifier: GPL-2.0

//! Identifications of IPv4 packets that may be fragmented.
//!
//! The kernel counts them for each pair of addresses and protocol, and hides the counters: it needs a keyed hash of these to find the
//! counter. Whoever sends many packets with the same addresses takes some numbers at a time, which nobody else is given then.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::net_namespace::Net;

/// So many numbers are taken at a time.
const STORE: u8 = 32;

/// Identifications for packets with the same two addresses, in one namespace.
///
/// In one word, so that no number is given twice: the next number (16 bits), how many there are (8 bits), and the protocol that they
/// are for (8 bits).
pub struct Identifications(AtomicU32);

impl Identifications {
    /// None yet. The first one is taken alone, as there may be no other packet.
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// The first of the consecutive numbers of `segments` packets of `protocol` from `source` to `destination`. The addresses and the
    /// namespace are the same in all calls; numbers of other addresses would be used up otherwise.
    #[inline]
    pub fn next(
        &self,
        net: &Net,
        (source, destination): ([u8; 4], [u8; 4]),
        protocol: u8,
        segments: u16,
    ) -> u16 {
        let stored = match segments {
            1 => self.stored(protocol),
            _ => None,
        };
        match stored {
            Some(number) => number,
            None => self.take(net, (source, destination), protocol, segments),
        }
    }

    /// One of the numbers that are left for `protocol`.
    #[inline]
    fn stored(&self, protocol: u8) -> Option<u16> {
        let mut there = self.0.load(Relaxed);
        loop {
            let [n0, n1, left, theirs] = there.to_le_bytes();
            if left == 0 || theirs != protocol {
                return None;
            }
            let [m0, m1] = u16::from_le_bytes([n0, n1]).wrapping_add(1).to_le_bytes();
            let rest = u32::from_le_bytes([m0, m1, left.wrapping_sub(1), protocol]);
            // ORDERING: Relaxed, as a number stands for nothing else in memory.
            match self.0.compare_exchange_weak(there, rest, Relaxed, Relaxed) {
                Ok(_) => return Some(u16::from_le_bytes([n0, n1])),
                Err(other) => there = other,
            }
        }
    }

    /// Takes numbers of the kernel's counter, and stores those that are left. If another packet does the same meanwhile, the numbers that
    /// one of them has stored are used by nobody.
    #[cold]
    fn take(
        &self,
        net: &Net,
        (source, destination): ([u8; 4], [u8; 4]),
        protocol: u8,
        segments: u16,
    ) -> u16 {
        let [.., theirs] = self.0.load(Relaxed).to_le_bytes();
        let wanted = match segments == 1 && theirs == protocol {
            true => u16::from(STORE),
            false => segments,
        };
        let first = net.reserve_identifications((source, destination), protocol, wanted);
        if segments == 1 {
            let [n0, n1] = first.wrapping_add(1).to_le_bytes();
            // CAST: Less than `STORE`.
            let left = wanted.wrapping_sub(1) as u8;
            let stored = u32::from_le_bytes([n0, n1, left, protocol]);
            // ORDERING: Relaxed, as above. A store would do, but loom lets two exchanges read one store.
            self.0.swap(stored, Relaxed);
        }
        first
    }
}

impl Default for Identifications {
    fn default() -> Self {
        Self::new()
    }
}
