// SPDX-License-Identifier: GPL-2.0

//! The socket: requests out, answers in.

use std::io::ErrorKind;
use std::os::fd::AsRawFd;

use neli::consts::nl::NlmF;
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SndBufForce;

use crate::error::{Errno, Error};
use crate::message::{self, Body, Content, Messages};

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
    socket: NlSocket,
    buffer: Vec<u8>,
    sequence: u32,
    sent: u64,
}

impl Channel {
    /// Opens a socket.
    pub(crate) fn open(parts: Parts) -> Result<Self, Error> {
        let socket = NlSocket::connect(NlFamily::Generic, None, Groups::empty())?;
        // Refusals say why, where the kernel can.
        socket.enable_ext_ack(true)?;
        Ok(Self {
            socket,
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
        Ok(self
            .socket
            .add_mcast_membership(Groups::new_groups(&[group]))?)
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
        requests: impl Iterator<Item = (&'a Body, NlmF)>,
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
        match self.socket.send(bytes, Msg::empty()) {
            Err(error) if error.raw_os_error() == Some(Errno::EMSGSIZE.0) => {
                // More than a socket may have in it by default, which is about 200 KB.
                let room = bytes.len().saturating_add(Parts::Long as usize);
                setsockopt(self.socket.as_raw_fd(), SndBufForce, &room)
                    .map_err(|_| Error::Kernel(Errno::EMSGSIZE))?;
                self.socket.send(bytes, Msg::empty())?;
            }
            outcome => {
                outcome?;
            }
        }
        Ok(())
    }

    /// The messages of one datagram, which is waited for.
    pub(crate) fn receive(&mut self) -> Result<Messages<'_>, Error> {
        let len = loop {
            // With this flag the length is that of the datagram, be it longer than the buffer.
            match self.socket.recv(&mut self.buffer, Msg::TRUNC) {
                Ok((len, _)) => break len,
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
        flags: NlmF,
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
