// SPDX-License-Identifier: GPL-2.0

//! The early path: packets of established connections leave before they are routed, if a packet like them was routed less
//! than a second ago, and nobody else wants to see them.

use crate::flow::Tuple;

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
    /// The server was deleted, or this director is a backup only.
    Server,
    /// There was no room for what is kept of the way.
    Full,
}

impl Outcome {
    /// All outcomes, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Early,
        Self::Renewal,
        Self::Different,
        Self::Size,
        Self::Hops,
        Self::Turn,
        Self::Special,
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
            Self::Server => "server",
            Self::Full => "full",
        }
    }
}

/// A number that tells the flows of packets apart, at next to no cost. Whoever chooses addresses and ports can make flows
/// that have the same number: they cost each other a search.
#[inline(always)]
pub const fn fingerprint(tuple: &Tuple) -> u32 {
    let ([a, b], [c, d]) = (tuple.src.words(), tuple.dst.words());
    let addrs = a ^ b.rotate_left(17) ^ c.rotate_left(31) ^ d.rotate_left(47);
    // CAST: Wider types.
    let ports = (tuple.sport as u64) << 16 | tuple.dport as u64;
    let mixed =
        (addrs ^ ports.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    // CAST: The upper half.
    (mixed >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Addr, Family};

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
    fn flows_are_spread() {
        let mut numbers: Vec<u32> = (0..10_000_u16)
            .map(|port| {
                fingerprint(&Tuple {
                    src: Addr::from_v4([10, 0, (port >> 12) as u8, 2]),
                    dst: Addr::from_v4([207, 175, 44, 110]),
                    sport: port,
                    dport: 80,
                    protocol: 6,
                    family: Family::V4,
                }) >> 12
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        // 2^20 places: chance alone makes some 50 collisions.
        assert!(numbers.len() > 9_900, "{}", numbers.len());
    }
}
