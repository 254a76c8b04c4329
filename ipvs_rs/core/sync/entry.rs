// SPDX-License-Identifier: GPL-2.0

//! What a message tells of one connection.

use super::Skipped;
use crate::addr::{Addr, Family};
use crate::conn::{ConnFlags, Method};
use crate::defense::ASSURED;
use crate::engine::EngineData;
use crate::flow::Tuple;
use crate::proto::{sctp, tcp, SCTP, TCP, UDP};
use crate::wire::protocol::{AH, ESP};

/// The adjustment of TCP sequence numbers in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceShift {
    /// The sequence number from which on numbers are adjusted by `delta`.
    pub initial: u32,
    /// The number that is added from there on.
    pub delta: u32,
    /// The number that is added before.
    pub previous_delta: u32,
}

/// The adjustment of TCP sequence numbers of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// That of the packets of the client.
    pub input: SequenceShift,
    /// That of the packets of the server.
    pub output: SequenceShift,
}

impl Sequence {
    /// The length of both adjustments in a message, in bytes.
    pub const LEN: usize = 24;

    /// The six numbers in the order of the message, as a `number` has its bytes there.
    pub(super) fn to_bytes(self, number: impl Fn(u32) -> [u8; 4]) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let numbers = [self.input, self.output]
            .into_iter()
            .flat_map(|shift| [shift.initial, shift.delta, shift.previous_delta]);
        for (place, value) in bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number(value));
        }
        bytes
    }

    /// Takes [`to_bytes`](Self::to_bytes) back.
    pub(super) fn from_bytes(bytes: &[u8; Self::LEN], number: impl Fn([u8; 4]) -> u32) -> Self {
        let mut numbers = bytes
            .chunks_exact(4)
            .map(|chunk| number(chunk.try_into().unwrap_or_default()));
        let mut next = || numbers.next().unwrap_or(0);
        let mut shift = || SequenceShift {
            initial: next(),
            delta: next(),
            previous_delta: next(),
        };
        Self {
            input: shift(),
            output: shift(),
        }
    }
}

/// A connection or a template in a message. Addresses are in network order, ports in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The family of the client and the virtual service.
    pub family: Family,
    /// The family of the server. It is another one only in an entry that is saved; version 0 has no such entries.
    pub server_family: Family,
    /// The number of the transport protocol; 0 for a template of a service of a firewall mark.
    pub protocol: u8,
    /// The flags, which include the forwarding method.
    pub flags: ConnFlags,
    /// The number of the state in its protocol; of a template, whether a server has answered.
    pub state: u8,
    /// The address of the client.
    pub client: Addr,
    /// The address of the virtual service.
    pub virtual_addr: Addr,
    /// The address of the real server.
    pub server: Addr,
    /// The port of the client.
    pub client_port: u16,
    /// The port of the virtual service.
    pub virtual_port: u16,
    /// The port of the real server; [`u16::MAX`] for a template that was invalidated.
    pub server_port: u16,
    /// The firewall mark of the packet that made the connection. Version 0 has none.
    pub mark: u32,
    /// The time without packets that the state allows, in seconds. 0 in version 0, which has none.
    pub timeout: u32,
    /// The adjustment of sequence numbers, in a message with [`ConnFlags::OUT_SEQ`] or [`ConnFlags::IN_SEQ`].
    pub sequence: Option<Sequence>,
    /// The data of a persistence engine, in a message about a template. Version 0 has none.
    pub engine: Option<EngineData<'a>>,
    /// What the C module does not know.
    pub saved: Saved,
}

/// What an entry has besides, in options that the C module skips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The time until the connection ends without a packet, in seconds.
    pub rest: Option<u32>,
    /// The number of packets from the client.
    pub packets: Option<u32>,
    /// The two ends of the template that controls the connection. They have the family of the entry.
    pub controller: Option<Tuple>,
    /// Whether the connection has ended at the command of a user.
    pub is_end: bool,
}

impl Entry<'_> {
    /// The entry, if it can be a connection of this director.
    ///
    /// # Errors
    ///
    /// The reason for which it is skipped.
    pub(super) fn checked(self) -> Result<Self, Skipped> {
        let is_template = self.flags.has(ConnFlags::TEMPLATE);
        // Only a tunnel leads to a server of the other family.
        if self.server_family != self.family && self.flags.method() != Method::Tunnel {
            return Err(Skipped::Flags);
        }
        if self.flags.has(ConnFlags::ONE_PACKET)
            || is_template && self.flags.has(ConnFlags::NO_CLIENT_PORT)
        {
            return Err(Skipped::Flags);
        }
        let last_state = match self.protocol {
            _ if is_template => ASSURED,
            TCP => tcp::State::SynAck.number(),
            SCTP => sctp::State::Closed.number(),
            UDP | AH | ESP => 0,
            _ => return Err(Skipped::Protocol),
        };
        match self.state <= last_state {
            true => Ok(self),
            false => Err(Skipped::State),
        }
    }

    /// Whether the entry is about a persistence template.
    pub const fn is_template(&self) -> bool {
        self.flags.has(ConnFlags::TEMPLATE)
    }

    /// The two ends of the packets of the client.
    pub const fn request(&self) -> Tuple {
        Tuple {
            src: self.client,
            dst: self.virtual_addr,
            sport: self.client_port,
            dport: self.virtual_port,
            protocol: self.protocol,
            family: self.family,
        }
    }
}
