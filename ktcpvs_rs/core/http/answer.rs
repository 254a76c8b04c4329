// SPDX-License-Identifier: GPL-2.0

//! The head of an answer (RFC 9112, sections 4 and 6).

use super::{
    head::Progress,
    meaning::{Codings, Meaning},
    scan::text_len,
    Fault, Framing, Span, Version, LINE_MAX,
};

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The length of the head in bytes, with all line ends.
    pub len: u16,
    /// The place of the first field.
    pub fields: u16,
    /// The status code, 100 to 999.
    pub status: u16,
    /// The version of the server.
    pub version: Version,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the connection to the server stays open.
    pub persists: bool,
    /// Whether something is left out or put in when the head is passed on; see [`edits`](super::edits).
    pub is_edited: bool,
}

impl Answer {
    /// Whether another answer to the same request follows (RFC 9110, section 15.2).
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && !self.is_switching()
    }

    /// Whether the two sides speak another protocol from now on.
    pub const fn is_switching(&self) -> bool {
        self.status == 101
    }
}

/// Reads the head of an answer while it comes in.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    progress: Progress,
    line: Option<Line>,
    meaning: Meaning,
    is_to_head: bool,
}

/// The first line.
#[derive(Clone, Copy, Debug)]
struct Line {
    status: u16,
    version: Version,
    len: usize,
}

impl Reader {
    /// A head of which nothing was read. `is_to_head` says whether the request is HEAD, so that the answer has no body.
    pub fn new(is_to_head: bool) -> Self {
        Self {
            progress: Progress::default(),
            line: None,
            meaning: Meaning::default(),
            is_to_head,
        }
    }

    /// Reads on. `bytes` are all bytes from the start of the head on, as many as are there.
    ///
    /// Returns [`None`] if the head is not complete. The verdict on a line that is complete does not depend on the pieces in
    /// which the bytes came in. After a result other than [`None`] a new reader is needed.
    ///
    /// # Errors
    ///
    /// [`Fault::BadGateway`]: the head is malformed, too long or has two readings.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Answer>, Fault> {
        self.read_on(bytes).map_err(|_| Fault::BadGateway)
    }

    fn read_on(&mut self, bytes: &[u8]) -> Result<Option<Answer>, Fault> {
        let line = match self.line {
            Some(line) => line,
            None => {
                let limit = LINE_MAX.saturating_add(2);
                let found = self
                    .progress
                    .line(bytes, limit, Fault::HeadTooLarge, first_line)?;
                match found {
                    Some(line) => *self.line.insert(line),
                    None => return Ok(None),
                }
            }
        };
        let meaning = &mut self.meaning;
        let is_complete = self.progress.fields(bytes, |field, at| {
            // These two are for requests, and mean nothing here.
            match field.is(b"host") || field.is(b"expect") {
                true => Ok(()),
                false => meaning.take(field, at),
            }
        })?;
        match is_complete {
            true => self.finish(&line).map(Some),
            false => Ok(None),
        }
    }

    fn finish(&self, line: &Line) -> Result<Answer, Fault> {
        let meaning = &self.meaning;
        let framing = match (meaning.codings, meaning.length) {
            (Codings::None, None) => Framing::UntilClose,
            (Codings::None, Some(length)) => Framing::Length(length),
            (_, Some(_)) => return Err(Fault::BadGateway),
            (_, None) if line.version == Version::Http10 => return Err(Fault::BadGateway),
            (Codings::Chunked | Codings::LastChunked, None) => Framing::Chunked,
            (Codings::Other, None) => Framing::UntilClose,
        };
        let has_none = self.is_to_head || line.status < 200 || matches!(line.status, 204 | 304);
        let framing = if has_none { Framing::None } else { framing };
        let stays = !meaning.closes && (line.version == Version::Http11 || meaning.keeps_alive);
        Ok(Answer {
            len: Span::new(0, self.progress.at()).end(),
            fields: Span::new(0, line.len).end(),
            status: line.status,
            version: line.version,
            framing,
            persists: stays && framing != Framing::UntilClose,
            is_edited: meaning.is_edited,
        })
    }
}

/// The first line, with its length; [`None`] if it is not complete. The reason may be missing together with the blank before it.
fn first_line(bytes: &[u8]) -> Result<Option<(Line, usize)>, Fault> {
    let Some((text, end)) = bytes.split_at_checked(text_len(bytes)) else {
        return Ok(None);
    };
    let rest = match end {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', rest @ ..] => rest,
        _ => return Err(Fault::BadGateway),
    };
    let (version, status) = match beginning(text) {
        Some((version, status, [] | [b' ', ..])) => (version, status),
        _ => return Err(Fault::BadGateway),
    };
    let len = bytes.len().saturating_sub(rest.len());
    Ok(Some((
        Line {
            status,
            version,
            len,
        },
        len,
    )))
}

/// The version and the status at the beginning of an answer, and what follows them.
fn beginning(text: &[u8]) -> Option<(Version, u16, &[u8])> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0'..=b'9', b' ', digits @ ..] = text
    else {
        return None;
    };
    let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = digits else {
        return None;
    };
    let status = [a, b, c].into_iter().fold(0_u16, |status, digit| {
        let digit = digit.wrapping_sub(b'0');
        status.wrapping_mul(10).wrapping_add(digit.into())
    });
    Some((Version::of_minor(*minor), status, rest))
}

/// So many bytes [`class_of`] needs.
pub const STATUS_LEN: usize = 13;

/// A class of answers: their status divided by 100 (RFC 9110, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 200 to 299.
    Successful,
    /// 300 to 399.
    Redirection,
    /// 400 to 499.
    ClientError,
    /// 500 to 599.
    ServerError,
}

/// The class of an answer of which the first bytes are known; [`None`] for an interim answer, and for what is no answer.
pub fn class_of(bytes: &[u8]) -> Option<Class> {
    match beginning(bytes)? {
        (_, status, [b' ' | b'\r', ..]) => match status {
            200..=299 => Some(Class::Successful),
            300..=399 => Some(Class::Redirection),
            400..=499 => Some(Class::ClientError),
            500..=599 => Some(Class::ServerError),
            _ => None,
        },
        _ => None,
    }
}
