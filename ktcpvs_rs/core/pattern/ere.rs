// SPDX-License-Identifier: GPL-2.0

//! Reading a pattern. It is read once from front to back, and its instructions are written as it is read.
//!
//! | pattern | instructions |
//! |---|---|
//! | `x*` | L: split to x, to the end; x; jump to L |
//! | `x+` | x; split to x, to the end |
//! | `x?` | split to x, to the end; x |
//! | `x{2,4}` | x; x; split to the next, to the end; x; split to the next, to the end; x |
//! | `x\|y` | split to x, to y; x; jump to the end; y |

use super::{
    program::{narrow, Op, Program},
    Error, Set, DEPTH_MAX, NONE, PATTERN_MAX, REPETITIONS_MAX,
};

/// A group that is open, or the whole pattern.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The first instruction.
    start: usize,
    /// The first instruction of this alternative.
    branch: usize,
    /// The jump at the end of the last alternative; see [`Program::land`].
    jumps: u16,
    /// The number of the group: 0 is the whole pattern.
    number: u8,
}

struct Reader<'p, 'a, 's> {
    pattern: &'p [u8],
    at: usize,
    program: &'a mut Program<'s>,
    groups: u8,
    group: Group,
    outer: [Option<Group>; DEPTH_MAX],
    depth: usize,
    /// The first instruction of what may be repeated.
    atom: Option<usize>,
}

/// Compiles a pattern to the end of the program.
pub(super) fn compile(pattern: &[u8], program: &mut Program<'_>) -> Result<(), Error> {
    if pattern.len() > PATTERN_MAX {
        let pattern = program.patterns();
        return Err(Error::TooLong { pattern });
    }
    program.begin()?;
    let group = Group {
        start: program.len(),
        branch: program.len(),
        jumps: NONE,
        number: 0,
    };
    let mut reader = Reader {
        pattern,
        at: 0,
        program,
        groups: 0,
        group,
        outer: [None; DEPTH_MAX],
        depth: 0,
        atom: None,
    };
    if pattern.is_empty() {
        return Err(reader.malformed(0));
    }
    while let Some(byte) = reader.peek() {
        reader.item(byte)?;
    }
    if reader.depth > 0 {
        return Err(reader.malformed(pattern.len()));
    }
    reader.program.land(reader.group.jumps);
    reader.program.end()
}

