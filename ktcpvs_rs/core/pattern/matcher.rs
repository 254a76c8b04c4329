// SPDX-License-Identifier: GPL-2.0

//! Searching with the automaton.

use super::{Classes, Used, NONE};

/// The tables of an automaton.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'a> {
    classes: &'a Classes,
    table: &'a [u16],
    results: &'a [u16],
}

impl<'a> Matcher<'a> {
    /// The tables that [`compile`](super::compile) filled, of which so much is used.
    pub fn new(classes: &'a Classes, table: &'a [u16], results: &'a [u16], used: &Used) -> Self {
        Self {
            classes,
            table: table.get(..used.table).unwrap_or_default(),
            results: results.get(..used.states).unwrap_or_default(),
        }
    }

    /// The index of the first pattern that matches somewhere in `text`.
    #[inline]
    pub fn first_match(&self, text: &[u8]) -> Option<usize> {
        let count = self.classes.count();
        let mut state = 0_usize;
        for byte in text {
            let class = usize::from(self.classes.of(*byte));
            let place = state.wrapping_mul(count).wrapping_add(class);
            state = usize::from(*self.table.get(place)?);
        }
        let found = *self.results.get(state)?;
        (found != NONE).then_some(usize::from(found))
    }

    /// The size of the tables, in bytes.
    pub fn bytes(&self) -> usize {
        let entries = self.table.len().saturating_add(self.results.len());
        entries.saturating_mul(2).saturating_add(256)
    }
}
