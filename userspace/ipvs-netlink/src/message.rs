// SPDX-License-Identifier: GPL-2.0

//! The frames of messages, in both directions: a header of 16 bytes (length, type, flags, number,
//! sender), in host order, and what it is about; the next message begins at a multiple of four.
//!
//! No answer is copied before it is read, and no length in it is believed.

use ipvs_core::nla::Iter;

use crate::error::{Errno, Error};

const HEADER: usize = 16;
/// Command, version, two bytes of nothing: in front of the attributes.
const GENERIC_HEADER: usize = 4;
/// The number in front of a refusal, or of the end of a dump.
const CODE: usize = 4;

/// `NLM_F_*` of `<linux/netlink.h>`.
pub(crate) mod flag {
    /// It asks for something.
    pub(super) const REQUEST: u16 = 1;
    /// It is answered even if all is well.
    pub(crate) const ACK: u16 = 4;
    /// It asks for a list.
    pub(crate) const DUMP: u16 = 0x300;
    /// Of an error: the request is not quoted in full.
    pub(super) const CAPPED: u16 = 0x100;
    /// Of an error: attributes follow.
    pub(super) const ACK_TLVS: u16 = 0x200;
}

/// Types of messages below those of families.
mod kind {
    pub(super) const NOOP: u16 = 1;
    pub(super) const ERROR: u16 = 2;
    pub(super) const DONE: u16 = 3;
    pub(super) const OVERRUN: u16 = 4;
}

/// `NLMSGERR_ATTR_MSG`: what is wrong, in words.
const ATTRIBUTE_WHY: u16 = 1;

/// A request without its frame.
#[derive(Debug)]
pub(crate) struct Body {
    /// What is asked for.
    pub(crate) command: u8,
    /// The version of the family.
    pub(crate) version: u8,
    /// The attributes.
    pub(crate) attributes: Vec<u8>,
}

/// Adds a request to those in `out`.
pub(crate) fn append(
    out: &mut Vec<u8>,
    family: u16,
    flags: u16,
    sequence: u32,
    body: &Body,
) -> Result<(), Error> {
    let len = HEADER
        .checked_add(GENERIC_HEADER)
        .and_then(|len| len.checked_add(body.attributes.len()))
        .and_then(|len| u32::try_from(len).ok())
        .ok_or(Error::Malformed("no room for such a request"))?;
    out.extend_from_slice(&len.to_ne_bytes());
    out.extend_from_slice(&family.to_ne_bytes());
    out.extend_from_slice(&(flag::REQUEST | flags).to_ne_bytes());
    out.extend_from_slice(&sequence.to_ne_bytes());
    // The kernel knows who asks.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[body.command, body.version, 0, 0]);
    out.extend_from_slice(&body.attributes);
    out.resize(out.len().next_multiple_of(4), 0);
    Ok(())
}

/// A message from the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// The number of a family, or one of netlink's own types.
    pub(crate) kind: u16,
    /// The number of the request that it answers.
    pub(crate) sequence: u32,
    flags: u16,
    payload: &'a [u8],
}

/// What a message says.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Something of a family: the command, and attributes.
    Answer(u8, &'a [u8]),
    /// All was told, or done.
    End,
    /// It was not done, and perhaps why.
    Refused(Errno, Option<String>),
    /// Nothing.
    Nothing,
}

impl<'a> Message<'a> {
    /// What it says.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is too short for that.
    pub(crate) fn content(&self) -> Result<Content<'a>, Error> {
        const CUT: Error = Error::Malformed("a message that is cut off");
        // Of four bytes, a code and what follows it.
        let code = || {
            let (code, rest) = self.payload.split_first_chunk::<CODE>().ok_or(CUT)?;
            Ok::<_, Error>((i32::from_ne_bytes(*code), rest))
        };
        match self.kind {
            kind::NOOP => Ok(Content::Nothing),
            kind::OVERRUN => Err(Error::Malformed("an overrun")),
            // Old kernels end a dump without a code.
            kind::DONE if self.payload.is_empty() => Ok(Content::End),
            kind::DONE => {
                let (code, rest) = code()?;
                Ok(self.verdict(code, rest))
            }
            kind::ERROR => {
                let (code, rest) = code()?;
                let quoted = if self.flags & flag::CAPPED == 0 {
                    length(rest).ok_or(CUT)?.next_multiple_of(4)
                } else {
                    HEADER
                };
                Ok(self.verdict(code, rest.get(quoted..).unwrap_or_default()))
            }
            _ => {
                let command = *self.payload.first().ok_or(CUT)?;
                let attributes = self.payload.get(GENERIC_HEADER..).ok_or(CUT)?;
                Ok(Content::Answer(command, attributes))
            }
        }
    }

    /// What a code says, with the attributes after it.
    fn verdict(&self, code: i32, attributes: &[u8]) -> Content<'a> {
        if code == 0 {
            return Content::End;
        }
        let said = (self.flags & flag::ACK_TLVS != 0)
            .then(|| Iter::new(attributes).find(|(kind, _)| *kind == ATTRIBUTE_WHY))
            .flatten();
        let why = said.map(|(_, text)| {
            let text = text.strip_suffix(&[0]).unwrap_or(text);
            String::from_utf8_lossy(text).into_owned()
        });
        Content::Refused(Errno(code.wrapping_neg()), why)
    }
}

