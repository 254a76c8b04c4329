// SPDX-License-Identifier: GPL-2.0

//! Bodies in chunks (RFC 9112, section 7.1).
//!
//! ```text
//! SIZE [;EXTENSION] CRLF DATA CRLF ... 0 [;EXTENSION] CRLF { NAME: VALUE CRLF } CRLF
//! ```

use super::{
    framing::Malformed,
    scan::{is_text, is_token},
    FIELDS_MAX, HEAD_MAX,
};

/// The longest size of a chunk, in digits.
const DIGITS_MAX: u8 = 15;
/// The longest extension, in bytes.
const EXTENSION_MAX: u16 = 256;

/// A place within the chunks, outside their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the size, behind so many digits.
    Size(u8),
    /// In the extension, behind so many bytes.
    Extension(u16),
    /// Before the line feed behind the size or the extension.
    SizeEnd,
    /// Behind the data of a chunk, before its carriage return.
    DataReturn,
    /// Behind the data of a chunk, before its line feed.
    DataEnd,
    /// At the start of a trailer, or of the last line.
    TrailerStart,
    /// In the name of a trailer.
    Name,
    /// In the value of a trailer.
    Value,
    /// Before the line feed behind a trailer.
    TrailerEnd,
    /// Before the last line feed.
    LastEnd,
    /// Behind the body.
    Ended,
}

/// The names of trailers that are refused, as they belong into the head: they say where a message ends, and whom it is for.
const REFUSED: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"host"];

/// How much of a body in chunks was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Chunks {
    place: Place,
    /// The size of the chunk, as far as it was read.
    size: u64,
    /// The bytes of all trailers so far.
    trailer_bytes: u16,
    trailers: u8,
    /// The bytes of the name of a trailer so far.
    name_len: u8,
    /// For each name of [`REFUSED`] whether the name of this trailer begins like it.
    alike: [bool; REFUSED.len()],
}

impl Chunks {
    /// A body of which nothing was looked at.
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Size(0),
            size: 0,
            trailer_bytes: 0,
            trailers: 0,
            name_len: 0,
            alike: [true; REFUSED.len()],
        }
    }

    /// Whether the last byte of the body was looked at.
    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    /// Looks at the bytes that come next, and says how many of them belong to the body: more than there are, if the data of a
    /// chunk goes on behind them. Then those must not be given to this function.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Result<u64, Malformed> {
        let mut rest = bytes;
        while let ([byte, behind @ ..], false) = (rest, self.has_ended()) {
            rest = behind;
            let is_size_end = self.place == Place::SizeEnd;
            self.place = self.step(*byte).ok_or(Malformed)?;
            if is_size_end && self.place == Place::DataReturn {
                // The data of the chunk: it is not looked at.
                let size = usize::try_from(self.size).unwrap_or(usize::MAX);
                match rest.get(size..) {
                    Some(behind) => rest = behind,
                    None => {
                        let looked = bytes.len().saturating_sub(rest.len());
                        return Ok(count(looked).saturating_add(self.size));
                    }
                }
            }
        }
        Ok(count(bytes.len().saturating_sub(rest.len())))
    }

    /// The place behind this byte; [`None`] if it must not be here.
    fn step(&mut self, byte: u8) -> Option<Place> {
        match (self.place, byte) {
            (Place::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (Place::Size(1..), b';') => Some(Place::Extension(0)),
            (Place::Size(1..) | Place::Extension(_), b'\r') => Some(Place::SizeEnd),
            (Place::Extension(len), _) if is_text(byte) && len < EXTENSION_MAX => {
                Some(Place::Extension(len.saturating_add(1)))
            }
            (Place::SizeEnd, b'\n') if self.size == 0 => Some(Place::TrailerStart),
            (Place::SizeEnd, b'\n') => Some(Place::DataReturn),
            (Place::DataReturn, b'\r') => Some(Place::DataEnd),
            (Place::DataEnd, b'\n') => {
                self.size = 0;
                Some(Place::Size(0))
            }
            (Place::TrailerStart, b'\r') => Some(Place::LastEnd),
            (Place::LastEnd, b'\n') => Some(Place::Ended),
            _ => self.trailer(byte),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Option<Place> {
        let value = char::from(byte).to_digit(16)?;
        self.size = self.size.wrapping_shl(4) | u64::from(value);
        (digits < DIGITS_MAX).then_some(Place::Size(digits.saturating_add(1)))
    }

    /// A byte of a trailer.
    fn trailer(&mut self, byte: u8) -> Option<Place> {
        self.trailer_bytes = self.trailer_bytes.checked_add(1)?;
        if usize::from(self.trailer_bytes) > HEAD_MAX {
            return None;
        }
        match (self.place, byte) {
            (Place::TrailerStart, _) if is_token(byte) => {
                self.trailers = self.trailers.saturating_add(1);
                (self.name_len, self.alike) = (0, [true; REFUSED.len()]);
                self.name(byte);
                (usize::from(self.trailers) <= FIELDS_MAX).then_some(Place::Name)
            }
            (Place::Name, b':') => (!self.is_refused()).then_some(Place::Value),
            (Place::Name, _) if is_token(byte) => {
                self.name(byte);
                Some(Place::Name)
            }
            (Place::Value, b'\r') => Some(Place::TrailerEnd),
            (Place::Value, _) if is_text(byte) => Some(Place::Value),
            (Place::TrailerEnd, b'\n') => Some(Place::TrailerStart),
            _ => None,
        }
    }

    /// A byte of the name of a trailer.
    fn name(&mut self, byte: u8) {
        let at = usize::from(self.name_len);
        for (alike, name) in self.alike.iter_mut().zip(REFUSED) {
            *alike &= name.get(at) == Some(&byte.to_ascii_lowercase());
        }
        self.name_len = self.name_len.saturating_add(1);
    }

    /// Whether the name of the trailer, which ends here, is refused.
    fn is_refused(&self) -> bool {
        let len = usize::from(self.name_len);
        let mut names = self.alike.iter().zip(REFUSED);
        names.any(|(alike, name)| *alike && name.len() == len)
    }
}

/// CAST: no target has a `usize` of more than 64 bits.
const fn count(bytes: usize) -> u64 {
    bytes as u64
}
