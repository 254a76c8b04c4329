// SPDX-License-Identifier: GPL-2.0

//! Reading text byte by byte.

/// A place in a text, and the text behind it.
///
/// The methods move the place forward only, and never beyond the end of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The place `at` in `text`.
    pub(super) const fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// The number of bytes before the place.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The bytes behind the place.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The byte at the place.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The same place in the text that ends at the offset `end`.
    pub(super) fn until(&self, end: usize) -> Self {
        let text = self.text.get(..end).unwrap_or(self.text);
        Self { text, ..*self }
    }

    /// The same place in the text without the white space at its end.
    pub(super) fn trim_end(&self) -> Self {
        let end = self.at.saturating_add(self.rest().trim_ascii_end().len());
        self.until(end)
    }

    /// Whether the text ends here.
    pub(super) fn is_at_end(&self) -> bool {
        self.peek().is_none()
    }

    /// Moves over so many bytes, or to the end.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Moves over this byte, if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        if comes {
            self.advance(1);
        }
        comes
    }

    /// Moves over this word, if it comes next, in either case of letters.
    pub(super) fn eat_word(&mut self, word: &[u8]) -> bool {
        let next = self.rest().get(..word.len());
        let comes = next.is_some_and(|next| next.eq_ignore_ascii_case(word));
        if comes {
            self.advance(word.len());
        }
        comes
    }

    /// Moves over white space of ASCII.
    pub(super) fn skip_white_space(&mut self) {
        self.take_while(|byte| byte.is_ascii_whitespace());
    }

    /// Moves over all bytes up to the first one that `belongs` refuses, and gives them.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !belongs(byte));
        let taken = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.advance(taken.len());
        taken
    }

    /// Moves behind the next such byte, and gives the bytes before it.
    pub(super) fn take_until(&mut self, byte: u8) -> Option<&'a [u8]> {
        let taken = self.take_while(|other| other != byte);
        self.eat(byte).then_some(taken)
    }

    /// Moves over a decimal number of 1 to `digits` digits, of which leading zeros count.
    ///
    /// Returns [`None`] if there is no digit, if there are more, or if the number is above 2^32 - 1.
    pub(super) fn number(&mut self, digits: usize) -> Option<u32> {
        let taken = self.take_while(|byte| byte.is_ascii_digit());
        if taken.is_empty() || taken.len() > digits {
            return None;
        }
        taken.iter().try_fold(0_u32, |number, digit| {
            let digit = digit.checked_sub(b'0')?;
            number.checked_mul(10)?.checked_add(digit.into())
        })
    }

    /// Moves over a port in decimal, which is never 0. See [`number`](Self::number).
    pub(super) fn port(&mut self) -> Option<u16> {
        let port = u16::try_from(self.number(5)?).ok()?;
        (port != 0).then_some(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bounded_by_their_digits() {
        for (text, digits, number) in [
            ("0", 1, Some(0)),
            ("255,", 3, Some(255)),
            ("007", 3, Some(7)),
            ("0007", 3, None),
            ("", 3, None),
            ("x1", 3, None),
            ("4294967295", 10, Some(u32::MAX)),
            ("4294967296", 10, None),
            ("99999999999999999999", 20, None),
        ] {
            let found = Cursor::new(text.as_bytes(), 0).number(digits);
            assert_eq!(found, number, "{text}");
        }
        assert_eq!(Cursor::new(b"65535", 0).port(), Some(65535));
        assert_eq!(Cursor::new(b"65536", 0).port(), None);
        assert_eq!(Cursor::new(b"0", 0).port(), None);
    }

    #[test]
    fn no_move_leads_beyond_the_end() {
        let mut cursor = Cursor::new(b"PaSv x", 0);
        assert!(!cursor.eat_word(b"PASV x and more"));
        assert!(cursor.eat_word(b"PASV"));
        assert!(cursor.eat(b' ') && !cursor.eat(b' '));
        assert_eq!(cursor.take_until(b'|'), None);
        let part = Cursor::new(b"a b \r\n c", 1).until(6);
        assert_eq!((part.at(), part.rest()), (1, &b" b \r\n"[..]));
        assert_eq!(part.trim_end().rest(), b" b");
        assert_eq!(part.until(100).rest(), part.rest());
        cursor.advance(usize::MAX);
        assert_eq!(
            (cursor.at(), cursor.peek(), cursor.rest()),
            (6, None, &[][..])
        );
        assert!(cursor.is_at_end());
    }
}
