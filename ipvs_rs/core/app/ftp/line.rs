// SPDX-License-Identifier: GPL-2.0

//! Lines of a control connection, which packets may split.

use super::super::cursor::Cursor;

/// Where the text of one direction stands between two packets.
///
/// The default is the start of a line, outside of a reply of several lines. A packet that does not follow the one before, as
/// its sequence number tells, has the default too: servers and clients send a line in one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Whether the next packet begins within a line.
    pub(super) within_line: bool,
    /// The code of a reply of several lines whose last line is still to come.
    pub(super) within_reply: Option<[u8; 3]>,
}

/// A line goes on in the next packet, and may be one that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The offset in the payload at which the line begins.
    pub from: usize,
}

/// A line of a packet, or what the packet has of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line<'a> {
    /// A line from its start to its end. The text of the cursor ends where the line does.
    Whole(Cursor<'a>),
    /// The rest of a line that began in an earlier packet.
    Rest,
    /// A line whose end is not in the packet.
    Unfinished(Cursor<'a>),
}

/// The lines of a packet.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    payload: &'a [u8],
    at: usize,
    within_line: bool,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(payload: &'a [u8], position: Position) -> Self {
        Self {
            payload,
            at: 0,
            within_line: position.within_line,
        }
    }

    /// Whether the text that was read ends within a line.
    pub(super) const fn ends_within_line(&self) -> bool {
        self.within_line
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = Cursor::new(self.payload, self.at);
        if cursor.is_at_end() {
            return None;
        }
        let start = self.at;
        let is_rest = self.within_line;
        let Some(line) = cursor.take_until(b'\n') else {
            self.at = self.payload.len();
            self.within_line = true;
            return (!is_rest).then_some(Line::Unfinished(Cursor::new(self.payload, start)));
        };
        self.at = cursor.at();
        self.within_line = false;
        if is_rest {
            return Some(Line::Rest);
        }
        let kept = line.iter().rposition(|&byte| byte != b'\r');
        let len = kept.map_or(0, |last| last.saturating_add(1));
        let end = start.saturating_add(len);
        let text = self.payload.get(..end).unwrap_or_default();
        Some(Line::Whole(Cursor::new(text, start)))
    }
}
