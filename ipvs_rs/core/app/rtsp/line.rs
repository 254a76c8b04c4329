// SPDX-License-Identifier: GPL-2.0

//! The lines of a head: the first one, and headers.

use super::super::cursor::Cursor;

/// The length of a version, such as `RTSP/1.0`.
const VERSION_LEN: usize = 8;

/// What a message is, by its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request to set up a stream.
    Setup,
    /// A request to end a stream, or all of a session.
    Teardown,
    /// Another request.
    Request,
    /// A reply that says that the request was carried out.
    Success,
    /// Another reply.
    Reply,
}

impl Kind {
    /// What a message with this first line is; [`None`] if it is no message of RTSP 1.x.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        let mut cursor = Cursor::new(line, 0);
        if eat_version(&mut cursor) {
            return reply(cursor);
        }
        let method = cursor.take_while(|byte| byte.is_ascii_uppercase() || byte == b'_');
        if method.is_empty() || !cursor.eat(b' ') {
            return None;
        }
        let (uri, version) = cursor.rest().split_last_chunk::<VERSION_LEN>()?;
        if !uri.ends_with(b" ") || !eat_version(&mut Cursor::new(version, 0)) {
            return None;
        }
        Some(match method {
            b"SETUP" => Self::Setup,
            b"TEARDOWN" => Self::Teardown,
            _ => Self::Request,
        })
    }

    /// Whether it comes from a client.
    pub(super) const fn is_request(self) -> bool {
        match self {
            Self::Setup | Self::Teardown | Self::Request => true,
            Self::Success | Self::Reply => false,
        }
    }
}

/// The reply behind the version: a blank, three digits, and maybe a blank and a text.
fn reply(mut cursor: Cursor<'_>) -> Option<Kind> {
    if !cursor.eat(b' ') {
        return None;
    }
    let status = cursor.number(3)?;
    if !cursor.is_at_end() && !cursor.eat(b' ') {
        return None;
    }
    match status {
        200..=299 => Some(Kind::Success),
        100..=999 => Some(Kind::Reply),
        _ => None,
    }
}

/// Moves over `RTSP/1.x`, if it comes next.
fn eat_version(cursor: &mut Cursor<'_>) -> bool {
    let is_version = matches!(
        cursor.rest(),
        [b'R', b'T', b'S', b'P', b'/', b'1', b'.', b'0'..=b'9', ..]
    );
    if is_version {
        cursor.advance(VERSION_LEN);
    }
    is_version
}

/// A line of a head behind the first one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Header<'a> {
    /// The empty line, with which the head ends.
    End,
    /// The length of the body; [`None`] if it is no number below 10^9.
    Length(Option<u32>),
    /// The ways to send a stream, at the byte behind the colon.
    Transport(Cursor<'a>),
    /// A line that does not matter here.
    Other,
}

impl<'a> Header<'a> {
    /// What a line is, with its line end.
    pub(super) fn of(line: &'a [u8]) -> Self {
        if matches!(line, b"\n" | b"\r\n") {
            return Self::End;
        }
        let mut cursor = Cursor::new(line, 0).trim_end();
        let name = cursor.take_while(|byte| byte != b':').trim_ascii_end();
        if !cursor.eat(b':') {
            return Self::Other;
        }
        if name.eq_ignore_ascii_case(b"Transport") {
            return Self::Transport(cursor);
        }
        if name.eq_ignore_ascii_case(b"Content-Length") {
            cursor.skip_white_space();
            let length = cursor.number(9).filter(|_| cursor.is_at_end());
            return Self::Length(length);
        }
        Self::Other
    }
}
