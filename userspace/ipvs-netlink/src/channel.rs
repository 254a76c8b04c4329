// SPDX-License-Identifier: GPL-2.0

//! The socket: requests out, answers in.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::error::{Errno, Error};
use crate::message::{self, Body, Content, Messages};
use crate::socket::Socket;

/// Where sockets are opened.
#[derive(Default)]
pub(crate) struct Place(Option<OwnedFd>);

impl Place {
    /// In a network namespace.
    pub(crate) const fn within(namespace: OwnedFd) -> Self {
        Self(Some(namespace))
    }

    fn open(&self) -> Result<Socket, Error> {
        Ok(match &self.0 {
            Some(namespace) => Socket::open_in(namespace.as_fd()),
            None => Socket::open(),
        }?)
    }
}

/// How much of a dump the kernel is asked for at a time. It makes and clears room for that much even
/// if it has little to say, so that short dumps are cheaper with the one, and long ones with the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    /// A page, which is the least.
    Short = 4 * 1024,
    /// The most.
    Long = 32 * 1024,
}

/// A netlink socket.
pub(crate) struct Channel {
    socket: Socket,
    buffer: Vec<u8>,
    sequence: u32,
    sent: u64,
}

impl Channel {
    /// Opens a socket.
    pub(crate) fn open(place: &Place, parts: Parts) -> Result<Self, Error> {
        Ok(Self {
            socket: place.open()?,
            buffer: vec![0; parts as usize],
            sequence: 0,
            sent: 0,
        })
    }

    /// The number of messages that were sent.
    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Joins a multicast group.
    pub(crate) fn join(&self, group: u32) -> Result<(), Error> {
        Ok(self.socket.join(group)?)
    }

    /// From now on, as much as that at a time; there is no way back.
    pub(crate) fn ask_for(&mut self, parts: Parts) {
        let wanted = self.buffer.len().max(parts as usize);
        self.buffer.resize(wanted, 0);
    }

    /// Sends requests to a family in one go, each with its flags; the number of the first.
    pub(crate) fn send<'a>(
        &mut self,
        family: u16,
        requests: impl Iterator<Item = (&'a Body, u16)>,
    ) -> Result<u32, Error> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        for (body, flags) in requests {
            self.sequence = self.sequence.wrapping_add(1);
            message::append(&mut bytes, family, flags, self.sequence, body)?;
            self.sent = self.sent.saturating_add(1);
        }
        if !bytes.is_empty() {
            self.put(&bytes)?;
            // A refusal repeats what it refuses.
            let wanted = bytes.len().saturating_add(Parts::Short as usize);
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
        }
        Ok(first)
    }

    fn put(&self, bytes: &[u8]) -> Result<(), Error> {
        match self.socket.send(bytes) {
            Err(error) if error.raw_os_error() == Some(Errno::EMSGSIZE.0) => {
                // More than a socket may have in it by default, which is about 200 KB.
                let room = bytes.len().saturating_add(Parts::Long as usize);
                let made = self.socket.make_room(room);
                made.map_err(|_| Error::Kernel(Errno::EMSGSIZE))?;
                self.socket.send(bytes)?;
            }
            outcome => {
                outcome?;
            }
        }
        Ok(())
    }

    /// Waits at most so long for a datagram; whether there is one.
    pub(crate) fn wait(&self, most: Duration) -> Result<bool, Error> {
        match self.socket.wait(most) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            other => Ok(other?),
        }
    }

    /// The messages of one datagram, which is waited for.
    pub(crate) fn receive(&mut self) -> Result<Messages<'_>, Error> {
        let len = loop {
            match self.socket.receive(&mut self.buffer) {
                Ok(len) => break len,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        let datagram = self.buffer.get(..len);
        Ok(Messages::new(
            datagram.ok_or(Error::Malformed("a message that is too long"))?,
        ))
    }

    /// Sends one request and reads its answers to the end, be it that all was told, or done, or a
    /// refusal; the number of datagrams. All are read even if `each` fails, so that the next
    /// request finds none of them.
    pub(crate) fn ask(
        &mut self,
        family: u16,
        body: &Body,
        flags: u16,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let number = self.send(family, std::iter::once((body, flags)))?;
        let mut outcome = Ok(());
        let mut datagrams = 0_usize;
        loop {
            datagrams = datagrams.saturating_add(1);
            for message in self.receive()? {
                let message = message?;
                if message.sequence != number {
                    continue;
                }
                match message.content()? {
                    Content::Answer(_, attributes) if outcome.is_ok() => outcome = each(attributes),
                    Content::End => return outcome.map(|()| datagrams),
                    Content::Refused(errno, why) => return Err(Error::refused(errno, why)),
                    Content::Answer(..) | Content::Nothing => {}
                }
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
