// SPDX-License-Identifier: GPL-2.0

//! The packets of both directions of a control connection, one after the other.
//!
//! A packet belongs to the text before it if its sequence number follows. Any other is read on its own: one that comes again,
//! and one behind a gap. The start of a command whose end is still to come is kept, and read together with the next packet, so
//! it does not matter how a client splits its commands. It was sent on meanwhile: commands are never rewritten.
//!
//! The start of a reply cannot be sent on before its end is known, and a server does not send the end before the start has
//! arrived. So a reply of which the client waits for the address, and that comes in pieces, is made an error: its
//! first digit becomes [`REFUSAL`]. Servers write a reply at once; none was seen that does not.

use core::ops::Range;

use super::super::cursor::Cursor;
use super::{Command, Commands, Control, Endpoint, Form, Incomplete, Position, Replies, Reply};
use crate::addr::{Addr, Family};

/// The most commands, or replies, of one packet that have an effect.
pub const MOST: usize = 4;

/// The first digit of a reply that says that the command was not carried out (RFC 959, section 4.2.1).
pub const REFUSAL: u8 = b'5';

/// The bytes of a command that are kept until its end comes. The longest, EPRT with an IPv6 address, has 62.
const LONGEST: usize = 96;

/// What a balancer remembers of a control connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conversation {
    control: Control,
    client: Stream,
    server: Stream,
    command: Start,
}

/// What is to be done with a packet of a client before it is sent on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Where the client listens: the server will open connections to these endpoints.
    pub listening: [Option<Endpoint>; MOST],
    /// The arguments of commands that name another host, in bytes of the payload. They are to be made unreadable, so that the
    /// server refuses the commands.
    pub refused: [Option<Range<usize>>; MOST],
}

/// What is to be done with a packet of a server before it is sent on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Where the server listens, in the order of the payload: the client will open connections to these ports, and is to be
    /// told of the virtual address.
    pub listening: [Option<Reply>; MOST],
    /// The byte of the payload that is to become [`REFUSAL`].
    pub refused: Option<usize>,
}

/// A packet with more commands or replies than have an effect. It is to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// The payload of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Which kind of addresses the connection has.
    pub family: Family,
    /// The sequence number of its first byte.
    pub sequence: u32,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// How far one direction has come.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// The sequence number of the byte that comes next.
    next: Option<u32>,
    position: Position,
}

/// The start of a command whose end is still to come.
#[derive(Clone, Copy, Debug)]
struct Start {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            bytes: [0; LONGEST],
            length: 0,
        }
    }
}

impl Stream {
    /// Where the text stands that a packet with this sequence number continues; the default if it does not.
    fn position(&self, sequence: u32) -> Position {
        match self.next == Some(sequence) {
            true => self.position,
            false => Position::default(),
        }
    }

    /// The packet was read, and ends here. Returns false for one that came again, which does not lead back.
    fn advance(&mut self, segment: &Segment<'_>, position: Position) -> bool {
        // CAST: The length of a payload, modulo 2^32 as sequence numbers are.
        let next = segment.sequence.wrapping_add(segment.payload.len() as u32);
        let is_further = self
            .next
            .is_none_or(|last| next.wrapping_sub(last) < 1 << 31);
        if is_further {
            *self = Self {
                next: Some(next),
                position,
            };
        }
        is_further
    }
}

impl Start {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Appends bytes. Returns false if there are too many for any command.
    fn push(&mut self, more: &[u8]) -> bool {
        let end = self.length.saturating_add(more.len());
        let Some(room) = self.bytes.get_mut(self.length..end) else {
            return false;
        };
        for (to, from) in room.iter_mut().zip(more) {
            *to = *from;
        }
        self.length = end;
        true
    }
}

impl Request {
    fn take(
        &mut self,
        command: &Command,
        line: Option<Range<usize>>,
        client: Option<Addr>,
    ) -> Result<(), TooMany> {
        let Command::Active(_, endpoint) = command else {
            return Ok(());
        };
        if client.is_none_or(|client| endpoint.addr == client) {
            return put(&mut self.listening, *endpoint);
        }
        // Of a command that was split, only the end is here. It leads nowhere, as no connection is prepared for it.
        match line {
            Some(line) => put(&mut self.refused, line),
            None => Ok(()),
        }
    }
}

