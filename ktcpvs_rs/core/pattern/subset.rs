// SPDX-License-Identifier: GPL-2.0

//! The automaton of a program.
//!
//! A state is the set of the threads that have come so far, and the best pattern that has matched so far. Threads of patterns that
//! are not better are left out, so the answer is that of trying pattern after pattern. A thread is the instruction at which it
//! waits for a byte, or for the end of the text.

use super::{
    program::{narrow, Code, Op},
    Classes, Error, Part, Used, BYTES_MAX, NONE, OPS_MAX, STATES_MAX,
};

/// A state while the automaton is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    /// The place of the first thread in the list of all threads.
    start: u32,
    /// The number of threads.
    len: u16,
    /// The best pattern that has matched, or [`NONE`].
    best: u16,
}

/// A set of instructions, one bit each.
type Marks = [u64; OPS_MAX.div_ceil(64)];

/// No instruction.
const NOWHERE: Marks = [0; OPS_MAX.div_ceil(64)];

pub(super) struct Builder<'b> {
    pub(super) code: Code<'b>,
    pub(super) classes: &'b Classes,
    pub(super) table: &'b mut [u16],
    pub(super) results: &'b mut [u16],
    pub(super) stack: &'b mut [u16],
    pub(super) states: &'b mut [State],
    pub(super) members: &'b mut [u16],
    pub(super) index: &'b mut [u16],
    pub(super) used: Used,
    pub(super) used_members: usize,
}

/// Where in the text threads go on.
#[derive(Clone, Copy)]
struct Place {
    is_start: bool,
    is_end: bool,
}

/// A walk of threads to where they wait.
struct Walk<'w> {
    code: Code<'w>,
    place: Place,
    seen: Marks,
    stack: &'w mut [u16],
    len: usize,
    /// The first instruction that says that its pattern matches.
    matched: usize,
}

impl<'w> Walk<'w> {
    /// No thread yet. None goes on at an instruction that was seen.
    fn new(code: Code<'w>, stack: &'w mut [u16], place: Place, seen: Marks) -> Self {
        Self {
            code,
            place,
            seen,
            stack,
            len: 0,
            matched: usize::MAX,
        }
    }

    /// A thread goes on at this instruction.
    fn add(&mut self, at: u16) -> Result<(), Error> {
        let bit = 1_u64.wrapping_shl(u32::from(at & 63));
        let Some(word) = self.seen.get_mut(usize::from(at >> 6)) else {
            return Ok(());
        };
        if *word & bit == 0 {
            *word |= bit;
            let slot = self.stack.get_mut(self.len);
            *slot.ok_or(Error::NeedMore(Part::Ops))? = at;
            self.len = self.len.saturating_add(1);
        }
        Ok(())
    }

