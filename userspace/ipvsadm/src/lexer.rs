// SPDX-License-Identifier: GPL-2.0

//! Words to options, by the rules of popt, which ipvsadm 1.31 is built on:
//!
//! - `-Ln` is `-L -n`; the rest of a bundle, or the next word, is the value of a letter that takes
//!   one; a `=` in front of such a rest is dropped.
//! - `--name=value` is `--name value`; names are not abbreviated.
//! - An optional value is the next word, unless that begins with a dash.
//! - Other words may stand anywhere; after `--` there are only such.

use std::fmt;

use crate::options::{by_long, by_short, Opt, Takes};

/// What comes next on a command line.
#[derive(Clone, Debug)]
pub enum Token {
    /// An option with its value.
    Option {
        /// Which.
        option: &'static Opt,
        /// Its value.
        value: Option<String>,
        /// The last word that was read, for messages.
        word: String,
    },
    /// A word that is no option.
    Word(String),
}

/// Why the words are no options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexError {
    /// The word.
    pub word: String,
    /// What is wrong with it.
    pub kind: LexErrorKind,
}

/// What is wrong with a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexErrorKind {
    /// There is no such option.
    Unknown,
    /// A value is missing.
    MissingValue,
    /// There must be no value.
    UnwantedValue,
}

impl fmt::Display for LexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.kind {
            LexErrorKind::Unknown => "unknown option",
            LexErrorKind::MissingValue => "missing argument",
            LexErrorKind::UnwantedValue => "option does not take an argument",
        };
        write!(f, "{}: {reason}", self.word)
    }
}

/// The tokens of some words.
pub struct Lexer<'a> {
    words: std::slice::Iter<'a, String>,
    /// The word with short options that is being read, and what is left of it.
    bundle: Option<(&'a str, &'a str)>,
    only_words: bool,
}

impl<'a> Lexer<'a> {
    /// Reads `words`, which do not include the name of the program.
    pub fn new(words: &'a [String]) -> Self {
        Self {
            words: words.iter(),
            bundle: None,
            only_words: false,
        }
    }

    /// The next word as the value of `option`.
    fn following(&mut self, takes: Takes) -> Option<&'a String> {
        let next = self.words.as_slice().first()?;
        if matches!(takes, Takes::Maybe(_)) && next.starts_with('-') {
            return None;
        }
        self.words.next()
    }

    /// An option whose value, if any in the same word, is `attached`.
    fn option(
        &mut self,
        option: &'static Opt,
        word: &str,
        attached: Option<&str>,
    ) -> Result<Token, LexError> {
        let error = |kind| LexError {
            word: word.to_owned(),
            kind,
        };
        let (value, last) = match (option.takes, attached) {
            (Takes::Nothing, None) => (None, word),
            (Takes::Nothing, Some(_)) => return Err(error(LexErrorKind::UnwantedValue)),
            (_, Some(value)) => (Some(value.to_owned()), word),
            (takes, None) => match self.following(takes) {
                Some(next) => (Some(next.clone()), next.as_str()),
                None if matches!(takes, Takes::Maybe(_)) => (None, word),
                None => return Err(error(LexErrorKind::MissingValue)),
            },
        };
        Ok(Token::Option {
            option,
            value,
            word: last.to_owned(),
        })
    }

    fn long(&mut self, word: &str, body: &str) -> Result<Token, LexError> {
        let (name, attached) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let unknown = || LexError {
            word: word.to_owned(),
            kind: LexErrorKind::Unknown,
        };
        self.option(by_long(name).ok_or_else(unknown)?, word, attached)
    }

    fn short(&mut self, word: &'a str, rest: &'a str) -> Result<Token, LexError> {
        let mut letters = rest.chars();
        let option = letters.next().and_then(by_short);
        let rest = letters.as_str();
        let unknown = || LexError {
            word: word.to_owned(),
            kind: LexErrorKind::Unknown,
        };
        let option = option.ok_or_else(unknown)?;
        match option.takes {
            Takes::Nothing if rest.starts_with('=') => self.option(option, word, Some(rest)),
            Takes::Nothing => {
                self.bundle = (!rest.is_empty()).then_some((word, rest));
                self.option(option, word, None)
            }
            _ if rest.is_empty() => self.option(option, word, None),
            _ => self.option(option, word, Some(rest.strip_prefix('=').unwrap_or(rest))),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, LexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((word, rest)) = self.bundle.take() {
            return Some(self.short(word, rest));
        }
        let word = self.words.next()?;
        if self.only_words {
            return Some(Ok(Token::Word(word.clone())));
        }
        if word == "--" {
            self.only_words = true;
            return self.next();
        }
        Some(match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(body), _) => self.long(word, body),
            (None, Some(rest)) if !rest.is_empty() => self.short(word, rest),
            _ => Ok(Token::Word(word.clone())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens in a short form: `long=value`, `"word"`, `!error`.
    fn lex(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let tokens = Lexer::new(&words).map(|token| match token {
            Ok(Token::Option {
                option,
                value: Some(value),
                ..
            }) => format!("{}={value}", option.long),
            Ok(Token::Option { option, .. }) => option.long.to_owned(),
            Ok(Token::Word(word)) => format!("{word:?}"),
            Err(error) => format!("!{error}"),
        });
        tokens.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn takes_words_apart_as_popt_does() {
        for (line, expected) in [
            ("-Ln", "list numeric"),
            ("-lnc", "list numeric connection"),
            ("-At 10.0.0.1:80", "add-service tcp-service=10.0.0.1:80"),
            ("-t10.0.0.1:80", "tcp-service=10.0.0.1:80"),
            ("-t=10.0.0.1:80", "tcp-service=10.0.0.1:80"),
            ("-t =10.0.0.1:80", "tcp-service==10.0.0.1:80"),
            (
                "--tcp-service=a --scheduler rr",
                "tcp-service=a scheduler=rr",
            ),
            ("-p -s rr", "persistent scheduler=rr"),
            ("-p 5 -s rr", "persistent=5 scheduler=rr"),
            ("-p5", "persistent=5"),
            ("-p -- 5", "persistent \"5\""),
            ("-p -1", "persistent !-1: unknown option"),
            ("-A foo -- -L", "add-service \"foo\" \"-L\""),
            ("-L -", "list \"-\""),
            ("-Cx", "clear !-Cx: missing argument"),
            ("-Lnz", "list numeric !-Lnz: unknown option"),
            ("-Ln=foo", "list !-Ln=foo: option does not take an argument"),
            ("--stats=", "!--stats=: option does not take an argument"),
            ("--stat", "!--stat: unknown option"),
            ("-t", "!-t: missing argument"),
        ] {
            assert_eq!(lex(line), expected, "{line}");
        }
    }
}
