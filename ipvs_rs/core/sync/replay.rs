// SPDX-License-Identifier: GPL-2.0

//! The numbers of the datagrams that a sender's stream has had, so that each is taken once.
//!
//! ```text
//!   refused: too old │ taken unless it was there      │ taken: the window moves
//!   ─────────────────┼────────────────────────────────┼────────────────────────>
//!      highest - 1023┘                         highest┘
//! ```
//!
//! There is one window for each sender, its role and its stream. Epochs and numbers are compared as in RFC 1982: one
//! is ahead of another if it is less than 2^31 further. So an epoch must be a time, such as the second in which the sender
//! began, and no random number: after a random one nobody could tell a replay of an earlier run from a new run.
//!
//! A window is for datagrams with a right code. Anybody can move the window of datagrams without one.

/// Why a datagram is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is of an earlier run of the sender.
    Epoch,
    /// Its number is below the window.
    TooOld,
    /// A datagram with its number was taken.
    Twice,
}

/// The numbers that were taken of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    epoch: u32,
    highest: u32,
    /// A bit for each number of the window, at its lower ten bits: it was taken.
    taken: [u64; Self::WORDS],
}

impl Replay {
    /// The number of datagrams in the window.
    pub const SIZE: u32 = 1024;

    const WORDS: usize = 16;

    /// A stream of which the datagrams up to this number of this epoch are not taken any more: whoever begins to listen cannot
    /// know which of them somebody took before.
    pub const fn new(epoch: u32, sequence: u32) -> Self {
        Self {
            epoch,
            highest: sequence,
            taken: [u64::MAX; Self::WORDS],
        }
    }

    /// Takes account of a run that has sent datagrams up to this number. A run that is known, or was before, changes nothing.
    pub fn begin(&mut self, epoch: u32, sequence: u32) {
        if is_ahead(self.epoch, epoch) {
            *self = Self::new(epoch, sequence);
        }
    }

    /// Takes a datagram, once.
    ///
    /// # Errors
    ///
    /// See [`Replayed`]; nothing changes then.
    pub fn take(&mut self, epoch: u32, sequence: u32) -> Result<(), Replayed> {
        if epoch != self.epoch {
            if !is_ahead(self.epoch, epoch) {
                return Err(Replayed::Epoch);
            }
            *self = Self::new(epoch, sequence);
            return Ok(());
        }
        if is_ahead(self.highest, sequence) {
            self.advance(sequence);
        } else if self.highest.wrapping_sub(sequence) >= Self::SIZE {
            return Err(Replayed::TooOld);
        } else if self.is_taken(sequence) {
            return Err(Replayed::Twice);
        }
        self.mark(sequence);
        Ok(())
    }

    /// Moves the window so that it ends with `sequence`, which is ahead.
    fn advance(&mut self, sequence: u32) {
        let steps = sequence.wrapping_sub(self.highest);
        if steps >= Self::SIZE {
            self.taken = [0; Self::WORDS];
        } else {
            for step in 1..=steps {
                let (word, bit) = place(self.highest.wrapping_add(step));
                if let Some(word) = self.taken.get_mut(word) {
                    *word &= !bit;
                }
            }
        }
        self.highest = sequence;
    }

    fn is_taken(&self, sequence: u32) -> bool {
        let (word, bit) = place(sequence);
        self.taken.get(word).is_some_and(|word| word & bit != 0)
    }

    fn mark(&mut self, sequence: u32) {
        let (word, bit) = place(sequence);
        if let Some(word) = self.taken.get_mut(word) {
            *word |= bit;
        }
    }
}

/// The word of a number in the window, and its bit there.
const fn place(sequence: u32) -> (usize, u64) {
    // CAST: Four bits.
    (((sequence >> 6) & 15) as usize, 1 << (sequence & 63))
}

/// Whether `other` is ahead of `one`.
const fn is_ahead(one: u32, other: u32) -> bool {
    let distance = other.wrapping_sub(one);
    distance != 0 && distance < 1 << 31
}
