// SPDX-License-Identifier: GPL-2.0

//! What an SCTP packet does to its association.

use crate::flow::{Flow, Fragment};
use crate::wire::{
    sctp::{kind, Chunk, HEADER_LEN},
    HeaderSource,
};

/// The chunk of a packet that decides about the next state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// DATA, or any chunk that is not one of the others.
    Data = 0,
    /// INIT.
    Init = 1,
    /// INIT ACK.
    InitAck = 2,
    /// COOKIE ECHO.
    CookieEcho = 3,
    /// COOKIE ACK.
    CookieAck = 4,
    /// SHUTDOWN.
    Shutdown = 5,
    /// SHUTDOWN ACK.
    ShutdownAck = 6,
    /// SHUTDOWN COMPLETE.
    ShutdownComplete = 7,
    /// ERROR.
    Error = 8,
    /// ABORT.
    Abort = 9,
}

impl Event {
    /// The event of a chunk of this type (RFC 9260, section 3.2).
    pub const fn from_chunk(kind: u8) -> Self {
        match kind {
            kind::INIT => Self::Init,
            kind::INIT_ACK => Self::InitAck,
            kind::ABORT => Self::Abort,
            kind::SHUTDOWN => Self::Shutdown,
            kind::SHUTDOWN_ACK => Self::ShutdownAck,
            kind::ERROR => Self::Error,
            kind::COOKIE_ECHO => Self::CookieEcho,
            kind::COOKIE_ACK => Self::CookieAck,
            kind::SHUTDOWN_COMPLETE => Self::ShutdownComplete,
            _ => Self::Data,
        }
    }

    /// What an SCTP packet does to its association.
    ///
    /// Returns [`None`] for a later fragment, and if the packet ends before its first chunk.
    #[inline]
    pub fn of_flow<S: HeaderSource + ?Sized>(flow: &Flow, packet: &S) -> Option<Self> {
        if matches!(flow.fragment, Fragment::Later) {
            return None;
        }
        Self::of_packet(packet, flow.transport)
    }

    /// The event of the first chunk of the packet whose SCTP header is at `transport`, in bytes from
    /// the start of the network header.
    ///
    /// Returns [`None`] if the packet ends before the header of its first chunk does.
    pub fn of_first_chunk<S: HeaderSource + ?Sized>(packet: &S, transport: usize) -> Option<Self> {
        let first = Chunk::read(packet.array(transport.checked_add(HEADER_LEN)?)?);
        Some(Self::from_chunk(first.kind))
    }

    /// The event of the packet whose SCTP header is at `transport`.
    ///
    /// As the C module does: if an ABORT follows a COOKIE ECHO or COOKIE ACK, the ABORT counts.
    ///
    /// Returns [`None`] if the packet ends before the header of its first chunk does.
    pub fn of_packet<S: HeaderSource + ?Sized>(packet: &S, transport: usize) -> Option<Self> {
        let first = transport.checked_add(HEADER_LEN)?;
        let chunk = Chunk::read(packet.array(first)?);
        let event = Self::from_chunk(chunk.kind);
        if !matches!(event, Self::CookieEcho | Self::CookieAck) {
            return Some(event);
        }
        let Some(distance) = chunk.distance() else {
            return Some(event);
        };
        let next = packet.array(first.saturating_add(distance));
        Some(match next.map(Chunk::read) {
            Some(Chunk {
                kind: kind::ABORT, ..
            }) => Self::Abort,
            _ => event,
        })
    }
}
