// SPDX-License-Identifier: GPL-2.0

//! The tunnel to a real server, as it is configured.

/// The tunnel through which packets travel to a real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// The number of the encapsulation; see [`uapi::tunnel`](crate::uapi::tunnel). Other numbers are
    /// stored and act as IPIP.
    pub kind: u8,
    /// The UDP port of GUE in host order, which is not 0 there.
    pub port: u16,
    /// Bit 0: with a checksum. Bit 1: with remote checksum offload.
    pub flags: u16,
}

impl Tunnel {
    /// The tunnel packed into one number, so that it can be replaced in one step.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        let Self { kind, port, flags } = self;
        ((kind as u64) << 32) | ((port as u64) << 16) | flags as u64
    }

    /// The reverse of [`to_bits`](Self::to_bits).
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        // CAST: The parts of the word.
        Self {
            kind: (bits >> 32) as u8,
            port: (bits >> 16) as u16,
            flags: bits as u16,
        }
    }
}
