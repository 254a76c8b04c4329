// SPDX-License-Identifier: GPL-2.0

//! One direction of a control connection: messages, their bodies, and frames of media between them.
//!
//! ```text
//!   Start ──first line──> Head ──empty line──> Passing ──all bytes of the body──> Start
//!     └───────$, channel, length───────────────^
//! ```
//!
//! A packet belongs to the text before it if its sequence number follows, or if what is missing is within a body or a frame. One that
//! comes again is read again if it has something of the last heads, and otherwise only behind what was read. Any other is read on
//! its own, from its first byte on: one of these heads, and one behind a gap. What is no message of RTSP is not read, up to the end of its
//! packet.

use core::ops::Range;

use super::{
    super::cursor::Cursor,
    line::{Header, Kind},
};

/// The bytes of a line that are kept until its end comes.
pub const LONGEST: usize = 256;

/// The length of the header of a frame: `$`, the channel, and the length of the data in network order.
const FRAME_HEADER_LEN: usize = 4;

/// The payload of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The sequence number of its first byte.
    pub sequence: u32,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Something of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// A first line.
    Begin(Kind),
    /// A header `Transport` of a message of this kind.
    Transport(Kind, Cursor<'a>, Place),
}

/// Where the text of a line is in the packet that has its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The bytes of the line that came in packets before.
    kept: usize,
    /// The offset in the payload of the first byte after them.
    from: usize,
}

impl Place {
    /// The place in the payload of some bytes of the line; [`None`] if the first one came in a packet before.
    pub(super) fn of(self, bytes: &Range<usize>) -> Option<Range<usize>> {
        let at = |byte: usize| byte.checked_sub(self.kept)?.checked_add(self.from);
        Some(at(bytes.start)?..at(bytes.end)?)
    }
}

/// How far a direction has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reader {
    /// The sequence number of the byte that comes next.
    next: Option<u32>,
    state: State,
    kept: Kept,
    /// The last heads, if nothing was between them.
    heads: Option<Heads>,
}

/// The sequence numbers of heads: of the first byte, and of that behind the last one.
#[derive(Clone, Copy, Debug)]
struct Heads {
    start: u32,
    end: u32,
}

impl Heads {
    /// Whether a packet of so many bytes has something of them.
    fn meet(self, sequence: u32, len: usize) -> bool {
        // CAST: The length of a payload, modulo 2^32 as sequence numbers are.
        is_before(self.start, sequence.wrapping_add(len as u32)) && is_before(sequence, self.end)
    }
}

/// Whether a sequence number comes before another one.
const fn is_before(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) >= 1 << 31
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// A message or a frame comes next.
    #[default]
    Start,
    /// A header comes next. The length is that of the body, as far as it is known.
    Head { kind: Kind, length: Option<u32> },
    /// So many bytes of a body or a frame come next.
    Passing(u32),
}

/// The start of a line, or of the header of a frame, whose end is still to come.
#[derive(Clone, Copy, Debug)]
struct Kept {
    bytes: [u8; LONGEST],
    len: usize,
    /// There were more bytes than there is room for.
    is_too_long: bool,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            bytes: [0; LONGEST],
            len: 0,
            is_too_long: false,
        }
    }
}

impl Kept {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, more: &[u8]) {
        let end = self.len.saturating_add(more.len());
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(more) {
            *to = *from;
        }
        self.len = end.min(LONGEST);
        self.is_too_long |= end > LONGEST;
    }

    fn clear(&mut self) {
        self.len = 0;
        self.is_too_long = false;
    }
}

