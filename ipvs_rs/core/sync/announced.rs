// SPDX-License-Identifier: GPL-2.0

//! The last message that a master has sent about a connection, in one word.

/// The moments are counted in steps of this many ticks (jiffies).
const STEP_BITS: u32 = 2;

/// What the backups were told last of a connection.
///
/// ```text
///   31      30    29    26 25     24 23                                  0
///   | queued | sent | state | repeats | end, in steps of 4 ticks, modulo 2^24 |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced(u32);

impl Announced {
    const END_MASK: u32 = (1 << 24) - 1;
    const REPEATS_SHIFT: u32 = 24;
    const STATE_SHIFT: u32 = 26;
    const SENT: u32 = 1 << 30;
    const QUEUED: u32 = 1 << 31;

    /// No message was sent.
    pub const NEVER: Self = Self(0);

    /// A message with this state and end, in ticks, is to be sent, the `repeats`th of its kind.
    #[inline]
    pub const fn queued(state: u8, end: u32, repeats: u32) -> Self {
        Self(Self::of_state(state, end).0 | ((repeats & 3) << Self::REPEATS_SHIFT) | Self::QUEUED)
    }

    /// A message with this state and end, in ticks, was sent, or came from another director.
    #[inline]
    pub const fn of_state(state: u8, end: u32) -> Self {
        // CAST: Any state has four bits.
        let state = (state as u32 & 0xF) << Self::STATE_SHIFT;
        Self((end >> STEP_BITS) & Self::END_MASK | state | Self::SENT)
    }

    /// The word, to be kept in an atomic.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The value that [`bits`](Self::bits) was taken from.
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The same, and no message waits to be sent.
    #[inline]
    pub const fn dequeued(self) -> Self {
        Self(self.0 & !Self::QUEUED)
    }

    /// Whether a message waits to be sent.
    #[inline]
    pub const fn is_queued(self) -> bool {
        self.0 & Self::QUEUED != 0
    }

    /// Whether any message was sent or waits to be sent.
    #[inline]
    pub const fn is_sent(self) -> bool {
        self.0 & Self::SENT != 0
    }

    /// The state in that message; 0 without one.
    #[inline]
    pub const fn state(self) -> u8 {
        // CAST: Four bits.
        ((self.0 >> Self::STATE_SHIFT) & 0xF) as u8
    }

    /// How often that message was repeated, for `sync_retries`.
    #[inline]
    pub const fn repeats(self) -> u32 {
        (self.0 >> Self::REPEATS_SHIFT) & 3
    }

    /// Whether that message told of this state, and less than a quarter of `timeout` ticks has passed since: `end` is the
    /// moment of the end by now, in ticks. False also if the end is nearer than before.
    #[inline]
    pub const fn tells(self, state: u8, timeout: u32, end: u32) -> bool {
        let steps = (end >> STEP_BITS).wrapping_sub(self.0) & Self::END_MASK;
        self.is_sent() && self.state() == state && steps << STEP_BITS < timeout >> 2
    }

    /// The distance in ticks between the end in that message and another one.
    #[inline]
    pub const fn distance(self, end: u32) -> u32 {
        let half = (Self::END_MASK >> 1).wrapping_add(1);
        let steps = (end >> STEP_BITS).wrapping_sub(self.0) & Self::END_MASK;
        let steps = match steps < half {
            true => steps,
            false => (Self::END_MASK.wrapping_add(1)).wrapping_sub(steps),
        };
        steps << STEP_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_word() {
        let word = Announced::queued(13, 4001, 3);
        assert!(word.is_queued() && word.is_sent());
        assert_eq!((word.state(), word.repeats()), (13, 3));
        assert_eq!(Announced::from_bits(word.bits()), word);
        let word = Announced::of_state(1, 4001);
        assert!(!word.is_queued() && word.is_sent());
        assert_eq!((word.state(), word.repeats()), (1, 0));
        assert!(!Announced::NEVER.is_sent());
    }

    #[test]
    fn the_distance_of_two_ends() {
        for (kept, end, expected) in [
            (1000, 1000, 0),
            (1000, 1003, 0),
            (1000, 1004, 4),
            (1004, 1000, 4),
            (u32::MAX - 3, 0, 4),
            (0, u32::MAX - 3, 4),
            (0, 1 << 25, 1 << 25),
        ] {
            assert_eq!(
                Announced::of_state(1, kept).distance(end),
                expected,
                "{kept} {end}"
            );
        }
    }
}
