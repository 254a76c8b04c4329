// SPDX-License-Identifier: GPL-2.0

//! The early path: packets of established connections leave before they are routed, if a packet like them was routed less
//! than a second ago, and nobody else wants to see them.

use crate::addr::Family;
use crate::flow::{
    plain::{LEN_V4, LEN_V6},
    Tuple,
};

/// When the early path is taken: the sysctl `early_path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    Off,
    /// While nobody else has a hook at the points that it passes by.
    Auto,
    /// Whoever has hooks there.
    Forced,
}

impl Mode {
    /// The mode with this number, 0 to 2. Another number is [`Mode::Off`].
    #[inline]
    pub const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Auto,
            2 => Self::Forced,
            _ => Self::Off,
        }
    }
}

/// What has happened to packets that might have gone early, as `/proc/net/ip_vs_early` counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Outcome {
    /// The packet has gone early.
    Early,
    /// The second is over, so the packet renews it. Or routes have changed.
    Renewal,
    /// The packet came in by another device, or with another mark or class of service.
    Different,
    /// The packet is larger than the way takes, or was put together of fragments.
    Size,
    /// The packet may travel no further.
    Hops,
    /// The packet begins or ends a conversation of TCP.
    Turn,
    /// The packet is another's business as well: of IPsec, of a bridge, of a socket.
    Special,
    /// Somebody else has hooks where the packet would pass by.
    Hooks,
    /// The server was deleted, or this director is a backup only.
    Server,
    /// There was no room for what is kept of the way.
    Full,
}

impl Outcome {
    /// All outcomes, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Early,
        Self::Renewal,
        Self::Different,
        Self::Size,
        Self::Hops,
        Self::Turn,
        Self::Special,
        Self::Hooks,
        Self::Server,
        Self::Full,
    ];

    /// The name in `/proc/net/ip_vs_early`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Renewal => "renewal",
            Self::Different => "different",
            Self::Size => "size",
            Self::Hops => "hops",
            Self::Turn => "turn",
            Self::Special => "special",
            Self::Hooks => "hooks",
            Self::Server => "server",
            Self::Full => "full",
        }
    }
}

/// A number that tells the flows of plain packets apart, at next to no cost. Whoever chooses addresses and ports can make flows
/// that have the same number: they cost each other a search.
///
/// Of the beginning of a packet that is not plain, it is the number of another packet, if of any.
#[inline(always)]
pub fn fingerprint_v4(start: &[u8; LEN_V4]) -> u32 {
    let &[_, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, p, q, r, s] = start;
    mix(
        u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        u32::from_ne_bytes([p, q, r, s]),
    )
}

/// The same of IPv6.
#[inline(always)]
pub fn fingerprint_v6(start: &[u8; LEN_V6]) -> u32 {
    let &[_, _, _, _, _, _, _, _, a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7, p, q, r, s] =
        start;
    let a = u64::from_ne_bytes([a0, a1, a2, a3, a4, a5, a6, a7]);
    let b = u64::from_ne_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    let c = u64::from_ne_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
    let d = u64::from_ne_bytes([d0, d1, d2, d3, d4, d5, d6, d7]);
    mix(fold_v6([a, b], [c, d]), u32::from_ne_bytes([p, q, r, s]))
}

/// The number of packets with these two ends.
pub fn fingerprint(tuple: &Tuple) -> u32 {
    let ([p, q], [r, s]) = (tuple.sport.to_be_bytes(), tuple.dport.to_be_bytes());
    let ports = u32::from_ne_bytes([p, q, r, s]);
    match tuple.family {
        Family::V4 => {
            let ([a, b, c, d], [e, f, g, h]) = (tuple.src.v4(), tuple.dst.v4());
            mix(u64::from_ne_bytes([a, b, c, d, e, f, g, h]), ports)
        }
        Family::V6 => mix(fold_v6(tuple.src.words(), tuple.dst.words()), ports),
    }
}

#[inline(always)]
const fn fold_v6([a, b]: [u64; 2], [c, d]: [u64; 2]) -> u64 {
    a ^ b.rotate_left(17) ^ c.rotate_left(31) ^ d.rotate_left(47)
}

#[inline(always)]
const fn mix(addrs: u64, ports: u32) -> u32 {
    // CAST: A wider type.
    let ports = (ports as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // CAST: The upper half.
    ((addrs ^ ports).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Plain;

    #[test]
    fn the_numbers_of_the_outcomes_are_their_places_in_the_list() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, place);
        }
    }

    #[test]
    fn modes_have_numbers() {
        let modes = [-1, 0, 1, 2, 3].map(Mode::from_number);
        assert_eq!(
            modes,
            [Mode::Off, Mode::Off, Mode::Auto, Mode::Forced, Mode::Off]
        );
    }

    #[test]
    fn bytes_and_flows_have_the_same_fingerprint() {
        let mut bytes = [0_u8; LEN_V6];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = (place as u8).wrapping_mul(37) ^ 0x5A;
        }
        (bytes[0], bytes[6]) = (0x60, 17);
        let plain = Plain::v6(&bytes).unwrap();
        assert_eq!(fingerprint_v6(&bytes), fingerprint(&plain.flow.tuple()));
        let mut bytes: [u8; LEN_V4] = *bytes.first_chunk().unwrap();
        (bytes[0], bytes[6], bytes[7], bytes[9]) = (0x45, 0, 0, 6);
        let plain = Plain::v4(&bytes).unwrap();
        assert_eq!(fingerprint_v4(&bytes), fingerprint(&plain.flow.tuple()));
    }

    #[test]
    fn flows_are_spread() {
        let mut numbers: Vec<u32> = (0..10_000_u16)
            .map(|port| {
                let mut start = [0; LEN_V4];
                start[12..16].copy_from_slice(&[10, 0, (port >> 12) as u8, 2]);
                start[16..20].copy_from_slice(&[207, 175, 44, 110]);
                start[20..22].copy_from_slice(&port.to_be_bytes());
                start[22..24].copy_from_slice(&80_u16.to_be_bytes());
                fingerprint_v4(&start) >> 12
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        // 2^20 places: chance alone makes some 50 collisions.
        assert!(numbers.len() > 9_900, "{}", numbers.len());
    }
}
