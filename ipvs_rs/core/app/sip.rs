// SPDX-License-Identifier: GPL-2.0

//! The Call-ID of a SIP message (RFC 3261, section 20.8), by which the persistence engine `sip` finds the server of a call.
//!
//! ```text
//!   INVITE sip:bob@example.com SIP/2.0 CRLF      the first line never counts
//!   Call-ID: f81d4fae@192.0.2.2 CRLF             also i: f81d4fae@192.0.2.2
//!            ~~~~~~~~~~~~~~~~~~
//! ```

use core::ops::Range;

use super::cursor::Cursor;

/// The length of the longest Call-ID that is a key, in bytes.
pub const LONGEST: usize = 255;

/// The bytes of `message` that are its Call-ID, without blanks around it.
///
/// As the C module does: the first header with a value counts. Its name is `Call-ID` or `i` in either case of letters. Its value
/// is a word, or two words with `@` between them, of at most [`LONGEST`] bytes, and a line end must follow it directly. Lines end
/// with CR, LF or CR LF, and each has one byte at least: an empty line of CR or LF alone is the beginning of the next line. The
/// body is searched too, after the headers. A header without a colon, and one that ends behind its name or its colon, ends the
/// search.
///
/// With `headers_only` the search ends at the empty line before the body. The C module never does so: the body may be text
/// of the other side, so a message without a Call-ID should have no key.
///
/// Returns [`None`] for a message without such a header, and for one whose first value is too long or has no line end behind it.
pub fn call_id(message: &[u8], headers_only: bool) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(message, 0);
    loop {
        cursor.take_while(|byte| !is_line_end(byte));
        if !eat_line_end(&mut cursor) {
            return None;
        }
        if headers_only && cursor.peek().is_some_and(is_line_end) {
            return None;
        }
        match line_at(cursor) {
            Line::Broken => return None,
            Line::Other => cursor.advance(1),
            Line::Value { start, len } => {
                let end = start.checked_add(len)?;
                let next = message.get(end).copied();
                let is_key = len <= LONGEST && next.is_some_and(is_line_end);
                return is_key.then_some(start..end);
            }
        }
    }
}

/// A line as the search sees it.
enum Line {
    /// A line that is not the header, or has no value.
    Other,
    /// The header, without a colon or without anything behind its name or its colon.
    Broken,
    /// The header, and the place of its value in the message.
    Value { start: usize, len: usize },
}

/// The line at the cursor.
fn line_at(mut line: Cursor<'_>) -> Line {
    if !eat_name(&mut line) {
        return Line::Other;
    }
    if !skip_blanks(&mut line) || !line.eat(b':') || !skip_blanks(&mut line) {
        return Line::Broken;
    }
    let start = line.at();
    if line.take_while(is_of_word).is_empty() {
        return Line::Other;
    }
    if line.eat(b'@') && line.take_while(is_of_word).is_empty() {
        return Line::Other;
    }
    let len = line.at().saturating_sub(start);
    Line::Value { start, len }
}

/// Moves over the name of the header, if it comes next.
fn eat_name(line: &mut Cursor<'_>) -> bool {
    line.eat_word(b"Call-ID")
        || line.eat_word(b"i") && line.peek().is_some_and(|byte| !is_letter(byte))
}

/// Moves over blanks and tabs. They may have one line end among them, by which a header goes on in the next line. Returns false if
/// the header does not go on behind a line end.
fn skip_blanks(cursor: &mut Cursor<'_>) -> bool {
    cursor.take_while(is_blank);
    !eat_line_end(cursor) || !cursor.take_while(is_blank).is_empty()
}

/// Moves over CR, LF or CR LF.
fn eat_line_end(cursor: &mut Cursor<'_>) -> bool {
    let has_cr = cursor.eat(b'\r');
    let has_lf = cursor.eat(b'\n');
    has_cr || has_lf
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether the C module takes this byte for a letter: those of Latin-1 count.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0xC0 && byte != 0xD7 && byte != 0xF7
}

/// Whether a word may have this byte (RFC 3261, section 25.1), or it is a letter of Latin-1.
const fn is_of_word(byte: u8) -> bool {
    is_letter(byte)
        || byte.is_ascii_digit()
        || matches!(
            byte,
            b'!' | b'"'
                | b'%'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'/'
                | b':'
                | b'<'
                | b'>'
                | b'?'
                | b'['
                | b'\\'
                | b']'
                | b'_'
                | b'`'
                | b'{'
                | b'}'
                | b'~'
        )
}