impl Reader<'_, '_, '_> {
    fn peek(&self) -> Option<u8> {
        self.pattern.get(self.at).copied()
    }

    /// Moves over this byte, if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        if comes {
            self.advance(1);
        }
        comes
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn malformed(&self, at: usize) -> Error {
        let pattern = self.program.patterns();
        Error::Malformed { pattern, at }
    }

    /// Reads what begins with `byte`. A closing parenthesis without an opening one stands for itself.
    fn item(&mut self, byte: u8) -> Result<(), Error> {
        let at = self.at;
        self.advance(1);
        let start = self.program.len();
        match byte {
            b'|' => return self.alternative(),
            b'(' => return self.open(at),
            b')' if self.depth > 0 => return self.close(),
            b'*' => return self.repeat(at, 0, None),
            b'+' => return self.repeat(at, 1, None),
            b'?' => return self.repeat(at, 0, Some(1)),
            b'{' => {
                let (least, most) = self.braces(at)?;
                return self.repeat(at, least, most);
            }
            b'^' | b'$' => {
                self.atom = None;
                let op = if byte == b'^' { Op::Begin } else { Op::End };
                return self.program.push(op);
            }
            b'.' => self.program.push_set(Set::ALL)?,
            b'[' => {
                let set = self.bracket(at)?;
                self.program.push_set(set)?;
            }
            b'\\' => match self.peek() {
                Some(escaped) if escaped.is_ascii_punctuation() || escaped == b' ' => {
                    self.advance(1);
                    self.program.push(Op::Byte(escaped))?;
                }
                _ => return Err(self.malformed(at)),
            },
            0 => return Err(self.malformed(at)),
            other => self.program.push(Op::Byte(other))?,
        }
        self.atom = Some(start);
        Ok(())
    }

    /// Another alternative begins.
    fn alternative(&mut self) -> Result<(), Error> {
        let branch = self.group.branch;
        self.program.insert(branch, Op::Match)?;
        let jump = self.program.len();
        self.program.push(Op::Jump(self.group.jumps))?;
        let next = self.program.len();
        let first = branch.saturating_add(1);
        self.program
            .set(branch, Op::Split(narrow(first), narrow(next)));
        self.group.jumps = narrow(jump);
        self.group.branch = next;
        self.atom = None;
        Ok(())
    }

    fn open(&mut self, at: usize) -> Result<(), Error> {
        let slot = self.outer.get_mut(self.depth);
        let Some(slot) = slot else {
            return Err(self.malformed(at));
        };
        *slot = Some(self.group);
        self.depth = self.depth.saturating_add(1);
        // A pattern has at most 255 bytes, and a group takes two.
        self.groups = self.groups.saturating_add(1);
        let start = self.program.len();
        self.program.push(Op::Save(self.groups.wrapping_mul(2)))?;
        self.group = Group {
            start,
            branch: self.program.len(),
            jumps: NONE,
            number: self.groups,
        };
        self.atom = None;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let inner = self.group;
        self.program.land(inner.jumps);
        let end = inner.number.wrapping_mul(2).wrapping_add(1);
        self.program.push(Op::Save(end))?;
        self.depth = self.depth.saturating_sub(1);
        if let Some(outer) = self.outer.get_mut(self.depth).and_then(Option::take) {
            self.group = outer;
        }
        self.atom = Some(inner.start);
        Ok(())
    }

    /// Repeats what was read last.
    fn repeat(&mut self, at: usize, least: u16, most: Option<u16>) -> Result<(), Error> {
        let Some(start) = self.atom else {
            return Err(self.malformed(at));
        };
        let len = self.program.len().saturating_sub(start);
        let Some(most) = most else {
            return self.repeat_for_ever(start, len, least);
        };
        if most == 0 {
            self.program.truncate(start);
            return Ok(());
        }
        // Of the optional ones, each is behind a split, to it or to the end of all.
        let mut source = start;
        if least == 0 {
            self.program.insert(start, Op::Match)?;
            source = start.saturating_add(1);
        }
        for _ in 1..least {
            self.program.copy(source, len)?;
        }
        let mut first_split = self.program.len();
        if least == 0 {
            first_split = start;
        }
        for _ in least.max(1)..most {
            self.program.push(Op::Match)?;
            self.program.copy(source, len)?;
        }
        let end = self.program.len();
        let distance = len.saturating_add(1);
        // `step_by` leaves a check for overflow in the module.
        let mut split = first_split;
        while split < end {
            let next = narrow(split.saturating_add(1));
            self.program.set(split, Op::Split(next, narrow(end)));
            split = split.saturating_add(distance);
        }
        Ok(())
    }

    fn repeat_for_ever(&mut self, start: usize, len: usize, least: u16) -> Result<(), Error> {
        if least == 0 {
            let end = self.program.len().saturating_add(2);
            let next = narrow(start.saturating_add(1));
            self.program.insert(start, Op::Split(next, narrow(end)))?;
            return self.program.push(Op::Jump(narrow(start)));
        }
        let mut last = start;
        for _ in 1..least {
            last = self.program.len();
            self.program.copy(start, len)?;
        }
        let end = self.program.len().saturating_add(1);
        self.program.push(Op::Split(narrow(last), narrow(end)))
    }

    /// Reads `n}`, `n,}` or `n,m}`.
    fn braces(&mut self, at: usize) -> Result<(u16, Option<u16>), Error> {
        let malformed = self.malformed(at);
        let least = self.number().ok_or(malformed)?;
        let most = match self.eat(b',') {
            true if self.peek() == Some(b'}') => None,
            true => Some(self.number().ok_or(malformed)?),
            false => Some(least),
        };
        let fits = least <= REPETITIONS_MAX
            && most.is_none_or(|most| least <= most && most <= REPETITIONS_MAX);
        match self.eat(b'}') && fits {
            true => Ok((least, most)),
            false => Err(malformed),
        }
    }

    fn number(&mut self) -> Option<u16> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let digit = u16::from(digit.wrapping_sub(b'0'));
            let before: u16 = number.unwrap_or(0);
            number = Some(before.saturating_mul(10).saturating_add(digit));
            self.advance(1);
        }
        number
    }

    /// Reads what is behind an opening bracket.
    fn bracket(&mut self, at: usize) -> Result<Set, Error> {
        let malformed = self.malformed(at);
        let is_complement = self.eat(b'^');
        let mut set = Set::default();
        let start = self.at;
        loop {
            let first = self.peek().filter(|byte| *byte != 0).ok_or(malformed)?;
            let next = self.pattern.get(self.at.saturating_add(1)).copied();
            self.advance(1);
            match (first, next) {
                (b']', _) if self.at > start.saturating_add(1) => break,
                (b'[', Some(b':')) => {
                    self.advance(1);
                    let rest = self.pattern.get(self.at..).unwrap_or_default();
                    let name = rest.split(|byte| *byte == b':').next().ok_or(malformed)?;
                    let end = rest.get(name.len()..).unwrap_or_default();
                    if !end.starts_with(b":]") {
                        return Err(malformed);
                    }
                    self.advance(name.len().saturating_add(2));
                    set.add_class(name).ok_or(malformed)?;
                }
                (b'[', Some(b'.' | b'=')) => return Err(malformed),
                _ => {
                    let last = self.range_end(first).ok_or(malformed)?;
                    set.add_range(first, last);
                }
            }
        }
        Ok(match is_complement {
            true => set.complement(),
            false => set,
        })
    }

    /// The last byte of the range that begins with `first`, which was read: itself, if there is no minus sign behind it.
    fn range_end(&mut self, first: u8) -> Option<u8> {
        let last = match self.pattern.get(self.at..)? {
            [b'-', b']', ..] | [b'-'] => return Some(first),
            [b'-', b'[', b'.' | b'=' | b':', ..] => return None,
            [b'-', last, ..] => *last,
            _ => return Some(first),
        };
        self.advance(2);
        (first <= last).then_some(last)
    }
}
