// SPDX-License-Identifier: GPL-2.0

//! The number of a datagram of version 1, behind its last entry, where directors that do not know it ignore it.
//!
//! ```text
//!   | "RIPV" | flags (1) | key (1) | stream (2) | sender (4) | epoch (4) | sequence (4) | code (16) |
//! ```
//!
//! All numbers are big endian. The size in the header includes these 36 bytes. Without flag 1 the key and the code are 0:
//! the datagram is not signed. With it they are as [`sign`](super::sign) makes them. A message about messages has its
//! trailer in the same place.

use core::net::IpAddr;

use crate::wire::HeaderSource;

/// The length, in bytes.
pub const TRAILER_LEN: usize = 36;

pub(super) const MAGIC: [u8; 4] = *b"RIPV";

/// The flag of a datagram that is signed.
pub(super) const SIGNED: u8 = 1;

/// The flag of a [`stream`](Trailer::stream) of messages about messages. They have numbers of their own.
const CONTROLS: u16 = 0x8000;

/// The number of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The number of the sender's thread, and a flag if the datagram is a message about messages.
    pub stream: u16,
    /// The director: see [`sender_of`].
    pub sender: u32,
    /// The second in which this run of the sender began, since 1970, modulo 2^32.
    pub epoch: u32,
    /// The number of the datagram in its stream.
    pub sequence: u32,
}

/// The number of a director with this address on the network between the directors. One of IPv6 is mixed to 32 bits.
pub fn sender_of(addr: IpAddr) -> u32 {
    match addr {
        IpAddr::V4(addr) => addr.to_bits(),
        IpAddr::V6(addr) => {
            let words = addr.octets();
            let words = words.chunks_exact(4).filter_map(<[u8]>::first_chunk);
            // Equal words do not cancel each other: the multiplier is 2^32 divided by the golden ratio.
            words.fold(0, |mixed: u32, word| {
                let mixed = mixed ^ u32::from_be_bytes(*word);
                mixed.wrapping_mul(0x9E37_79B1) ^ (mixed >> 15)
            })
        }
    }
}

/// The number before the first number of a run that begins within its epoch after so many nanoseconds.
///
/// A later run has higher numbers than an earlier one of the same second, unless that has sent more than 2^20 datagrams in
/// a millisecond. So epoch and number together tell runs apart, and which is later.
pub const fn sequence_from(nanoseconds: u32) -> u32 {
    (nanoseconds / 1_000_000) << 20
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
        let word = |at| Some(u32::from_be_bytes(rest.array(at)?));
        Some(Self {
            stream: u16::from_be_bytes(rest.array(6)?),
            sender: word(8)?,
            epoch: word(12)?,
            sequence: word(16)?,
        })
    }

    /// The bytes, unsigned.
    pub fn write(&self) -> [u8; TRAILER_LEN] {
        let [m0, m1, m2, m3] = MAGIC;
        let [s0, s1] = self.stream.to_be_bytes();
        let [d0, d1, d2, d3] = self.sender.to_be_bytes();
        let [e0, e1, e2, e3] = self.epoch.to_be_bytes();
        let [n0, n1, n2, n3] = self.sequence.to_be_bytes();
        [
            m0, m1, m2, m3, 0, 0, s0, s1, d0, d1, d2, d3, e0, e1, e2, e3, n0, n1, n2, n3, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
    }

    /// The trailer of a message about messages with this number.
    #[must_use]
    pub const fn of_control(self, sequence: u32) -> Self {
        Self {
            stream: self.stream | CONTROLS,
            sequence,
            ..self
        }
    }

    /// The number of the sender's thread.
    pub const fn thread(&self) -> u16 {
        self.stream & !CONTROLS
    }
}
