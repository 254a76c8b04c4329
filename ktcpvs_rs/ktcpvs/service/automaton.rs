// SPDX-License-Identifier: GPL-2.0

//! The patterns of a service as one automaton, in memory of its own.

use kernel::{alloc::KVVec, prelude::*};
use knet::{
    vec::{filled, VecExt},
    work,
};
use ktcpvs_core::pattern::{self, Classes, Error, Matcher, Sizes, Space, Used};

/// The automaton, and what is needed to search with it.
pub(crate) struct Automaton {
    classes: Classes,
    table: KVVec<u16>,
    results: KVVec<u16>,
    used: Used,
}

/// Why there is no automaton.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// The patterns are refused.
    Patterns(Error),
    /// There is no memory.
    NoMemory,
}

impl From<kernel::error::Error> for Refusal {
    fn from(_: kernel::error::Error) -> Self {
        Self::NoMemory
    }
}

impl Automaton {
    /// Makes the automaton of patterns, of which the first one that matches counts. May sleep.
    ///
    /// # Errors
    ///
    /// That they are malformed, or too complex; that there is no memory.
    pub(crate) fn new(patterns: &[&[u8]]) -> Result<Self, Refusal> {
        let mut sizes = Sizes::START;
        loop {
            match Self::with(patterns, &sizes) {
                Err(Refusal::Patterns(Error::NeedMore(part))) => sizes.grow(part),
                outcome => return outcome,
            }
        }
    }

    fn with(patterns: &[&[u8]], sizes: &Sizes) -> Result<Self, Refusal> {
        let mut classes = Classes::default();
        let mut ops = filled(Default::default(), sizes.ops)?;
        let mut sets = filled(Default::default(), sizes.sets)?;
        let mut starts = filled(0_u16, sizes.starts)?;
        let mut table = filled(0_u16, sizes.table)?;
        let mut results = filled(0_u16, sizes.states)?;
        let mut stack = filled(0_u16, sizes.ops)?;
        let mut states = filled(Default::default(), sizes.states)?;
        let mut members = filled(0_u16, sizes.members)?;
        let mut index = filled(0_u16, sizes.states.saturating_mul(2))?;
        let mut space = Space {
            ops: &mut ops,
            sets: &mut sets,
            starts: &mut starts,
            classes: &mut classes,
            table: &mut table,
            results: &mut results,
            stack: &mut stack,
            states: &mut states,
            members: &mut members,
            index: &mut index,
        };
        let used = pattern::compile(patterns.iter().copied(), &mut space, work::relax);
        let used = used.map_err(Refusal::Patterns)?;
        Ok(Self {
            classes,
            table,
            results,
            used,
        })
    }

    /// The number of states.
    pub(crate) fn states(&self) -> usize {
        self.used.states
    }

    /// The index of the first pattern that matches somewhere in `text`.
    pub(crate) fn first_match(&self, text: &[u8]) -> Option<usize> {
        Matcher::new(&self.classes, &self.table, &self.results, &self.used).first_match(text)
    }
}

/// A vector with the same bytes.
pub(crate) fn copy(bytes: &[u8]) -> Result<KVec<u8>> {
    let mut copied = KVec::new();
    copied.make_room(bytes.len())?;
    for byte in bytes {
        copied.append(*byte)?;
    }
    Ok(copied)
}
