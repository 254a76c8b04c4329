// SPDX-License-Identifier: GPL-2.0

//! Messages as neli frames them, with a payload that stays bytes: the attributes are read and
//! written by the code of the kernel module.

use std::io::{Cursor, Read, Write};

use ipvs_core::config::reply::{AttributeSink, Full};
use neli::consts::nl::{NlmF, Nlmsg};
use neli::err::{DeError, SerError};
use neli::nl::{NlPayload, Nlmsghdr, NlmsghdrBuilder};
use neli::{FromBytes, FromBytesWithInput, Size, ToBytes};

use crate::error::Error;

/// A message of any netlink family.
pub(crate) type Message = Nlmsghdr<u16, Body>;

/// The bytes in front of a message: its length, type, flags, number and sender.
const MESSAGE_HEADER: usize = 16;
/// The bytes in front of the attributes: command, version, two bytes of nothing.
const GENERIC_HEADER: usize = 4;

/// The bit of an attribute's type that says that it holds attributes.
const NESTED: u16 = 0x8000;

/// A generic netlink message without its netlink header.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
}

impl Body {
    /// A command with its attributes.
    pub(crate) fn new(command: u8, version: u8, attributes: &[u8]) -> Self {
        let mut bytes = vec![command, version, 0, 0];
        bytes.extend_from_slice(attributes);
        Self { bytes }
    }

    /// The command.
    pub(crate) fn command(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The attributes.
    pub(crate) fn attributes(&self) -> &[u8] {
        self.bytes.get(GENERIC_HEADER..).unwrap_or_default()
    }
}

impl Size for Body {
    fn unpadded_size(&self) -> usize {
        self.bytes.len()
    }
}

impl ToBytes for Body {
    fn to_bytes(&self, buffer: &mut Cursor<Vec<u8>>) -> Result<(), SerError> {
        buffer.write_all(&self.bytes)?;
        Ok(())
    }
}

impl FromBytesWithInput for Body {
    type Input = usize;

    fn from_bytes_with_input(
        buffer: &mut Cursor<impl AsRef<[u8]>>,
        len: usize,
    ) -> Result<Self, DeError> {
        let mut bytes = Vec::new();
        // A length beyond the buffer reads what is there, and is found out below.
        buffer.take(len as u64).read_to_end(&mut bytes)?;
        if bytes.len() == len {
            Ok(Self { bytes })
        } else {
            Err(DeError::InvalidInput(len))
        }
    }
}

/// Adds a request to those in `buffer`.
pub(crate) fn append(
    buffer: &mut Cursor<Vec<u8>>,
    family: u16,
    flags: NlmF,
    sequence: u32,
    body: Body,
) -> Result<(), Error> {
    const LONG: Error = Error::Malformed("no room for such a request");
    NlmsghdrBuilder::default()
        .nl_type(family)
        .nl_flags(NlmF::REQUEST | flags)
        .nl_seq(sequence)
        .nl_payload(NlPayload::Payload(body))
        .build()
        .map_err(|_| LONG)?
        .to_bytes(buffer)
        .map_err(|_| LONG)
}

/// The messages of one datagram.
pub(crate) fn read(datagram: &[u8]) -> Result<Vec<Message>, Error> {
    const CUT: Error = Error::Malformed("a message that is cut off");
    let mut cursor = Cursor::new(datagram);
    let mut messages = Vec::new();
    // CAST: a place in a datagram.
    while let Some(rest) = datagram.get(cursor.position() as usize..) {
        if rest.is_empty() {
            break;
        }
        check_lengths(rest).ok_or(CUT)?;
        messages.push(Message::from_bytes(&mut cursor).map_err(|_| CUT)?);
    }
    Ok(messages)
}

/// Checks the lengths that the first message in `rest` states: neli subtracts headers from them
/// and does not look.
fn check_lengths(rest: &[u8]) -> Option<()> {
    let length = |bytes: &[u8]| Some(u32::from_ne_bytes(*bytes.first_chunk()?) as usize);
    let &[_, _, _, _, k0, k1, ..] = rest.first_chunk::<MESSAGE_HEADER>()?;
    let payload = rest.get(MESSAGE_HEADER..length(rest)?)?;
    let kind = Nlmsg::from(u16::from_ne_bytes([k0, k1]));
    if kind == Nlmsg::Done {
        // An empty one is known by being the last.
        return (rest.len() == MESSAGE_HEADER || payload.len() >= 4).then_some(());
    }
    if kind == Nlmsg::Error {
        let (code, quoted) = payload.split_at_checked(4)?;
        // An acknowledgement quotes a header only.
        if code != [0; 4] {
            let length = length(quoted)?;
            quoted.get(MESSAGE_HEADER..length)?;
            quoted.get(..length.next_multiple_of(4))?;
        }
    }
    Some(())
}

/// Attributes that are being written.
#[derive(Default)]
pub(crate) struct Attributes(pub(crate) Vec<u8>);

impl Attributes {
    /// Writes the length of the attribute that began at `start`, and its padding.
    fn end(&mut self, start: usize) -> Result<(), Full> {
        let len = self.0.len().checked_sub(start).ok_or(Full)?;
        let len = u16::try_from(len).map_err(|_| Full)?.to_ne_bytes();
        for (to, from) in self.0.iter_mut().skip(start).zip(len) {
            *to = from;
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    /// Writes a header whose length is filled in by [`end`](Self::end).
    fn begin(&mut self, kind: u16) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        start
    }
}

impl AttributeSink for Attributes {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let start = self.begin(kind);
        self.0.extend_from_slice(payload);
        self.end(start)
    }

    fn put_u64(&mut self, kind: u16, value: u64, _pad: u16) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.begin(kind | NESTED);
        fill(self)?;
        self.end(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of this type whose length field may lie.
    fn message(kind: u16, payload: &[u8], lie: i32) -> Vec<u8> {
        let length = (MESSAGE_HEADER + payload.len()) as i32 + lie;
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(payload);
        bytes
    }

    /// Found by the fuzz target `replies`: neli panics at these where overflow is checked.
    #[test]
    fn lengths_that_lie_are_refused() {
        let quoted = message(37, &[1, 1, 0, 0], 0);
        let error = |quoted: &[u8]| message(2, &[&[255; 4], quoted].concat(), 0);
        assert_eq!(read(&error(&quoted)).unwrap().len(), 1);
        assert_eq!(read(&message(37, &[1, 1, 0, 0], 0)).unwrap().len(), 1);
        for bytes in [
            vec![0; 3],
            message(37, &[1, 1, 0, 0], -5),
            message(37, &[1, 1, 0, 0], 1),
            message(3, &[0; 2], 0),
            [message(3, &[], 0), vec![0; 4]].concat(),
            message(2, &[0; 2], 0),
            error(&[]),
            error(&message(37, &[], -1)),
            error(&message(37, &[1, 1, 0, 0], 4)),
        ] {
            assert!(read(&bytes).is_err(), "{bytes:?}");
        }
    }
}
