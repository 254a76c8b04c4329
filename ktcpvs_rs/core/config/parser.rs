// SPDX-License-Identifier: GPL-2.0

//! Reading a configuration file.

use super::{
    is_name,
    item::{Flag, Item, Number},
    place::{decimal, prefix, Place},
    token::{Text, Token, Tokens},
    GROUP_MAX,
};
use crate::pattern::PATTERN_MAX;

/// Where a file is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1 on.
    pub line: usize,
    /// What was being read: a keyword.
    pub what: &'static str,
}

/// The items of a file, each with its line; the last one is a fault if there is one.
#[derive(Clone, Debug)]
pub struct Parser<'a> {
    tokens: Tokens<'a>,
    /// A service has begun.
    is_inside: bool,
    has_failed: bool,
}

impl<'a> Parser<'a> {
    /// The items of a file with this text.
    pub const fn new(text: &'a [u8]) -> Self {
        Self {
            tokens: Tokens::new(text),
            is_inside: false,
            has_failed: false,
        }
    }

    fn item(&mut self) -> Result<Option<Item<'a>>, &'static str> {
        const VIRTUAL: &str = "virtual";
        let token = self.tokens.token().map_err(|_| VIRTUAL)?;
        match (token, self.is_inside) {
            (None, false) => Ok(None),
            (Some(Token::Word(word)), false) if word.eq_ignore_ascii_case(b"virtual") => {
                let name = self.word().filter(|name| is_name(name)).ok_or(VIRTUAL)?;
                self.sign(Token::Open).ok_or(VIRTUAL)?;
                self.is_inside = true;
                Ok(Some(Item::Begin(name)))
            }
            (Some(Token::Close), true) => {
                self.is_inside = false;
                Ok(Some(Item::End))
            }
            (Some(Token::Word(word)), true) => {
                let setting = SETTINGS
                    .iter()
                    .find(|(keyword, _)| word.eq_ignore_ascii_case(keyword.as_bytes()));
                let (keyword, read) = setting.ok_or(VIRTUAL)?;
                let item = self.sign(Token::Equals).and_then(|()| read(self, word));
                item.map(Some).ok_or(keyword)
            }
            _ => Err(VIRTUAL),
        }
    }

    /// The next token, if it is this sign.
    fn sign(&mut self, sign: Token<'a>) -> Option<()> {
        let token = self.tokens.token().ok().flatten();
        (token == Some(sign)).then_some(())
    }

    /// The next token, if it is a word.
    fn word(&mut self) -> Option<&'a [u8]> {
        match self.tokens.token() {
            Ok(Some(Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    /// The next token, if it is this keyword.
    fn keyword(&mut self, keyword: &[u8]) -> Option<()> {
        self.word()?.eq_ignore_ascii_case(keyword).then_some(())
    }

    fn place(&mut self) -> Option<Place<'a>> {
        Place::parse(self.word()?)
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(decimal(self.word()?)?).ok()
    }

    /// A word that stands for one of two values.
    fn either(&mut self, off: &[u8], on: &[u8]) -> Option<bool> {
        let word = self.word()?;
        let is_on = word.eq_ignore_ascii_case(on);
        (is_on || word.eq_ignore_ascii_case(off)).then_some(is_on)
    }

    fn rule(&mut self) -> Option<Item<'a>> {
        self.keyword(b"pattern")?;
        let pattern = match self.tokens.token() {
            Ok(Some(Token::Word(word))) => Text::plain(word),
            Ok(Some(Token::Quoted(text))) => text,
            _ => return None,
        };
        if pattern.is_empty()
            || pattern
                .bytes()
                .take(PATTERN_MAX.saturating_add(1))
                .fold(0, longer)
                > PATTERN_MAX
        {
            return None;
        }
        let mut next = self.word()?;
        let mut group = 0;
        if next.eq_ignore_ascii_case(b"match") {
            group = self.number().filter(|group| *group <= GROUP_MAX)?;
            next = self.word()?;
        }
        if !next.eq_ignore_ascii_case(b"use") {
            return None;
        }
        self.keyword(b"server")?;
        Some(Item::Rule {
            pattern,
            group,
            server: self.place()?,
        })
    }
}

fn longer(len: usize, _: u8) -> usize {
    len.saturating_add(1)
}

/// Reads what is behind `keyword =`.
type Read = for<'a> fn(&mut Parser<'a>, &[u8]) -> Option<Item<'a>>;

const SETTINGS: [(&str, Read); 16] = [
    ("listen", |parser, _| parser.place().map(Item::Listen)),
    ("scheduler", |parser, _| {
        let name = parser.word().filter(|name| is_name(name));
        name.map(Item::Scheduler)
    }),
    ("redirect", |parser, _| {
        let place = parser.place().filter(|place| place.port.is_some());
        place.map(Item::Redirect)
    }),
    ("server", |parser, _| {
        Some(Item::Server(parser.place()?, parser.number()?))
    }),
    ("startservers", numbered),
    ("maxclients", numbered),
    ("minspareservers", numbered),
    ("maxspareservers", numbered),
    ("idle", numbered),
    ("rule", |parser, _| parser.rule()),
    ("forwarded", flagged),
    ("transparent", flagged),
    ("sni", flagged),
    ("proxy", |parser, _| {
        parser.either(b"off", b"v2").map(Item::Proxy)
    }),
    ("trusted", |parser, _| {
        let (family, addr, bits) = prefix(parser.word()?)?;
        Some(Item::Trusted(family, addr, bits))
    }),
    ("max_body", |parser, _| parser.number().map(Item::MaxBody)),
];

fn numbered<'a>(parser: &mut Parser<'a>, word: &[u8]) -> Option<Item<'a>> {
    let number = named(&Number::ALL, word)?;
    let value = parser.number().filter(|value| *value > 0)?;
    Some(Item::Number(number, value))
}

fn flagged<'a>(parser: &mut Parser<'a>, word: &[u8]) -> Option<Item<'a>> {
    let flag = named(&Flag::ALL, word)?;
    Some(Item::Flag(flag, parser.either(b"no", b"yes")?))
}

fn named<T: Copy>(all: &[(T, &[u8])], word: &[u8]) -> Option<T> {
    let found = all
        .iter()
        .find(|(_, keyword)| word.eq_ignore_ascii_case(keyword));
    found.map(|(it, _)| *it)
}

impl<'a> Iterator for Parser<'a> {
    type Item = Result<(usize, Item<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let item = self.item();
        let line = self.tokens.line();
        self.has_failed = item.is_err();
        match item {
            Ok(item) => item.map(|item| Ok((line, item))),
            Err(what) => Some(Err(Fault { line, what })),
        }
    }
}