impl Reader {
    /// Reads a packet, which is not empty, and gives what is in it to `take`.
    pub(super) fn read(&mut self, segment: &Segment<'_>, mut take: impl FnMut(Part<'_>)) {
        let (mut now, skipped) = self.at(segment.sequence, segment.payload.len());
        let mut cursor = Cursor::new(segment.payload, 0);
        cursor.advance(skipped);
        while !cursor.is_at_end() {
            let is_read = match now.state {
                State::Passing(left) => {
                    now.pass(left, &mut cursor);
                    true
                }
                State::Start if now.is_frame(cursor) => {
                    now.frame(&mut cursor);
                    true
                }
                State::Start | State::Head { .. } => {
                    // CAST: The length of a payload, modulo 2^32 as sequence numbers are.
                    let at =
                        |cursor: &Cursor<'_>| segment.sequence.wrapping_add(cursor.at() as u32);
                    let (before, from) = (now.state, at(&cursor).wrapping_sub(now.kept.len as u32));
                    let is_read = now.line(&mut cursor, &mut take);
                    now.note(before, from, at(&cursor));
                    is_read
                }
            };
            if !is_read {
                now.state = State::Start;
                now.kept.clear();
                break;
            }
        }
        self.become_of(now, segment.sequence, segment.payload.len());
    }

    /// Passes over a packet of so many bytes that has frames, parts of bodies, and what is not read. Returns false, and changes nothing, if it
    /// may have more. `four` gives the bytes at an offset, if there are as many.
    ///
    /// Media may be many, and the bytes of their packets are not in one piece.
    pub(super) fn pass_over(
        &mut self,
        sequence: u32,
        len: usize,
        mut four: impl FnMut(usize) -> Option<[u8; FRAME_HEADER_LEN]>,
    ) -> bool {
        let (from, mut at) = self.at(sequence, len);
        let mut left = match from.state {
            _ if at >= len => return true,
            State::Passing(left) => left,
            State::Start if from.kept.len == 0 => 0,
            State::Start | State::Head { .. } => return false,
        };
        loop {
            // CAST: 32 bits fit.
            let end = at.saturating_add(left as usize);
            if end >= len {
                // CAST: Not above `left`.
                left = end.saturating_sub(len) as u32;
                break;
            }
            match four(end) {
                Some([b'$', _, high, low]) => left = u16::from_be_bytes([high, low]).into(),
                // The rest of the packet is not read.
                Some([first, ..]) if !begins_message(first) => {
                    left = 0;
                    break;
                }
                _ => return false,
            }
            at = end.saturating_add(FRAME_HEADER_LEN);
        }
        let state = passing(left);
        let now = Self {
            state,
            heads: self.heads,
            ..Self::default()
        };
        self.become_of(now, sequence, len);
        true
    }

    /// The state in which a packet with this sequence number and so many bytes is read, behind so many of them.
    fn at(&self, sequence: u32, len: usize) -> (Self, usize) {
        let alone = Self {
            heads: self.heads,
            ..Self::default()
        };
        let Some(next) = self.next else {
            return (alone, 0);
        };
        if is_before(sequence, next) {
            // CAST: 32 bits fit.
            let again = len.min(next.wrapping_sub(sequence) as usize);
            return match self.heads {
                Some(heads) if heads.meet(sequence, again) => (alone, 0),
                _ => (*self, again),
            };
        }
        let state = match (sequence.wrapping_sub(next), self.state) {
            (0, state) => state,
            (missing, State::Passing(left)) if missing <= left => {
                passing(left.wrapping_sub(missing))
            }
            _ => return (alone, 0),
        };
        (Self { state, ..*self }, 0)
    }

    /// Takes note of a line from `from` to `to`, if it is one of a head.
    fn note(&mut self, before: State, from: u32, to: u32) {
        let start = match (before, self.state, self.heads) {
            (State::Start, State::Head { .. }, Some(heads)) if heads.end == from => heads.start,
            (State::Start, State::Head { .. }, _) => from,
            (State::Head { .. }, _, Some(heads)) => heads.start,
            _ => return,
        };
        self.heads = Some(Heads { start, end: to });
    }

    /// The packet was read. One that came again does not lead back.
    fn become_of(&mut self, now: Self, sequence: u32, len: usize) {
        // CAST: The length of a payload, modulo 2^32 as sequence numbers are.
        let next = sequence.wrapping_add(len as u32);
        if self.next.is_none_or(|last| !is_before(next, last)) {
            *self = Self {
                next: Some(next),
                ..now
            };
        }
    }

    /// Moves over what is left of a body or a frame.
    fn pass(&mut self, left: u32, cursor: &mut Cursor<'_>) {
        let available = u32::try_from(cursor.rest().len()).unwrap_or(u32::MAX);
        let passed = left.min(available);
        // CAST: 32 bits fit.
        cursor.advance(passed as usize);
        self.state = passing(left.saturating_sub(passed));
    }

    /// Whether a frame begins here, or its header goes on.
    fn is_frame(&self, cursor: Cursor<'_>) -> bool {
        let first = self.kept.bytes().first().copied();
        first.or(cursor.peek()) == Some(b'$')
    }

    /// Moves over the header of a frame, or the part of it that is there.
    fn frame(&mut self, cursor: &mut Cursor<'_>) {
        let missing = FRAME_HEADER_LEN.saturating_sub(self.kept.len);
        let rest = cursor.rest();
        self.kept.push(rest.get(..missing).unwrap_or(rest));
        cursor.advance(missing);
        if let &[_, _, high, low] = self.kept.bytes() {
            self.kept.clear();
            self.state = passing(u16::from_be_bytes([high, low]).into());
        }
    }

    /// Moves over a line, or keeps the part of it that is there. Returns false for what is no message.
    fn line(&mut self, cursor: &mut Cursor<'_>, take: &mut impl FnMut(Part<'_>)) -> bool {
        let from = cursor.at();
        let rest = cursor.rest();
        let is_message = self.kept.len != 0 || cursor.peek().is_some_and(begins_message);
        if matches!(self.state, State::Start) && !is_message {
            return false;
        }
        cursor.take_while(|byte| byte != b'\n');
        let is_whole = cursor.eat(b'\n');
        let part = rest
            .get(..cursor.at().saturating_sub(from))
            .unwrap_or_default();
        if !is_whole {
            self.kept.push(part);
            return true;
        }
        if self.kept.len == 0 {
            let (state, is_read) = self.state.after(part, Place { kept: 0, from }, take);
            self.state = state;
            return is_read;
        }
        let mut kept = core::mem::take(&mut self.kept);
        let place = Place {
            kept: kept.len,
            from,
        };
        kept.push(part);
        if kept.is_too_long {
            return matches!(self.state, State::Head { .. });
        }
        let (state, is_read) = self.state.after(kept.bytes(), place, take);
        self.state = state;
        is_read
    }
}

