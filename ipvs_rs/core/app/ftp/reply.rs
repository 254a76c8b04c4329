// SPDX-License-Identifier: GPL-2.0

//! Replies of a server.
//!
//! A reply of several lines begins with its code and `-`. It ends with the first line that begins with the same code and a
//! blank (RFC 959, section 4.2). The lines between them may be anything, such as names of files, so they are no replies.

use core::ops::Range;

use super::super::{address, cursor::Cursor, Text};
use super::line::{Incomplete, Line, Lines, Position};
use super::{number_of, six_numbers, Form};
use crate::addr::{Addr, Family};

/// The length of a code.
const CODE_LEN: usize = 3;
/// The length of a code, and the byte that says whether more lines follow.
const START_LEN: usize = 4;

/// A reply that says where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 227 or 229.
    pub form: Form,
    /// The address in the reply. Usually there is none in 229: then it is the server's address of the control connection.
    ///
    /// A server may be configured to tell another address, such as that at which clients reach it.
    pub addr: Option<Addr>,
    /// The port in host order, never 0.
    pub port: u16,
    /// The bytes of the payload that [`text`](Self::text) takes the place of.
    pub place: Range<usize>,
}

impl Reply {
    /// The text of a reply of this form that leads to `port` of `addr`, which is an IPv4 address in [`Form::Classic`].
    pub fn text(&self, addr: Addr, port: u16) -> Text {
        match self.form {
            Form::Classic => Text::six_numbers(addr.v4(), port),
            Form::Extended => Text::extended_port(port),
        }
    }
}

/// The replies of a packet from server to client that say where the server listens, in order.
///
/// Others are passed over, and so are those whose text is not that of their form. Ends after [`Incomplete`].
#[derive(Clone, Debug)]
pub struct Replies<'a> {
    lines: Lines<'a>,
    family: Family,
    within_reply: Option<[u8; CODE_LEN]>,
}

impl<'a> Replies<'a> {
    /// The replies in `payload`, of a control connection of this family.
    pub const fn new(payload: &'a [u8], family: Family, position: Position) -> Self {
        Self {
            lines: Lines::new(payload, position),
            family,
            within_reply: position.within_reply,
        }
    }

    /// Where the next packet begins, once all replies of this one were taken and the whole of it was sent on.
    pub const fn position(&self) -> Position {
        Position {
            within_line: self.lines.ends_within_line(),
            within_reply: self.within_reply,
        }
    }

    /// Whether a line that begins so is the last one of a reply with a form, which is given.
    fn form_of(&mut self, line: &[u8]) -> Option<Form> {
        let code = line.first_chunk::<CODE_LEN>().copied()?;
        if !code.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let goes_on = line.get(CODE_LEN) == Some(&b'-');
        let is_last = matches!(line.get(CODE_LEN), None | Some(b' ' | b'\r'));
        match self.within_reply {
            None if goes_on => self.within_reply = Some(code),
            None if is_last => return self.form_of_code(code),
            Some(begun) if begun == code && is_last => {
                self.within_reply = None;
                return self.form_of_code(code);
            }
            _ => {}
        }
        None
    }

    const fn form_of_code(&self, code: [u8; CODE_LEN]) -> Option<Form> {
        match (&code, self.family) {
            (b"227", Family::V4) => Some(Form::Classic),
            (b"229", _) => Some(Form::Extended),
            _ => None,
        }
    }
}

impl Iterator for Replies<'_> {
    type Item = Result<Reply, Incomplete>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next()? {
                Line::Rest => {}
                Line::Whole(line) => {
                    let form = self.form_of(line.rest());
                    let reply = form.and_then(|form| read(form, line, self.family));
                    if let Some(reply) = reply {
                        return Some(Ok(reply));
                    }
                }
                Line::Unfinished(line) => {
                    let start = line.rest();
                    let is_incomplete = match start.get(..START_LEN) {
                        Some(_) => self.form_of(start).is_some(),
                        None => start.iter().all(u8::is_ascii_digit),
                    };
                    return is_incomplete.then_some(Err(Incomplete { from: line.at() }));
                }
            }
        }
    }
}

/// The reply of a line.
fn read(form: Form, mut line: Cursor<'_>, family: Family) -> Option<Reply> {
    line.advance(START_LEN);
    match form {
        Form::Classic => read_classic(line),
        Form::Extended => read_extended(line, family),
    }
}

/// The first six numbers in the text of 227, wherever they are: parentheses are not always there (RFC 1123, section 4.1.2.6).
fn read_classic(mut text: Cursor<'_>) -> Option<Reply> {
    loop {
        text.take_while(|byte| !byte.is_ascii_digit());
        if text.is_at_end() {
            return None;
        }
        let mut numbers = text;
        if let Some((addr, port)) = six_numbers(&mut numbers) {
            return Some(Reply {
                form: Form::Classic,
                addr: Some(Addr::from_v4(addr)),
                port,
                place: text.at()..numbers.at(),
            });
        }
        // No six numbers from the middle of a list: a client reads a list from its start.
        text.take_while(|byte| byte.is_ascii_digit() || byte == b',');
    }
}

/// What is behind the first parenthesis in the text of 229 that opens a port.
fn read_extended(mut text: Cursor<'_>, family: Family) -> Option<Reply> {
    loop {
        text.take_until(b'(')?;
        let mut inner = text;
        if let Some((addr, port)) = delimited(&mut inner, family) {
            return Some(Reply {
                form: Form::Extended,
                addr,
                port,
                place: text.at()..inner.at(),
            });
        }
    }
}

/// Moves over `|||port|` or `|family|address|port|`, with any delimiter.
fn delimited(text: &mut Cursor<'_>, family: Family) -> Option<(Option<Addr>, u16)> {
    let delimiter = text.peek().filter(u8::is_ascii_graphic)?;
    text.advance(1);
    let addr = if text.eat(delimiter) {
        text.eat(delimiter).then_some(None)?
    } else {
        if !text.eat(number_of(family)) || !text.eat(delimiter) {
            return None;
        }
        Some(address::parse(text.take_until(delimiter)?, family)?)
    };
    let port = text.port()?;
    text.eat(delimiter).then_some((addr, port))
}
