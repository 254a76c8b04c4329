// SPDX-License-Identifier: GPL-2.0

//! The words of a configuration file.

/// A string: a word, or what stands between quotes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    raw: &'a [u8],
    is_quoted: bool,
}

impl<'a> Text<'a> {
    /// A string of these bytes.
    pub const fn plain(bytes: &'a [u8]) -> Self {
        Self {
            raw: bytes,
            is_quoted: false,
        }
    }

    /// The bytes of the string, of which the file may have had more.
    pub fn bytes(self) -> impl Iterator<Item = u8> + 'a {
        let (mut rest, mut is_escaped) = (self.raw, false);
        core::iter::from_fn(move || {
            // A backslash before a quote is left out, unless another one before it has made a pair of both.
            let is_left_out = matches!(rest, [b'\\', b'"', ..]) && self.is_quoted && !is_escaped;
            rest = rest.get(usize::from(is_left_out)..)?;
            let (byte, behind) = rest.split_first()?;
            is_escaped = !is_escaped && *byte == b'\\';
            rest = behind;
            Some(*byte)
        })
    }

    /// Whether the string has no bytes.
    pub const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Text<'_> {}

/// A word or a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a [u8]),
    Quoted(Text<'a>),
    Open,
    Close,
    Equals,
}

/// A quote does not end on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unterminated;

/// The words of a file, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    /// The line of the last word, from 1 on.
    line: usize,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    /// The line of the last word.
    pub(super) const fn line(&self) -> usize {
        self.line
    }

    /// The next word; [`None`] at the end of the file.
    pub(super) fn token(&mut self) -> Result<Option<Token<'a>>, Unterminated> {
        self.skip_blanks();
        let Some((first, behind)) = self.rest.split_first() else {
            return Ok(None);
        };
        let sign = match first {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b'=' => Token::Equals,
            b'"' => return self.quoted(behind).map(Some),
            _ => return Ok(Some(self.word())),
        };
        self.rest = behind;
        Ok(Some(sign))
    }

    /// Moves over blanks, ends of lines and comments.
    fn skip_blanks(&mut self) {
        let mut is_comment = false;
        while let Some((byte, behind)) = self.rest.split_first() {
            match byte {
                b'\n' => {
                    self.line = self.line.saturating_add(1);
                    is_comment = false;
                }
                b'#' => is_comment = true,
                byte if is_comment || byte.is_ascii_whitespace() => {}
                _ => return,
            }
            self.rest = behind;
        }
    }

    fn word(&mut self) -> Token<'a> {
        let is_end = |byte: &u8| {
            byte.is_ascii_whitespace() || matches!(byte, b'"' | b'#' | b'=' | b'{' | b'}')
        };
        let word = self.rest.split(is_end).next().unwrap_or_default();
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
        Token::Word(word)
    }

    /// What is behind an opening quote.
    fn quoted(&mut self, text: &'a [u8]) -> Result<Token<'a>, Unterminated> {
        let mut rest = text;
        loop {
            rest = match rest {
                [b'"', behind @ ..] => {
                    let len = text.len().saturating_sub(rest.len());
                    self.rest = behind;
                    return Ok(Token::Quoted(Text {
                        raw: text.get(..len).unwrap_or_default(),
                        is_quoted: true,
                    }));
                }
                [] | [b'\n', ..] | [b'\\', b'\n', ..] => return Err(Unterminated),
                [b'\\', _, behind @ ..] | [_, behind @ ..] => behind,
            };
        }
    }
}
