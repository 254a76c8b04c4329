// SPDX-License-Identifier: GPL-2.0

//! The program that patterns are compiled to: what a thread does that walks along a text.

use super::{Error, Part, Set, NONE, OPS_MAX};

/// An instruction. Numbers are indexes of instructions, unless they say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Op {
    /// Goes on behind this byte.
    Byte(u8),
    /// Goes on behind a byte of the set with this index.
    Set(u16),
    /// Goes on in both places, and prefers the first one.
    Split(u16, u16),
    /// Goes on there.
    Jump(u16),
    /// Goes on if this is the start of the text.
    Begin,
    /// Goes on if this is the end of the text.
    End,
    /// The start of group `n` if the number is 2 `n`, and its end if it is 2 `n` + 1.
    Save(u8),
    /// The pattern matches.
    #[default]
    Match,
}

impl Op {
    /// The instruction with each place from `base` on moved on.
    fn moved(self, base: usize, by: usize) -> Self {
        let place = |at: u16| match usize::from(at) >= base && at != NONE {
            true => narrow(usize::from(at).saturating_add(by)),
            false => at,
        };
        match self {
            Self::Split(first, second) => Self::Split(place(first), place(second)),
            Self::Jump(at) => Self::Jump(place(at)),
            other => other,
        }
    }
}

/// An index of an instruction: there are at most [`OPS_MAX`].
pub(super) fn narrow(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(NONE)
}

/// The program of all patterns, as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code<'a> {
    pub(super) ops: &'a [Op],
    pub(super) sets: &'a [Set],
    /// For each pattern its first instruction, in ascending order.
    pub(super) starts: &'a [u16],
}

impl Code<'_> {
    /// Whether the instruction goes on behind this byte.
    #[inline]
    pub(super) fn takes(&self, op: Op, byte: u8) -> bool {
        match op {
            Op::Byte(own) => own == byte,
            Op::Set(set) => self
                .sets
                .get(usize::from(set))
                .is_some_and(|set| set.has(byte)),
            _ => false,
        }
    }
}

/// The program while it is written.
#[derive(Debug)]
pub(super) struct Program<'s> {
    ops: &'s mut [Op],
    sets: &'s mut [Set],
    starts: &'s mut [u16],
    len: usize,
    sets_len: usize,
    patterns: usize,
}

impl<'s> Program<'s> {
    /// An empty program.
    pub(super) fn new(ops: &'s mut [Op], sets: &'s mut [Set], starts: &'s mut [u16]) -> Self {
        Self {
            ops,
            sets,
            starts,
            len: 0,
            sets_len: 0,
            patterns: 0,
        }
    }

    /// The number of instructions.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The number of patterns.
    pub(super) const fn patterns(&self) -> usize {
        self.patterns
    }

    /// Another pattern begins here.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let start = self.starts.get_mut(self.patterns);
        *start.ok_or(Error::NeedMore(Part::Starts))? = narrow(self.len);
        Ok(())
    }

    /// The pattern ends here.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.push(Op::Match)?;
        self.patterns = self.patterns.saturating_add(1);
        Ok(())
    }

    /// The finished program.
    pub(super) fn finish(self) -> Code<'s> {
        Code {
            ops: self.ops.get(..self.len).unwrap_or_default(),
            sets: self.sets.get(..self.sets_len).unwrap_or_default(),
            starts: self.starts.get(..self.patterns).unwrap_or_default(),
        }
    }

    /// Appends an instruction.
    pub(super) fn push(&mut self, op: Op) -> Result<(), Error> {
        self.insert(self.len, op)
    }

    /// Puts an instruction before the one at `at`. Those from there on move by one place, and no other one may name them.
    pub(super) fn insert(&mut self, at: usize, op: Op) -> Result<(), Error> {
        if self.len >= OPS_MAX {
            let pattern = self.patterns;
            return Err(Error::TooManyInstructions { pattern });
        }
        let moved = self.ops.get_mut(at..=self.len);
        let mut carried = op;
        for slot in moved.ok_or(Error::NeedMore(Part::Ops))? {
            let next = slot.moved(at, 1);
            *slot = carried;
            carried = next;
        }
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// Appends a copy of the instructions from `start` on, `len` of them.
    pub(super) fn copy(&mut self, start: usize, len: usize) -> Result<(), Error> {
        let by = self.len.saturating_sub(start);
        for at in start..start.saturating_add(len) {
            let op = self.ops.get(at).copied().unwrap_or_default();
            self.push(op.moved(start, by))?;
        }
        Ok(())
    }

    /// Takes away the instructions from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Replaces the instruction at `at`.
    pub(super) fn set(&mut self, at: usize, op: Op) {
        if let Some(slot) = self.ops.get_mut(at) {
            *slot = op;
        }
    }

    /// Lets all jumps of a list go here. Each names the one before it, and the first one names [`NONE`].
    pub(super) fn land(&mut self, last: u16) {
        let here = narrow(self.len);
        let mut at = last;
        while let Some(slot @ Op::Jump(_)) = self.ops.get_mut(usize::from(at)) {
            let Op::Jump(before) = *slot else { return };
            *slot = Op::Jump(here);
            at = before;
        }
    }

    /// Appends an instruction for the bytes of a set.
    pub(super) fn push_set(&mut self, set: Set) -> Result<(), Error> {
        let known = self.sets.get(..self.sets_len).unwrap_or_default();
        let found = (0..known.len()).zip(known).find(|(_, it)| **it == set);
        let at = match found {
            Some((at, _)) => at,
            None => {
                let slot = self.sets.get_mut(self.sets_len);
                *slot.ok_or(Error::NeedMore(Part::Sets))? = set;
                self.sets_len = self.sets_len.saturating_add(1);
                self.sets_len.saturating_sub(1)
            }
        };
        self.push(Op::Set(narrow(at)))
    }
}
