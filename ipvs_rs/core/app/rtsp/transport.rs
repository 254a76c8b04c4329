// SPDX-License-Identifier: GPL-2.0

//! The header `Transport` (RFC 2326, section 12.39): transports with a comma between each two, of which a request may offer
//! several, and a reply has the chosen one. A transport has parameters with a semicolon between each two.

use core::ops::Range;

use super::super::{address, cursor::Cursor};
use crate::addr::{Addr, Family};

/// The lowest port of a server at which media are expected.
const LOWEST: u16 = 1024;

/// A port for RTP, and maybe one for RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The port of RTP in host order, never 0.
    pub rtp: u16,
    /// The port of RTCP in host order, never 0. It may be the same one.
    pub rtcp: Option<u16>,
}

impl Ports {
    /// Whether media may have them. Ports below 1024 are those of services: a server that repeats what a client has written must
    /// not open them.
    pub(super) fn are_for_media(&self) -> bool {
        self.rtp >= LOWEST && self.rtcp.is_none_or(|port| port >= LOWEST)
    }
}

/// A host in a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Its address; [`None`] for a name, and for an address of another family than the connection's.
    pub(super) addr: Option<Addr>,
    /// The bytes of the line that are the parameter, with its name.
    pub(super) parameter: Range<usize>,
}

/// A way to send a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Transport {
    /// The ports at which the client receives.
    pub(super) client_port: Option<Ports>,
    /// The ports at which the server receives and from which it sends.
    pub(super) server_port: Option<Ports>,
    /// The host that receives, if it is not the client.
    pub(super) destination: Option<Host>,
    /// The host that sends, if it is not the server.
    pub(super) source: Option<Host>,
    /// Whether the stream is sent on the control connection, or to a multicast group.
    is_elsewhere: bool,
}

impl Transport {
    /// Whether media flow between ports of the client and of the server.
    pub(super) fn has_flows(&self) -> bool {
        !self.is_elsewhere && (self.client_port.is_some() || self.server_port.is_some())
    }
}

/// The transports of a header, in order. Those that cannot be read are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transports<'a> {
    value: Cursor<'a>,
    family: Family,
}

impl<'a> Transports<'a> {
    /// The transports behind a cursor. Addresses are of this family.
    pub(super) const fn new(value: Cursor<'a>, family: Family) -> Self {
        Self { value, family }
    }
}

impl Iterator for Transports<'_> {
    type Item = Transport;

    fn next(&mut self) -> Option<Transport> {
        while !self.value.is_at_end() {
            let text = piece(&mut self.value, b',');
            if let Some(transport) = read(text, self.family) {
                return Some(transport);
            }
        }
        None
    }
}

/// Moves behind the next such byte, or to the end, and gives what is before it without white space around it. Bytes within
/// quotes do not count.
fn piece<'a>(cursor: &mut Cursor<'a>, stop: u8) -> Cursor<'a> {
    cursor.skip_white_space();
    let start = *cursor;
    loop {
        cursor.take_while(|byte| byte != stop && byte != b'"');
        if !cursor.eat(b'"') {
            break;
        }
        cursor.take_while(|byte| byte != b'"');
        cursor.eat(b'"');
    }
    let piece = start.until(cursor.at()).trim_end();
    cursor.eat(stop);
    piece
}

/// The transport of a text: its protocol, such as `RTP/AVP`, then parameters. [`None`] if one of them has another form.
fn read(mut text: Cursor<'_>, family: Family) -> Option<Transport> {
    let protocol = piece(&mut text, b';').rest();
    let mut transport = Transport {
        is_elsewhere: ends_with(protocol, b"/TCP"),
        ..Transport::default()
    };
    while !text.is_at_end() {
        transport.add(piece(&mut text, b';'), family)?;
    }
    Some(transport)
}

/// Whether a text ends so, in either case of letters.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let from = text.len().checked_sub(end.len());
    let tail = from.and_then(|from| text.get(from..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

impl Transport {
    /// Adds a parameter: its name, and behind `=` its value.
    fn add(&mut self, whole: Cursor<'_>, family: Family) -> Option<()> {
        let mut value = whole;
        let name = value.take_while(|byte| byte != b'=').trim_ascii_end();
        let has_value = value.eat(b'=');
        value.skip_white_space();
        let is = |expected: &[u8]| name.eq_ignore_ascii_case(expected);
        if is(b"interleaved") || is(b"multicast") {
            self.is_elsewhere = true;
            return Some(());
        }
        // A name alone asks the server to choose.
        if !has_value {
            return Some(());
        }
        let parameter = whole.at()..whole.at().checked_add(whole.rest().len())?;
        let host = |value| Host {
            addr: addr(value, family),
            parameter,
        };
        if is(b"client_port") {
            return once(&mut self.client_port, ports(value)?);
        }
        if is(b"server_port") {
            return once(&mut self.server_port, ports(value)?);
        }
        if is(b"destination") {
            return once(&mut self.destination, host(value));
        }
        if is(b"source") {
            return once(&mut self.source, host(value));
        }
        Some(())
    }
}

/// Fills a field that is still empty.
fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    match field {
        Some(_) => None,
        None => {
            *field = Some(value);
            Some(())
        }
    }
}

/// `p` or `p-p`, as a whole.
fn ports(mut value: Cursor<'_>) -> Option<Ports> {
    let rtp = value.port()?;
    let rtcp = match value.eat(b'-') {
        true => Some(value.port()?),
        false => None,
    };
    value.is_at_end().then_some(Ports { rtp, rtcp })
}

/// An address, as a whole; maybe in quotes, and an IPv6 address maybe in brackets.
fn addr(value: Cursor<'_>, family: Family) -> Option<Addr> {
    let text = without(value.rest(), b'"', b'"');
    address::parse(without(text, b'[', b']'), family)
}

/// What is between these two bytes, if they are around the text.
fn without(text: &[u8], open: u8, close: u8) -> &[u8] {
    match text {
        [first, between @ .., last] if *first == open && *last == close => between,
        _ => text,
    }
}

/// The text of the same length that takes the place of a parameter: one that means nothing. [`None`] above 256 bytes.
pub fn unnamed(place: &Range<usize>) -> Option<&'static [u8]> {
    static TEXT: [u8; 256] = {
        let mut text = [b'x'; 256];
        let [_, second, ..] = &mut text;
        *second = b'=';
        text
    };
    TEXT.get(..place.end.checked_sub(place.start)?)
}