impl Conversation {
    /// Reads a packet of the client, which is not empty. Endpoints at other hosts than `client` are refused, if it is given.
    ///
    /// # Errors
    ///
    /// [`TooMany`]; nothing is remembered of the packet then.
    pub fn request(
        &mut self,
        segment: &Segment<'_>,
        client: Option<Addr>,
    ) -> Result<Request, TooMany> {
        let mut now = *self;
        let request = now.read_request(segment, client)?;
        *self = now;
        Ok(request)
    }

    fn read_request(
        &mut self,
        segment: &Segment<'_>,
        client: Option<Addr>,
    ) -> Result<Request, TooMany> {
        let Segment {
            family,
            sequence,
            payload,
        } = *segment;
        let mut request = Request::default();
        let follows = self.client.next == Some(sequence);
        let (mut start, mut begun) = (self.command, Start::default());
        let mut position = self.client.position(sequence);
        // The bytes of the packet that belong to the command that was begun.
        let mut used = 0;
        if follows && start.length != 0 {
            let mut cursor = Cursor::new(payload, 0);
            cursor.take_while(|byte| byte != b'\n');
            cursor.eat(b'\n');
            used = cursor.at();
            let is_whole = start.push(payload.get(..used).unwrap_or_default());
            let mut commands = Commands::new(start.bytes(), family, Position::default());
            match commands.next() {
                Some(Ok(command)) if is_whole => {
                    self.control.command(&command);
                    request.take(&command, None, client)?;
                    position = Position::default();
                }
                Some(Err(_)) if is_whole => {
                    if self.client.advance(segment, commands.position()) {
                        self.command = start;
                    }
                    return Ok(request);
                }
                // Too long, or no such command after all.
                _ => used = 0,
            }
        }
        let rest = payload.get(used..).unwrap_or_default();
        let mut commands = Commands::new(rest, family, position);
        while let Some(command) = commands.next() {
            match command {
                Ok(command) => {
                    self.control.command(&command);
                    let line = commands.line();
                    let line = argument(rest, line).map(|it| shifted(it, used));
                    request.take(&command, line, client)?;
                }
                Err(Incomplete { from }) => {
                    let mut start = Start::default();
                    if start.push(rest.get(from..).unwrap_or_default()) {
                        begun = start;
                    }
                }
            }
        }
        if self.client.advance(segment, commands.position()) {
            self.command = begun;
        }
        Ok(request)
    }

    /// Reads a packet of the server, which is not empty. To be called for a copy of the conversation, which is kept if the
    /// replies could be rewritten.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub fn answer(&mut self, segment: &Segment<'_>) -> Result<Answer, TooMany> {
        let mut answer = Answer::default();
        let position = self.server.position(segment.sequence);
        let mut replies = Replies::new(segment.payload, segment.family, position);
        for reply in replies.by_ref() {
            match reply {
                Ok(reply) if self.control.expects(reply.form) => {
                    put(&mut answer.listening, reply)?;
                    self.control.rewritten();
                }
                Ok(_) => {}
                Err(Incomplete { from }) => {
                    let start = segment.payload.get(from..).unwrap_or_default();
                    answer.refused = self.control.awaits(start).then_some(from);
                }
            }
        }
        self.server.advance(segment, replies.position());
        Ok(answer)
    }
}

impl Control {
    /// Whether a line that begins so may be the reply that the client waits for.
    fn awaits(&self, start: &[u8]) -> bool {
        let code: &[u8] = match (self.is_answered(), self.mode()) {
            (false, super::Mode::Passive(Form::Classic)) => b"227",
            (false, super::Mode::Passive(Form::Extended)) => b"229",
            _ => return false,
        };
        start.iter().zip(code).all(|(a, b)| a == b)
    }
}

/// The bytes of a line behind its first word and the blanks there.
fn argument(payload: &[u8], line: Range<usize>) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(payload, line.start);
    cursor.take_while(|byte| byte != b' ');
    cursor.take_while(|byte| byte == b' ');
    (cursor.at() < line.end).then_some(cursor.at()..line.end)
}

/// The same range `by` bytes further.
fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}

/// Puts an item into the first empty place.
fn put<T>(places: &mut [Option<T>; MOST], item: T) -> Result<(), TooMany> {
    let place = places.iter_mut().find(|place| place.is_none());
    *place.ok_or(TooMany)? = Some(item);
    Ok(())
}
