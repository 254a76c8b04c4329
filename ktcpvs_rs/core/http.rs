// SPDX-License-Identifier: GPL-2.0

//! Messages of HTTP/1 (RFC 9112): heads, and where bodies end.
//!
//! A relay passes on the bytes that it has parsed, and two programs that read the same bytes differently can be tricked into
//! taking a part of one request for another request. So whatever has two readings is refused.
//!
//! | module | what it holds |
//! |---|---|
//! | [`request`], [`answer`] | heads, which are read as they come in |
//! | [`framing`], [`chunked`] | the length of a body |
//! | [`edits`] | what is left out of a head and put into it when it is passed on |
//! | [`fault`] | the answers of the switch itself |
//!
//! A place in a head is a [`Span`]. A head has at most 16,384 bytes.

pub mod answer;
mod authority;
pub mod chunked;
pub mod edits;
pub mod fault;
mod field;
pub mod framing;
mod head;
mod meaning;
pub mod request;
mod scan;

pub use fault::Fault;
pub use framing::Framing;

/// The longest head, in bytes, with all line ends.
pub const HEAD_MAX: usize = 16_384;
/// The longest request line, in bytes, without its line end.
pub const LINE_MAX: usize = 8_192;
/// The greatest number of fields in a head, or of trailers behind a chunked body.
pub const FIELDS_MAX: usize = 128;
/// The longest method, in bytes.
pub const METHOD_MAX: usize = 32;
/// The greatest number of options in the fields `Connection` of a head.
pub const OPTIONS_MAX: usize = 16;

/// A range of bytes in a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    from: u16,
    to: u16,
}

impl Span {
    /// The range from the place `from` on, of `len` bytes. Places beyond a head become the last place.
    pub(crate) fn new(from: usize, len: usize) -> Self {
        let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Self {
            from: place(from),
            to: place(from.saturating_add(len)),
        }
    }

    /// The place of the first byte.
    pub const fn start(self) -> u16 {
        self.from
    }

    /// The place behind the last byte.
    pub const fn end(self) -> u16 {
        self.to
    }

    /// Whether there is no byte in the range.
    pub const fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// The bytes of this range of `head`; none if the head is another one.
    pub fn of(self, head: &[u8]) -> &[u8] {
        head.get(usize::from(self.from)..usize::from(self.to))
            .unwrap_or_default()
    }
}

/// The version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, and whatever other minor version a peer claims (RFC 9110, section 6.2).
    Http11,
}

impl Version {
    /// The version with this digit behind `HTTP/1.`.
    const fn of_minor(digit: u8) -> Self {
        match digit {
            b'0' => Self::Http10,
            _ => Self::Http11,
        }
    }
}
