// SPDX-License-Identifier: GPL-2.0

//! Where the body of a message ends (RFC 9112, section 6).

use super::chunked::Chunks;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// The body has so many bytes.
    Length(u64),
    /// The body is in chunks.
    Chunked,
    /// The body ends with the connection.
    UntilClose,
}

/// What has to happen to the bytes that come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the body has ended, and they belong to the next message.
    Nothing,
    /// They are looked at, with [`Body::look`].
    Look,
    /// So many of them belong to the body, whatever they are, and are moved on; see [`Body::moved`].
    Move(u64),
}

/// The body is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// How much of a body was read.
///
/// The bytes of a chunk's data are never looked at. Bytes are moved on only after it is known that they belong to the body.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// So many bytes may be moved.
    ahead: u64,
    behind: Behind,
}

/// What comes behind the bytes that may be moved.
#[derive(Clone, Copy, Debug)]
enum Behind {
    Nothing,
    Chunks(Chunks),
    Everything,
}

impl Body {
    /// A body of which nothing was read.
    pub const fn new(framing: Framing) -> Self {
        let (ahead, behind) = match framing {
            Framing::None => (0, Behind::Nothing),
            Framing::Length(bytes) => (bytes, Behind::Nothing),
            Framing::Chunked => (0, Behind::Chunks(Chunks::new())),
            Framing::UntilClose => (u64::MAX, Behind::Everything),
        };
        Self { ahead, behind }
    }

    /// What has to happen to the bytes that come next.
    pub const fn need(&self) -> Need {
        match (self.ahead, &self.behind) {
            (0, Behind::Nothing) => Need::Nothing,
            (0, Behind::Chunks(chunks)) if chunks.has_ended() => Need::Nothing,
            (0, Behind::Chunks(_)) => Need::Look,
            (ahead, _) => Need::Move(ahead),
        }
    }

    /// Whether all of the body was moved.
    pub const fn has_ended(&self) -> bool {
        matches!(self.need(), Need::Nothing)
    }

    /// Whether the body ends with the connection.
    pub const fn is_until_close(&self) -> bool {
        matches!(self.behind, Behind::Everything)
    }

    /// Looks at the bytes that come next. Does nothing if there are bytes that may be moved.
    ///
    /// # Errors
    ///
    /// The chunks are malformed.
    pub fn look(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if let (0, Behind::Chunks(chunks)) = (self.ahead, &mut self.behind) {
            self.ahead = chunks.look(bytes)?;
        }
        Ok(())
    }

    /// So many bytes were moved.
    pub fn moved(&mut self, bytes: u64) {
        if !self.is_until_close() {
            self.ahead = self.ahead.saturating_sub(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_known_length_is_never_looked_at() {
        let mut body = Body::new(Framing::Length(5));
        assert_eq!(body.need(), Need::Move(5));
        body.moved(3);
        assert_eq!(body.need(), Need::Move(2));
        assert_eq!(body.look(b"zz"), Ok(()));
        body.moved(2);
        assert!(body.has_ended());
        assert!(Body::new(Framing::None).has_ended());
        assert!(Body::new(Framing::Length(0)).has_ended());
    }

    #[test]
    fn a_body_until_close_never_ends() {
        let mut body = Body::new(Framing::UntilClose);
        body.moved(u64::MAX);
        assert_eq!(body.need(), Need::Move(u64::MAX));
        assert!(body.is_until_close());
    }

    #[test]
    fn a_chunk_is_looked_at_once_and_then_moved() {
        let mut body = Body::new(Framing::Chunked);
        assert_eq!(body.need(), Need::Look);
        body.look(b"10\r\n01").unwrap();
        assert_eq!(body.need(), Need::Move(4 + 16));
        body.moved(6);
        assert_eq!(body.need(), Need::Move(14));
        body.moved(14);
        assert_eq!(body.need(), Need::Look);
        body.look(b"\r\n0\r\n\r\nGET").unwrap();
        assert_eq!(body.need(), Need::Move(7));
        body.moved(7);
        assert!(body.has_ended());
    }
}