/// Whether a message, or an empty line before it, may begin so.
const fn begins_message(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'\r' | b'\n')
}

/// The state before so many bytes that are passed over.
const fn passing(left: u32) -> State {
    match left {
        0 => State::Start,
        left => State::Passing(left),
    }
}

impl State {
    /// The state behind a line with its line end, and whether the text can be read there.
    fn after(self, line: &[u8], place: Place, take: &mut impl FnMut(Part<'_>)) -> (Self, bool) {
        let Self::Head { kind, length } = self else {
            return Self::after_first(line, take);
        };
        match Header::of(line) {
            Header::End => (passing(length.unwrap_or(0)), true),
            Header::Length(Some(new)) if length.is_none_or(|old| old == new) => {
                let length = Some(new);
                (Self::Head { kind, length }, true)
            }
            Header::Length(_) => (Self::Start, false),
            Header::Transport(value) => {
                take(Part::Transport(kind, value, place));
                (self, true)
            }
            Header::Other => (self, true),
        }
    }

    /// The state behind the first line of a message, or an empty line before it.
    fn after_first(line: &[u8], take: &mut impl FnMut(Part<'_>)) -> (Self, bool) {
        if matches!(line, b"\n" | b"\r\n") {
            return (Self::Start, true);
        }
        match Kind::of(line) {
            Some(kind) => {
                take(Part::Begin(kind));
                let length = None;
                (Self::Head { kind, length }, true)
            }
            None => (Self::Start, false),
        }
    }
}
