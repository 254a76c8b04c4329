// SPDX-License-Identifier: GPL-2.0

//! The socket: bytes out, messages in.

use std::io::ErrorKind;

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

use crate::error::Error;
use crate::message::{self, Message};

/// As much as the kernel puts into one part of a dump.
const RECEIVE_BUFFER: usize = 32 * 1024;

/// A netlink socket.
pub(crate) struct Channel {
    socket: NlSocket,
    buffer: Vec<u8>,
    sent: u64,
}

impl Channel {
    /// Opens a socket.
    pub(crate) fn open() -> Result<Self, Error> {
        let socket = NlSocket::connect(NlFamily::Generic, None, Groups::empty())?;
        // Refusals say why, where the kernel can.
        socket.enable_ext_ack(true)?;
        Ok(Self {
            socket,
            buffer: vec![0; RECEIVE_BUFFER],
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

    /// Sends bytes that hold so many messages.
    pub(crate) fn send(&mut self, bytes: &[u8], messages: usize) -> Result<(), Error> {
        if !bytes.is_empty() {
            self.socket.send(bytes, Msg::empty())?;
            self.sent = self.sent.saturating_add(messages as u64);
            // A refusal repeats what it refuses.
            let wanted = bytes.len().saturating_add(RECEIVE_BUFFER);
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
        }
        Ok(())
    }

    /// The messages of one datagram, which is waited for.
    pub(crate) fn receive(&mut self) -> Result<Vec<Message>, Error> {
        let len = loop {
            match self.socket.recv(&mut self.buffer, Msg::empty()) {
                Ok((len, _)) => break len,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        message::read(self.buffer.get(..len).unwrap_or_default())
    }
}
