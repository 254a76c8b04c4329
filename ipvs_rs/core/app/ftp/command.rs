// SPDX-License-Identifier: GPL-2.0

//! Commands of a client.

use core::ops::Range;

use super::super::{address, cursor::Cursor};
use super::line::{Incomplete, Line, Lines, Position};
use super::{number_of, six_numbers, Form};
use crate::addr::{Addr, Family};

/// The commands that are looked for.
const WORDS: [&[u8]; 4] = [b"PASV", b"EPSV", b"PORT", b"EPRT"];
/// The ports below it are those of services, of which a client does not listen on any.
const FIRST_UNPRIVILEGED: u16 = 1024;

/// What a line of a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// PASV or EPSV: the server shall listen.
    ///
    /// PASV may have any argument, as some servers ignore it. EPSV has no argument or the number of the connection's family.
    Passive(Form),
    /// PORT or EPRT: the client will listen.
    Active(Form, Endpoint),
    /// PORT or EPRT with an argument that is no address and port of the connection's family.
    Malformed(Form),
    /// Another command, or the end of a line that began in an earlier packet.
    Other,
}

/// Where a client says that it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address, of the family of the control connection.
    pub addr: Addr,
    /// The port in host order, never 0.
    pub port: u16,
}

/// Why no data connection should be opened to an endpoint. The C module opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The address is another host's: a client may want the server to attack that host (RFC 2577, section 3).
    OtherHost,
    /// The port is below 1024, where services of the client's host are (RFC 2577, section 3).
    PrivilegedPort,
}

impl Endpoint {
    /// What speaks against a data connection to this endpoint, of the client with address `client`. Another host comes first.
    pub fn objection(&self, client: Addr) -> Option<Objection> {
        if self.addr != client {
            Some(Objection::OtherHost)
        } else if self.port < FIRST_UNPRIVILEGED {
            Some(Objection::PrivilegedPort)
        } else {
            None
        }
    }
}

/// The commands of a packet from client to server, in order.
///
/// Ends after [`Incomplete`].
#[derive(Clone, Debug)]
pub struct Commands<'a> {
    lines: Lines<'a>,
    family: Family,
    /// Where the line of the last command is.
    line: (usize, usize),
}

impl<'a> Commands<'a> {
    /// The commands in `payload`, of a control connection of this family.
    pub const fn new(payload: &'a [u8], family: Family, position: Position) -> Self {
        Self {
            lines: Lines::new(payload, position),
            family,
            line: (0, 0),
        }
    }

    /// The bytes of the line of the last command, without its end. Empty if the line began in an earlier packet.
    pub const fn line(&self) -> Range<usize> {
        self.line.0..self.line.1
    }

    /// Where the next packet begins, once all commands of this one were taken and the whole of it was sent on.
    pub const fn position(&self) -> Position {
        Position {
            within_line: self.lines.ends_within_line(),
            within_reply: None,
        }
    }
}

impl Iterator for Commands<'_> {
    type Item = Result<Command, Incomplete>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.lines.next()? {
            Line::Whole(text) => {
                let end = text.at().saturating_add(text.rest().len());
                self.line = (text.at(), end);
                Some(Ok(Command::read(text, self.family)))
            }
            Line::Rest => {
                self.line = (0, 0);
                Some(Ok(Command::Other))
            }
            Line::Unfinished(text) if may_become_command(text.rest()) => {
                Some(Err(Incomplete { from: text.at() }))
            }
            Line::Unfinished(_) => None,
        }
    }
}

impl Command {
    /// The command of a line.
    fn read(mut line: Cursor<'_>, family: Family) -> Self {
        let Some(word) = WORDS.into_iter().find(|word| line.eat_word(word)) else {
            return Self::Other;
        };
        let blanks = line.take_while(|byte| byte == b' ').len();
        if blanks == 0 && !line.is_at_end() {
            return Self::Other;
        }
        let (form, argument) = match (word, family) {
            (b"PASV", Family::V4) => return Self::Passive(Form::Classic),
            (b"EPSV", _) if is_of_family(line, family) => return Self::Passive(Form::Extended),
            (b"PORT", Family::V4) => (Form::Classic, classic_endpoint(line)),
            (b"PORT", Family::V6) => (Form::Classic, None),
            (b"EPRT", _) => (Form::Extended, extended_endpoint(line, family)),
            _ => return Self::Other,
        };
        match argument {
            Some(endpoint) => Self::Active(form, endpoint),
            None => Self::Malformed(form),
        }
    }
}

/// Whether the argument of EPSV is missing, or the number of the family.
fn is_of_family(mut argument: Cursor<'_>, family: Family) -> bool {
    argument.eat(number_of(family));
    ends(argument)
}

/// Whether only blanks are left.
fn ends(mut argument: Cursor<'_>) -> bool {
    argument.take_while(|byte| byte == b' ');
    argument.is_at_end()
}

/// The argument of PORT.
fn classic_endpoint(mut argument: Cursor<'_>) -> Option<Endpoint> {
    let (addr, port) = six_numbers(&mut argument)?;
    let addr = Addr::from_v4(addr);
    ends(argument).then_some(Endpoint { addr, port })
}

/// The argument of EPRT: the number of the family, the address and the port, with a delimiter around each.
fn extended_endpoint(mut argument: Cursor<'_>, family: Family) -> Option<Endpoint> {
    let delimiter = argument.peek().filter(u8::is_ascii_graphic)?;
    argument.advance(1);
    if !argument.eat(number_of(family)) || !argument.eat(delimiter) {
        return None;
    }
    let addr = address::parse(argument.take_until(delimiter)?, family)?;
    let port = argument.port()?;
    (argument.eat(delimiter) && ends(argument)).then_some(Endpoint { addr, port })
}

/// Whether these first bytes of a line may be those of a command that is looked for.
fn may_become_command(start: &[u8]) -> bool {
    let is_alike = |word: &[u8]| {
        let pairs = start.iter().zip(word);
        let is_same = pairs.clone().all(|(a, b)| a.eq_ignore_ascii_case(b));
        let next = start.get(word.len());
        is_same && next.is_none_or(|next| matches!(next, b' ' | b'\r'))
    };
    WORDS.into_iter().any(is_alike)
}
