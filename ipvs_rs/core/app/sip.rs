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
/// with CR, LF or CR LF. The body is searched too, after the headers.
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
        if let Some((start, value)) = value_at(cursor) {
            let end = start.checked_add(value.len())?;
            let next = message.get(end).copied();
            let is_key = value.len() <= LONGEST && next.is_some_and(is_line_end);
            return is_key.then_some(start..end);
        }
    }
}

/// The start and the bytes of the value, if the line at the cursor is the header and has one.
fn value_at(mut line: Cursor<'_>) -> Option<(usize, &[u8])> {
    if !line.eat_word(b"Call-ID") {
        let is_name = line.eat_word(b"i");
        let next = line.peek()?;
        if !is_name || next.is_ascii_alphabetic() {
            return None;
        }
    }
    skip_blanks(&mut line);
    if !line.eat(b':') {
        return None;
    }
    skip_blanks(&mut line);
    let (start, rest) = (line.at(), line.rest());
    if line.take_while(is_of_word).is_empty() {
        return None;
    }
    if line.eat(b'@') && line.take_while(is_of_word).is_empty() {
        return None;
    }
    let len = line.at().checked_sub(start)?;
    Some((start, rest.get(..len)?))
}

/// Moves over blanks, or over line ends with blanks or tabs behind them, by which a header goes on in the next line.
fn skip_blanks(cursor: &mut Cursor<'_>) {
    loop {
        cursor.take_while(|byte| byte == b' ');
        let mut next = *cursor;
        if !eat_line_end(&mut next) || next.take_while(is_blank).is_empty() {
            return;
        }
        *cursor = next;
    }
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

/// Whether a word may have this byte (RFC 3261, section 25.1).
const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
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
