// SPDX-License-Identifier: GPL-2.0

//! Patterns: POSIX extended regular expressions (IEEE 1003.1, section 9.4), all those of a service compiled to one automaton.
//!
//! ```text
//! patterns ── ere ──> program ── subset ──> tables ── matcher ──> the first pattern that matches
//!                        └── groups ──> the place of a group in the text
//! ```
//!
//! A search is one look into a table for each byte of the text, whatever the patterns are, and never looks back. The answer is that
//! of trying pattern after pattern. Patterns are bytes, `.` is any byte, and a pattern matches anywhere in the text unless it has
//! `^` or `$`. Back references, `[.x.]` and `[=x=]` are refused.
//!
//! All memory is the caller's: [`Space`] has slices, [`Sizes`] says how long each should be. When one is too short, [`compile`]
//! says which, and the caller begins anew with a longer one. What is longer than its bound is refused.

mod classes;
mod ere;
mod groups;
mod matcher;
mod program;
mod set;
mod subset;

pub use classes::Classes;
pub use groups::{Group, Threads, GROUP_OPS_MAX, GROUP_TEXT_MAX};
pub use matcher::Matcher;
pub use program::Op;
pub use set::Set;
pub use subset::State;

use program::Program;

/// The longest pattern, in bytes.
pub const PATTERN_MAX: usize = 255;
/// The greatest number of repetitions in braces.
pub const REPETITIONS_MAX: u16 = 255;
/// The greatest depth of groups.
pub const DEPTH_MAX: usize = 32;
/// The greatest number of instructions of all patterns.
pub const OPS_MAX: usize = 4_096;
/// The greatest number of states of the automaton.
pub const STATES_MAX: usize = 16_384;
/// The greatest size of the tables of the automaton, in bytes.
pub const BYTES_MAX: usize = 512 * 1024;

/// Stands for no pattern and no state.
const NONE: u16 = u16::MAX;

/// Why patterns are refused, or a slice that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A pattern is malformed at the byte `at`; `EINVAL`.
    Malformed {
        /// The index of the pattern.
        pattern: usize,
        /// The place in the pattern.
        at: usize,
    },
    /// A pattern is longer than [`PATTERN_MAX`]; `E2BIG`.
    TooLong {
        /// The index of the pattern.
        pattern: usize,
    },
    /// A pattern makes the program longer than [`OPS_MAX`]; `E2BIG`.
    TooManyInstructions {
        /// The index of the pattern.
        pattern: usize,
    },
    /// The automaton would have more states than [`STATES_MAX`], or larger tables than [`BYTES_MAX`]; `E2BIG`.
    TooComplex {
        /// The number of states so far.
        states: usize,
    },
    /// A slice is too short.
    NeedMore(Part),
}

/// A part of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// [`Space::ops`] and [`Space::stack`].
    Ops,
    /// [`Space::sets`].
    Sets,
    /// [`Space::starts`].
    Starts,
    /// [`Space::states`], [`Space::results`] and [`Space::index`].
    States,
    /// [`Space::members`].
    Members,
    /// [`Space::table`].
    Table,
}

/// How many elements the slices of a [`Space`] have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of [`Space::ops`] and [`Space::stack`].
    pub ops: usize,
    /// Of [`Space::sets`].
    pub sets: usize,
    /// Of [`Space::starts`].
    pub starts: usize,
    /// Of [`Space::states`] and [`Space::results`]; [`Space::index`] has twice as many. A power of two.
    pub states: usize,
    /// Of [`Space::members`].
    pub members: usize,
    /// Of [`Space::table`].
    pub table: usize,
}

impl Sizes {
    /// Enough for a few short patterns.
    pub const START: Self = Self {
        ops: 256,
        sets: 16,
        starts: 16,
        states: 64,
        members: 1_024,
        table: 1_024,
    };

    /// Doubles one part.
    pub fn grow(&mut self, part: Part) {
        let size = match part {
            Part::Ops => &mut self.ops,
            Part::Sets => &mut self.sets,
            Part::Starts => &mut self.starts,
            Part::States => &mut self.states,
            Part::Members => &mut self.members,
            Part::Table => &mut self.table,
        };
        *size = size.saturating_mul(2);
    }
}

/// The memory for [`compile`]. What the slices hold before does not matter.
///
/// The first three are the program, which a [`Group`] needs. `classes`, `table` and `results` are the tables, which a
/// [`Matcher`] needs. The others are scratch.
#[derive(Debug)]
pub struct Space<'s> {
    /// The instructions.
    pub ops: &'s mut [Op],
    /// The sets of bytes that instructions name.
    pub sets: &'s mut [Set],
    /// For each pattern its first instruction.
    pub starts: &'s mut [u16],
    /// The class of each byte.
    pub classes: &'s mut Classes,
    /// For each state and each class the next state.
    pub table: &'s mut [u16],
    /// For each state the pattern that has matched if the text ends there.
    pub results: &'s mut [u16],
    /// Scratch.
    pub stack: &'s mut [u16],
    /// Scratch.
    pub states: &'s mut [State],
    /// Scratch.
    pub members: &'s mut [u16],
    /// Scratch.
    pub index: &'s mut [u16],
}

/// How much of a [`Space`] is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The instructions.
    pub ops: usize,
    /// The sets.
    pub sets: usize,
    /// The patterns.
    pub patterns: usize,
    /// The states.
    pub states: usize,
    /// The entries of the table.
    pub table: usize,
}

/// Makes one automaton of all patterns, of which the first one that matches counts.
///
/// `pause` is called after each state. This can take a second, if there are many.
///
/// # Errors
///
/// See [`Error`].
pub fn compile<'p>(
    patterns: impl IntoIterator<Item = &'p [u8]>,
    space: &mut Space<'_>,
    pause: impl FnMut(),
) -> Result<Used, Error> {
    let mut program = Program::new(space.ops, space.sets, space.starts);
    for pattern in patterns {
        ere::compile(pattern, &mut program)?;
    }
    let code = program.finish();
    space.classes.compute(code);
    let mut builder = subset::Builder {
        code,
        classes: space.classes,
        table: space.table,
        results: space.results,
        stack: space.stack,
        states: space.states,
        members: space.members,
        index: space.index,
        used: Used {
            ops: code.ops.len(),
            sets: code.sets.len(),
            patterns: code.starts.len(),
            ..Used::default()
        },
        used_members: 0,
    };
    builder.build(pause)
}
