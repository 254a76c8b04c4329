// SPDX-License-Identifier: GPL-2.0

//! The number of a datagram of version 1, behind its last entry, where directors that do not know it ignore it.
//!
//! ```text
//!   | "RIPV" | flags (1) | key (1) | stream (2) | epoch (4) | sequence (4) | code (16) |
//! ```
//!
//! All numbers are big endian. The size in the header includes these 32 bytes. Without flag 1 the key and the code are 0:
//! the datagram is not signed. With it they are as [`sign`](super::sign) makes them. A message about messages has its
//! trailer in the same place.

use crate::wire::HeaderSource;

/// The length, in bytes.
pub const TRAILER_LEN: usize = 32;

pub(super) const MAGIC: [u8; 4] = *b"RIPV";

/// The flag of a datagram that is signed.
pub(super) const SIGNED: u8 = 1;

/// The number of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The number of the master's thread.
    pub stream: u16,
    /// The number that the master has chosen for this run.
    pub epoch: u32,
    /// The number of the datagram in its stream.
    pub sequence: u32,
}

impl Trailer {
    /// The trailer of a datagram whose entries are not read yet: its last bytes. [`None`] if these are no trailer.
    pub fn of(datagram: &[u8]) -> Option<Self> {
        Self::read(datagram.last_chunk::<TRAILER_LEN>()?)
    }

    /// Reads the bytes behind the last entry. [`None`] if these are no trailer.
    pub fn read(rest: &[u8]) -> Option<Self> {
        if rest.len() != TRAILER_LEN || rest.array(0)? != MAGIC {
            return None;
        }
        Some(Self {
            stream: u16::from_be_bytes(rest.array(6)?),
            epoch: u32::from_be_bytes(rest.array(8)?),
            sequence: u32::from_be_bytes(rest.array(12)?),
        })
    }

    /// The bytes, unsigned.
    pub fn write(&self) -> [u8; TRAILER_LEN] {
        let [m0, m1, m2, m3] = MAGIC;
        let [s0, s1] = self.stream.to_be_bytes();
        let [e0, e1, e2, e3] = self.epoch.to_be_bytes();
        let [n0, n1, n2, n3] = self.sequence.to_be_bytes();
        [
            m0, m1, m2, m3, 0, 0, s0, s1, e0, e1, e2, e3, n0, n1, n2, n3, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ]
    }
}
