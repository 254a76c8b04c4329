// SPDX-License-Identifier: GPL-2.0

//! The head of a request (RFC 9112, sections 3 and 6).

use super::{
    authority::Authority,
    head::Progress,
    meaning::{Codings, Meaning, Upgrade},
    scan::{is_token, position},
    Fault, Framing, Span, Version, HEAD_MAX, LINE_MAX, METHOD_MAX,
};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The length of the head in bytes, with all line ends.
    pub len: u16,
    /// The place of the first field.
    pub fields: u16,
    /// The method.
    pub method: Method,
    /// The whole target, as the client wrote it.
    pub target: Span,
    /// The path and the query of the target; see [`Request::path`].
    path: Span,
    /// The version of the client.
    pub version: Version,
    /// Where the body ends; never with the connection.
    pub framing: Framing,
    /// Whether the client wants the connection to stay open.
    pub persists: bool,
    /// Whether the client asks for WebSocket, so that the answer may be 101.
    pub upgrades: bool,
    /// Whether the client waits for an answer 100 before it sends the body.
    pub expects: bool,
    /// The value of the first field `Cookie`; empty if there is none.
    pub cookie: Span,
    /// Whether something is left out or put in when the head is passed on; see [`edits`](super::edits).
    pub is_edited: bool,
}

impl Request {
    /// The path and the query, which rules look at. `head` is the head that was read.
    pub fn path<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        match self.path.of(head) {
            [] => b"/",
            path => path,
        }
    }
}

/// A method, as far as the switch has to know it (RFC 9110, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET, OPTIONS, PUT, DELETE or TRACE: to repeat it changes nothing.
    Idempotent,
    /// HEAD: as those, and the answer has no body.
    Head,
    /// Any other one.
    Other,
}

impl Method {
    fn of(name: &[u8]) -> Self {
        match name {
            b"HEAD" => Self::Head,
            b"GET" | b"OPTIONS" | b"PUT" | b"DELETE" | b"TRACE" => Self::Idempotent,
            _ => Self::Other,
        }
    }

    /// Whether a request may be sent once more (RFC 9110, section 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Idempotent | Self::Head)
    }

    /// Whether the answer has no body.
    pub const fn is_head(self) -> bool {
        matches!(self, Self::Head)
    }
}

/// The first line.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The place of the line: behind the empty line, if there is one.
    at: usize,
    method: Method,
    version: Version,
    /// The length, with the line end.
    len: usize,
    target: Span,
    path: Span,
    /// The host of a target that names one.
    authority: Span,
}

/// Reads the head of a request while it comes in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    progress: Progress,
    line: Option<Line>,
    meaning: Meaning,
}

impl Reader {
    /// A head of which nothing was read.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a head of at most `limit` bytes; no head is longer than [`HEAD_MAX`].
    pub fn with_limit(limit: u16) -> Self {
        // CAST: It fits: places in a head are of 16 bits.
        let limit = limit.min(HEAD_MAX as u16);
        Self {
            progress: Progress::new(limit),
            ..Self::default()
        }
    }

    /// Reads on. `bytes` are all bytes from the start of the head on, as many as are there.
    ///
    /// Returns [`None`] if the head is not complete. The verdict on a line that is complete does not depend on the pieces in
    /// which the bytes came in. After a result other than [`None`] a new reader is needed.
    ///
    /// # Errors
    ///
    /// Why the request is refused: 400, 414, 417, 431, 501 or 505.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Request>, Fault> {
        let line = match self.line {
            Some(line) => line,
            None => match self.first_line(bytes)? {
                Some(line) => *self.line.insert(line),
                None => return Ok(None),
            },
        };
        let meaning = &mut self.meaning;
        let is_complete = self
            .progress
            .fields(bytes, |field, at| meaning.take(field, at))?;
        match is_complete {
            true => self.finish(bytes, &line).map(Some),
            false => Ok(None),
        }
    }

    /// Reads the first line. One empty line before it is skipped (RFC 9112, section 2.2).
    fn first_line(&mut self, bytes: &[u8]) -> Result<Option<Line>, Fault> {
        if self.progress.at() == 0 {
            match bytes {
                [] | [b'\r'] => return Ok(None),
                [b'\r', b'\n', ..] => {
                    self.progress.skip(2);
                    self.meaning.is_edited = true;
                }
                _ => {}
            }
        }
        let at = self.progress.at();
        let of_line = at.saturating_add(LINE_MAX).saturating_add(2);
        let of_head = self.progress.limit();
        let (limit, fault) = match of_line <= of_head {
            true => (of_line, Fault::UriTooLong),
            false => (of_head, Fault::HeadTooLarge),
        };
        self.progress.line(bytes, limit, fault, |bytes| {
            let line = first_line(bytes, at)?;
            Ok(line.map(|line| (line, line.len)))
        })
    }

    fn finish(&self, head: &[u8], line: &Line) -> Result<Request, Fault> {
        let meaning = &self.meaning;
        match meaning.host {
            None if line.version == Version::Http11 => return Err(Fault::BadRequest),
            Some(host) if !line.authority.is_empty() => {
                let [host, target] = [host, line.authority].map(|at| Authority::parse(at.of(head)));
                if !host.zip(target).is_some_and(|(a, b)| a.agrees(&b)) {
                    return Err(Fault::BadRequest);
                }
            }
            _ => {}
        }
        let whole = Span::new(0, self.progress.at());
        let first_field = Span::new(0, line.at.saturating_add(line.len));
        let is_new = line.version == Version::Http11;
        let asks = meaning.asks_for_upgrade && meaning.upgrade == Upgrade::WebSocket;
        Ok(Request {
            len: whole.end(),
            fields: first_field.end(),
            method: line.method,
            target: line.target,
            path: line.path,
            version: line.version,
            framing: framing(meaning, line.version)?,
            persists: !meaning.closes && (is_new || meaning.keeps_alive),
            upgrades: is_new && asks,
            expects: is_new && meaning.expects,
            cookie: meaning.cookie,
            is_edited: meaning.is_edited,
        })
    }
}