    /// Lets all threads go on.
    fn run(&mut self) -> Result<(), Error> {
        while let Some(last) = self.len.checked_sub(1) {
            self.len = last;
            let at = self.stack.get(last).copied().unwrap_or(NONE);
            let next = at.saturating_add(1);
            match self.code.ops.get(usize::from(at)) {
                Some(Op::Split(first, second)) => {
                    self.add(*first)?;
                    self.add(*second)?;
                }
                Some(Op::Jump(to)) => self.add(*to)?,
                Some(Op::Save(_)) => self.add(next)?,
                Some(Op::Begin) if self.place.is_start => self.add(next)?,
                Some(Op::End) if self.place.is_end => self.add(next)?,
                Some(Op::Match) => self.matched = self.matched.min(at.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Builder<'_> {
    pub(super) fn build(&mut self, mut pause: impl FnMut()) -> Result<Used, Error> {
        self.index.fill(NONE);
        let samples = self.classes.samples();
        let samples = samples.get(..self.classes.count()).unwrap_or_default();
        let starts = self.code.starts;
        let start = |is_start| Place {
            is_start,
            is_end: false,
        };
        // Everywhere in the text, threads begin. At its start there are some more.
        let everywhere = self.walk(starts, start(false))?.0;
        let (at_start, matched) = self.walk(starts, start(true))?;
        self.find_or_add(&at_start, self.pattern_of(matched), true)?;
        let mut number = 0;
        while let Some(state) = self.known().get(number).copied() {
            for sample in samples {
                let (seen, matched) = self.step(state, *sample, everywhere)?;
                let best = self.pattern_of(matched).min(state.best);
                let next = self.find_or_add(&seen, best, false)?;
                let entry = self.table.get_mut(self.used.table);
                *entry.ok_or(Error::NeedMore(Part::Table))? = next;
                self.used.table = self.used.table.saturating_add(1);
            }
            let at_end = self.at_end(state, number == 0)?;
            let result = self.results.get_mut(number);
            *result.ok_or(Error::NeedMore(Part::States))? = at_end;
            number = number.saturating_add(1);
            pause();
        }
        Ok(self.used)
    }

    fn known(&self) -> &[State] {
        self.states.get(..self.used.states).unwrap_or_default()
    }

    fn members(&self, state: State) -> &[u16] {
        members(self.members, state)
    }

    /// The instructions that threads reach which begin at these ones, and the first one that says that its pattern matches.
    fn walk(&mut self, threads: &[u16], place: Place) -> Result<(Marks, usize), Error> {
        let mut walk = Walk::new(self.code, &mut *self.stack, place, NOWHERE);
        for thread in threads {
            walk.add(*thread)?;
            walk.run()?;
        }
        Ok((walk.seen, walk.matched))
    }

    /// What the threads of a state reach behind a byte.
    fn step(&mut self, state: State, byte: u8, seen: Marks) -> Result<(Marks, usize), Error> {
        let place = Place {
            is_start: false,
            is_end: false,
        };
        let mut walk = Walk::new(self.code, &mut *self.stack, place, seen);
        for at in members(self.members, state) {
            let op = self.code.ops.get(usize::from(*at)).copied();
            if op.is_some_and(|op| self.code.takes(op, byte)) {
                walk.add(at.saturating_add(1))?;
            }
        }
        walk.run()?;
        Ok((walk.seen, walk.matched))
    }

    /// The best pattern if the text ends in this state.
    fn at_end(&mut self, state: State, is_start: bool) -> Result<u16, Error> {
        let place = Place {
            is_start,
            is_end: true,
        };
        let mut walk = Walk::new(self.code, &mut *self.stack, place, NOWHERE);
        for at in members(self.members, state) {
            if self.code.ops.get(usize::from(*at)) == Some(&Op::End) {
                walk.add(at.saturating_add(1))?;
            }
        }
        walk.run()?;
        let matched = walk.matched;
        Ok(self.pattern_of(matched).min(state.best))
    }

    /// The pattern that an instruction belongs to.
    fn pattern_of(&self, op: usize) -> u16 {
        if op == usize::MAX {
            return NONE;
        }
        // `partition_point` leaves a check for overflow in the module.
        let (mut low, mut high) = (0, self.code.starts.len());
        while low < high {
            let middle = low.wrapping_add(high.wrapping_sub(low) >> 1);
            match self.code.starts.get(middle) {
                Some(start) if usize::from(*start) <= op => low = middle.wrapping_add(1),
                _ => high = middle,
            }
        }
        narrow(low.saturating_sub(1))
    }

    /// The number of the state with these threads, as far as they are of patterns better than `best`.
    ///
    /// The first state is never found: what is at the start of the text is not the same as what is elsewhere.
    fn find_or_add(&mut self, seen: &Marks, best: u16, is_first: bool) -> Result<u16, Error> {
        let state = self.collect(seen, best)?;
        let mask = self.index.len().wrapping_sub(1);
        let mut slot = hash(self.members(state), best);
        loop {
            slot &= mask;
            let number = self.index.get(slot).copied();
            let number = number.ok_or(Error::NeedMore(Part::States))?;
            if number == NONE {
                break;
            }
            let other = self.known().get(usize::from(number)).copied();
            let other = other.unwrap_or_default();
            if other.best == best && self.members(other) == self.members(state) {
                return Ok(number);
            }
            slot = slot.wrapping_add(1);
        }
        let number = self.used.states;
        let entries = number
            .saturating_add(1)
            .saturating_mul(self.classes.count().saturating_add(1));
        if number >= STATES_MAX || entries.saturating_mul(2).saturating_add(256) > BYTES_MAX {
            return Err(Error::TooComplex { states: number });
        }
        let place = self.states.get_mut(number);
        *place.ok_or(Error::NeedMore(Part::States))? = state;
        if let (Some(slot), false) = (self.index.get_mut(slot), is_first) {
            *slot = narrow(number);
        }
        self.used.states = number.saturating_add(1);
        self.used_members = self.used_members.saturating_add(usize::from(state.len));
        Ok(narrow(number))
    }

    /// Puts the threads that wait, of patterns better than `best`, behind the list of all threads. They count only if the state
    /// is a new one.
    fn collect(&mut self, seen: &Marks, best: u16) -> Result<State, Error> {
        let end = match self.code.starts.get(usize::from(best)) {
            Some(start) => usize::from(*start),
            None => self.code.ops.len(),
        };
        let (mut len, mut base) = (0_u16, 0_usize);
        for word in seen {
            let mut bits = *word;
            while bits != 0 {
                // CAST: less than 64.
                let at = base.wrapping_add(bits.trailing_zeros() as usize);
                bits &= bits.wrapping_sub(1);
                let op = self.code.ops.get(..end).and_then(|ops| ops.get(at));
                if matches!(op, Some(Op::Byte(_) | Op::Set(_) | Op::End)) {
                    let place = self.used_members.saturating_add(usize::from(len));
                    let slot = self.members.get_mut(place);
                    *slot.ok_or(Error::NeedMore(Part::Members))? = narrow(at);
                    len = len.saturating_add(1);
                }
            }
            base = base.wrapping_add(64);
        }
        let start = u32::try_from(self.used_members).unwrap_or(u32::MAX);
        Ok(State { start, len, best })
    }
}

fn members(all: &[u16], state: State) -> &[u16] {
    let start = usize::try_from(state.start).unwrap_or(usize::MAX);
    let from_start = all.get(start..).unwrap_or_default();
    from_start.get(..usize::from(state.len)).unwrap_or_default()
}

/// A hash of a state, which needs not be hard to guess: who may set patterns may also make the automaton large.
fn hash(members: &[u16], best: u16) -> usize {
    let mix = |hash: u64, number: u16| {
        (hash ^ u64::from(number))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(23)
    };
    let hash = members.iter().fold(mix(0, best), |hash, at| mix(hash, *at));
    // CAST: some of the bits.
    (hash ^ hash.wrapping_shr(32)) as usize
}