/// The length that stands in front of a message.
fn length(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()
}

/// The messages of one datagram; one that is cut off is an error and the last.
pub(crate) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Those in `datagram`.
    pub(crate) const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }

    fn split(&mut self) -> Option<Message<'a>> {
        let length = length(self.rest)?;
        let payload = self.rest.get(HEADER..length)?;
        let &[_, _, _, _, k0, k1, f0, f1, s0, s1, s2, s3, ..] =
            self.rest.first_chunk::<HEADER>()?;
        // The last one may lack its padding.
        let next = self.rest.get(length.next_multiple_of(4)..);
        self.rest = next.unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([k0, k1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            flags: u16::from_ne_bytes([f0, f1]),
            payload,
        })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let found = self.split();
        if found.is_none() {
            self.rest = &[];
        }
        Some(found.ok_or(Error::Malformed("a message that is cut off")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    const CAPPED: u16 = 0x100;
    const ACK_TLVS: u16 = 0x200;

    /// A message of this type and with these flags, whose length field may lie.
    fn message(kind: u16, flags: u16, payload: &[u8], lie: i32) -> Vec<u8> {
        let length = (HEADER + payload.len()) as i32 + lie;
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(7_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    }

    /// What all messages say, or that one cannot be read.
    fn contents(datagram: &[u8]) -> Result<Vec<String>, Error> {
        Messages::new(datagram)
            .map(|message| Ok(format!("{:?}", message?.content()?)))
            .collect()
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let mut bytes = Vec::new();
        for (number, attributes) in [(7, vec![5, 0, 1, 0, 9]), (8, vec![])] {
            let body = Body {
                command: 3,
                version: 1,
                attributes,
            };
            append(&mut bytes, 37, flag::ACK, number, &body).unwrap();
        }
        assert_eq!(bytes.len() % 4, 0);
        let found: Vec<_> = Messages::new(&bytes).map(Result::unwrap).collect();
        let numbers: Vec<_> = found.iter().map(|one| (one.kind, one.sequence)).collect();
        assert_eq!(numbers, [(37, 7), (37, 8)]);
        assert_eq!(
            contents(&bytes).unwrap(),
            ["Answer(3, [5, 0, 1, 0, 9])", "Answer(3, [])"]
        );
    }

    #[test]
    fn a_code_is_a_refusal_or_the_end() {
        let quoted = message(37, 0, &[1, 1, 0, 0, 1, 2, 3, 4], 0);
        let error = |flags, code: i32, parts: &[&[u8]]| {
            let payload = [&code.to_ne_bytes(), parts.concat().as_slice()].concat();
            contents(&message(ERROR, flags, &payload, 0))
                .unwrap()
                .concat()
        };
        let why: &[u8] = &[8, 0, 1, 0, b'n', b'o', b'!', 0];
        assert_eq!(error(CAPPED, 0, &[&quoted[..HEADER]]), "End");
        assert_eq!(error(0, -17, &[&quoted]), "Refused(Errno(17), None)");
        let said = "Refused(Errno(17), Some(\"no!\"))";
        assert_eq!(error(ACK_TLVS, -17, &[&quoted, why]), said);
        assert_eq!(
            error(ACK_TLVS | CAPPED, -17, &[&quoted[..HEADER], why]),
            said
        );
        let done = |payload: &[u8]| contents(&message(DONE, 0, payload, 0)).unwrap().concat();
        assert_eq!(done(&[]), "End");
        assert_eq!(done(&[0; 4]), "End");
        assert_eq!(done(&(-3_i32).to_ne_bytes()), "Refused(Errno(3), None)");
    }

    /// Found by the fuzz target `replies`.
    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [
            vec![0; 3],
            message(37, 0, &[1, 1, 0, 0], -5),
            message(37, 0, &[1, 1, 0, 0], 1),
            message(37, 0, &[1, 1, 0], 0),
            message(DONE, 0, &[0; 2], 0),
            [message(DONE, 0, &[], 0), vec![0; 4]].concat(),
            message(ERROR, 0, &[0; 2], 0),
            message(ERROR, 0, &[255; 4], 0),
        ] {
            assert!(contents(&bytes).is_err(), "{bytes:?}");
        }
    }
}