/// Where the body of a request ends (RFC 9112, section 6.3).
fn framing(meaning: &Meaning, version: Version) -> Result<Framing, Fault> {
    match (meaning.codings, meaning.length) {
        (Codings::None, None) => Ok(Framing::None),
        (Codings::None, Some(length)) => Ok(Framing::Length(length)),
        (_, Some(_)) => Err(Fault::BadRequest),
        (_, None) if version == Version::Http10 => Err(Fault::BadRequest),
        (Codings::Chunked, None) => Ok(Framing::Chunked),
        (Codings::LastChunked | Codings::Other, None) => Err(Fault::NotImplemented),
    }
}

/// The bytes up to the first one that does not belong to them, and the rest.
fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = position(bytes, |byte| !belongs(byte));
    bytes
        .split_at_checked(end.unwrap_or(bytes.len()))
        .unwrap_or((bytes, &[]))
}

/// The first line, at the start of `bytes`, which are those from the place `at` on; [`None`] if it is not complete.
///
/// Its three parts are separated by one blank each. Neither a line without a version (HTTP/0.9) nor other blanks are taken.
fn first_line(bytes: &[u8], at: usize) -> Result<Option<Line>, Fault> {
    let (name, rest) = run(bytes, is_token);
    if name.len() > METHOD_MAX {
        return Err(Fault::NotImplemented);
    }
    let rest = match rest {
        [] => return Ok(None),
        [b' ', rest @ ..] if !name.is_empty() => rest,
        _ => return Err(Fault::BadRequest),
    };
    match name {
        b"CONNECT" => return Err(Fault::NotImplemented),
        // The preface of HTTP/2 (RFC 9113, section 3.4).
        b"PRI" => return Err(Fault::VersionNotSupported),
        _ => {}
    }
    let (target, rest) = run(rest, |byte| byte > b' ' && byte != 0x7F && byte != b'#');
    let rest = match rest {
        [] => return Ok(None),
        [b' ', rest @ ..] => rest,
        _ => return Err(Fault::BadRequest),
    };
    let (version, rest) = match rest {
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', b'\r', b'\n', rest @ ..] =>
        {
            if *major != b'1' {
                return Err(Fault::VersionNotSupported);
            }
            (Version::of_minor(*minor), rest)
        }
        short if short.len() < 10 && !short.contains(&b'\n') => return Ok(None),
        _ => return Err(Fault::BadRequest),
    };
    let at_target = at.saturating_add(name.len()).saturating_add(1);
    let (authority, path) = parts(name, target, at_target).ok_or(Fault::BadRequest)?;
    Ok(Some(Line {
        at,
        method: Method::of(name),
        version,
        len: bytes.len().saturating_sub(rest.len()),
        target: Span::new(at_target, target.len()),
        path,
        authority,
    }))
}

/// The host that a target names, and its path with the query (RFC 9112, section 3.2). `at` is the place of the target.
fn parts(method: &[u8], target: &[u8], at: usize) -> Option<(Span, Span)> {
    match target {
        [b'/', ..] => return Some((Span::default(), Span::new(at, target.len()))),
        b"*" if method == b"OPTIONS" => return Some((Span::default(), Span::new(at, 1))),
        _ => {}
    }
    let (scheme, rest) = target.split_at_checked(7)?;
    let (authority, path) = run(rest, |byte| !matches!(byte, b'/' | b'?'));
    if !scheme.eq_ignore_ascii_case(b"http://") || Authority::parse(authority).is_none() {
        return None;
    }
    let at_authority = at.saturating_add(scheme.len());
    let at_path = at_authority.saturating_add(authority.len());
    Some((
        Span::new(at_authority, authority.len()),
        Span::new(at_path, path.len()),
    ))
}
