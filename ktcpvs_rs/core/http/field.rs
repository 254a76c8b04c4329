// SPDX-License-Identifier: GPL-2.0

//! The lines of a head behind its first one (RFC 9112, section 5).

use super::scan::{is_token, position, text_len, trim};

/// A line that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A name and a value.
    Field(Field<'a>),
    /// The empty line at the end, of two bytes.
    Empty,
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// The name, as the peer wrote it.
    pub(super) name: &'a [u8],
    /// The value, without blanks around it.
    pub(super) value: &'a [u8],
    /// The number of bytes of the line before the value.
    pub(super) before: usize,
    /// The length of the line, with its end.
    pub(super) len: usize,
}

impl Field<'_> {
    /// Whether the field has this name.
    #[inline]
    pub(super) fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The line is none of a head, whatever comes behind these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The line at the start of `bytes`; [`None`] if it is not complete.
///
/// A line ends with a carriage return and a line feed, and has neither of them, nor another control character, before. There
/// is no blank before the colon, and none at the start: a line that continues the one before it is obsolete (RFC 9112,
/// section 5.2), and some programs do not read it so.
pub(super) fn line(bytes: &[u8]) -> Result<Option<Line<'_>>, Malformed> {
    match bytes {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', ..] => return Ok(Some(Line::Empty)),
        _ => {}
    }
    let name_len = position(bytes, |byte| !is_token(byte));
    let Some((name, behind)) = name_len.and_then(|len| bytes.split_at_checked(len)) else {
        return Ok(None);
    };
    let (false, [b':', behind @ ..]) = (name.is_empty(), behind) else {
        return Err(Malformed);
    };
    let Some((text, tail)) = behind.split_at_checked(text_len(behind)) else {
        return Err(Malformed);
    };
    let rest = match tail {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', rest @ ..] => rest,
        _ => return Err(Malformed),
    };
    let value = trim(text);
    let blanks = position(text, |byte| !matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    Ok(Some(Line::Field(Field {
        name,
        value,
        before: name.len().saturating_add(1).saturating_add(blanks),
        len: bytes.len().saturating_sub(rest.len()),
    })))
}

/// The fields at the start of `bytes`, with the place of each; up to the first line that is none.
pub(super) fn fields(bytes: &[u8], at: usize) -> impl Iterator<Item = (usize, Field<'_>)> {
    let mut at = at;
    core::iter::from_fn(move || match line(bytes.get(at..)?) {
        Ok(Some(Line::Field(field))) => {
            let place = at;
            at = at.saturating_add(field.len);
            Some((place, field))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_fields_or_empty_or_refused() {
        let field = |name: &'static str, value: &'static str, before, len| {
            Ok(Some(Line::Field(Field {
                name: name.as_bytes(),
                value: value.as_bytes(),
                before,
                len,
            })))
        };
        for (text, expected) in [
            ("", Ok(None)),
            ("\r", Ok(None)),
            ("\r\nX", Ok(Some(Line::Empty))),
            ("\rX", Err(Malformed)),
            ("\n", Err(Malformed)),
            ("Host", Ok(None)),
            ("Host:", Ok(None)),
            ("Host: a\r", Ok(None)),
            ("Host: a\r\n", field("Host", "a", 6, 9)),
            ("Host:a\r\nX", field("Host", "a", 5, 8)),
            ("A: \t b c\t \r\n", field("A", "b c", 5, 12)),
            ("A:\r\n", field("A", "", 2, 4)),
            ("A: \r\n", field("A", "", 3, 5)),
            ("A: \u{fc}\r\n", field("A", "\u{fc}", 3, 7)),
            ("A : b\r\n", Err(Malformed)),
            (" A: b\r\n", Err(Malformed)),
            ("\tA: b\r\n", Err(Malformed)),
            (": b\r\n", Err(Malformed)),
            ("A\r\n", Err(Malformed)),
            ("A b: c\r\n", Err(Malformed)),
            ("A: b\n", Err(Malformed)),
            ("A: b\rc\r\n", Err(Malformed)),
            ("A: b\0\r\n", Err(Malformed)),
            ("A: \x0bb\r\n", Err(Malformed)),
            ("A: \x7f\r\n", Err(Malformed)),
            ("\u{fc}: b\r\n", Err(Malformed)),
        ] {
            assert_eq!(line(text.as_bytes()), expected, "{text:?}");
        }
    }
}
