// SPDX-License-Identifier: GPL-2.0

//! Where a group of a pattern is in a text that the pattern matches.
//!
//! Of several matches the leftmost one counts, and of alternatives the first one that leads to a match. POSIX would ask for the
//! longest; the two differ only where alternatives overlap.

use core::ops::Range;

use super::{
    program::{Code, Op},
    Set, Used, NONE,
};

/// The greatest number of instructions of a pattern with groups.
pub const GROUP_OPS_MAX: usize = 512;
/// The length of the text in which groups are looked for, in bytes.
pub const GROUP_TEXT_MAX: usize = 1_024;

/// A thread of the search: where it goes on, and where the group is.
#[derive(Clone, Copy, Debug)]
struct Thread {
    at: u16,
    from: u16,
    to: u16,
}

impl Thread {
    const NOWHERE: Self = Self {
        at: NONE,
        from: NONE,
        to: NONE,
    };
}

/// A list of threads, those that are preferred first.
#[derive(Debug)]
struct List<const N: usize> {
    threads: [Thread; N],
    len: usize,
}

impl<const N: usize> List<N> {
    const EMPTY: Self = Self {
        threads: [Thread::NOWHERE; N],
        len: 0,
    };

    fn push(&mut self, thread: Thread) {
        if let Some(slot) = self.threads.get_mut(self.len) {
            *slot = thread;
            self.len = self.len.saturating_add(1);
        }
    }

    fn pop(&mut self) -> Option<Thread> {
        self.len = self.len.checked_sub(1)?;
        self.threads.get(self.len).copied()
    }
}

/// The memory of a search: 9 KB.
#[derive(Debug)]
pub struct Threads {
    /// The threads that wait for the byte that comes next.
    now: List<GROUP_OPS_MAX>,
    /// Those that wait for the one behind it.
    next: List<GROUP_OPS_MAX>,
    /// Threads on their way. Each instruction adds at most one to them.
    ahead: List<{ GROUP_OPS_MAX + 2 }>,
    /// The instructions that a thread has come to already.
    seen: [bool; GROUP_OPS_MAX],
}

impl Threads {
    /// Memory that was not used.
    pub const fn new() -> Self {
        Self {
            now: List::EMPTY,
            next: List::EMPTY,
            ahead: List::EMPTY,
            seen: [false; GROUP_OPS_MAX],
        }
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new()
    }
}

/// A group of a pattern.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    code: Code<'a>,
    /// The first instruction of the pattern, and the one behind its last.
    start: usize,
    end: usize,
    number: u8,
}

impl<'a> Group<'a> {
    /// The group `number` of a pattern that was compiled into these slices, of which so much is used. 0 is the whole match.
    ///
    /// Returns [`None`] if the pattern has no such group, or has more than [`GROUP_OPS_MAX`] instructions.
    pub fn new(
        (ops, sets, starts): (&'a [Op], &'a [Set], &'a [u16]),
        used: &Used,
        pattern: usize,
        number: u8,
    ) -> Option<Self> {
        let code = Code {
            ops: ops.get(..used.ops)?,
            sets: sets.get(..used.sets)?,
            starts: starts.get(..used.patterns)?,
        };
        let start = usize::from(*code.starts.get(pattern)?);
        let next = code.starts.get(pattern.checked_add(1)?);
        let end = next.map_or(used.ops, |next| usize::from(*next));
        let own = code.ops.get(start..end)?;
        let opens = Op::Save(number.checked_mul(2)?);
        let has_group = number == 0 || own.contains(&opens);
        (has_group && own.len() <= GROUP_OPS_MAX).then_some(Self {
            code,
            start,
            end,
            number,
        })
    }

    /// The place of the group in `text`; [`None`] if the pattern does not match, or matches without the group. Of a text longer
    /// than [`GROUP_TEXT_MAX`] it is the start, of that length.
    pub fn find(&self, text: &[u8], threads: &mut Threads) -> Option<Range<usize>> {
        if text.len() > GROUP_TEXT_MAX {
            return Some(0..GROUP_TEXT_MAX);
        }
        let mut found = None;
        threads.next.len = 0;
        for at in 0..=text.len() {
            core::mem::swap(&mut threads.now, &mut threads.next);
            threads.next.len = 0;
            let byte = text.get(at).copied();
            let place = u16::try_from(at).unwrap_or(NONE);
            let waiting = threads.now.len;
            threads.seen = [false; GROUP_OPS_MAX];
            for index in 0..=waiting {
                // Behind all others, a thread begins here, unless there is a match, which is further left.
                let thread = match threads.now.threads.get(index) {
                    Some(thread) if index < waiting => *thread,
                    _ if found.is_some() => break,
                    _ => self.newcomer(place),
                };
                threads.ahead.push(thread);
                if let Some(matched) = self.walk(threads, byte, place) {
                    // Those behind are less preferred.
                    found = Some(matched);
                    break;
                }
            }
        }
        let Thread { from, to, .. } = found?;
        (from <= to && to != NONE).then_some(usize::from(from)..usize::from(to))
    }

    fn newcomer(&self, place: u16) -> Thread {
        Thread {
            at: u16::try_from(self.start).unwrap_or(NONE),
            from: if self.number == 0 { place } else { NONE },
            to: NONE,
        }
    }

    /// Lets threads go on to where they have taken `byte`, in the order of preference. The result is the first one that matches;
    /// those behind it are dropped.
    fn walk(&self, threads: &mut Threads, byte: Option<u8>, place: u16) -> Option<Thread> {
        while let Some(thread) = threads.ahead.pop() {
            let index = usize::from(thread.at).saturating_sub(self.start);
            let seen = threads.seen.get_mut(index)?;
            if core::mem::replace(seen, true) {
                continue;
            }
            let op = self.code.ops.get(..self.end)?;
            let op = *op.get(usize::from(thread.at))?;
            let behind = Thread {
                at: thread.at.saturating_add(1),
                ..thread
            };
            match op {
                Op::Split(first, second) => {
                    threads.ahead.push(Thread {
                        at: second,
                        ..thread
                    });
                    threads.ahead.push(Thread {
                        at: first,
                        ..thread
                    });
                }
                Op::Jump(at) => threads.ahead.push(Thread { at, ..thread }),
                Op::Begin if place == 0 => threads.ahead.push(behind),
                Op::End if byte.is_none() => threads.ahead.push(behind),
                Op::Save(slot) if self.number > 0 && slot >> 1 == self.number => {
                    threads.ahead.push(match slot & 1 {
                        0 => Thread {
                            from: place,
                            ..behind
                        },
                        _ => Thread {
                            to: place,
                            ..behind
                        },
                    });
                }
                Op::Save(_) => threads.ahead.push(behind),
                Op::Match => {
                    threads.ahead.len = 0;
                    let to = if self.number == 0 { place } else { thread.to };
                    return Some(Thread { to, ..thread });
                }
                Op::Byte(_) | Op::Set(_) if byte.is_some_and(|byte| self.code.takes(op, byte)) => {
                    threads.next.push(behind);
                }
                _ => {}
            }
        }
        None
    }
}
