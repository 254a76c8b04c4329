// SPDX-License-Identifier: GPL-2.0

//! SCTP (RFC 9260) as a director sees it: often one direction only, and of each packet the first
//! chunk.
//!
//! Checksums are CRC32c over the whole packet, with ports but without addresses.

use super::transition::{self, ProtocolState, Transition};
use super::Direction;
use crate::conn::ConnFlags;
use crate::flow::{Flow, Fragment};
use crate::wire::{
    sctp::{kind, Chunk, HEADER_LEN},
    HeaderSource,
};

mod table;

pub use table::next;

/// The state of an association, numbered as in the synchronisation messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Just created.
    None = 0,
    /// The client sent INIT.
    Init1 = 1,
    /// The client sent INIT again, or what does not fit.
    Init = 2,
    /// The server sent INIT ACK, which has the cookie.
    CookieSent = 3,
    /// The client sent the cookie back before the director saw one.
    CookieReplied = 4,
    /// The server opened, or the client answered; waits for the cookie.
    CookieWait = 5,
    /// The cookie is on its way to the client.
    Cookie = 6,
    /// The server sent the cookie back.
    CookieEchoed = 7,
    /// Both sides agreed.
    Established = 8,
    /// The server wants to end.
    ShutdownSent = 9,
    /// The client wants to end.
    ShutdownReceived = 10,
    /// The server agreed to end.
    ShutdownAckSent = 11,
    /// Aborted before it began.
    Rejected = 12,
    /// Over.
    Closed = 13,
}

impl State {
    /// How many states there are.
    pub const COUNT: usize = 14;

    /// All states in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::None,
        Self::Init1,
        Self::Init,
        Self::CookieSent,
        Self::CookieReplied,
        Self::CookieWait,
        Self::Cookie,
        Self::CookieEchoed,
        Self::Established,
        Self::ShutdownSent,
        Self::ShutdownReceived,
        Self::ShutdownAckSent,
        Self::Rejected,
        Self::Closed,
    ];

    /// The state with this number.
    #[inline]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number of this state.
    #[inline]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name in `/proc/net/ip_vs_conn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Init1 => "INIT1",
            Self::Init => "INIT",
            Self::CookieSent => "C-SENT",
            Self::CookieReplied => "C-REPLIED",
            Self::CookieWait => "C-WAIT",
            Self::Cookie => "COOKIE",
            Self::CookieEchoed => "C-ECHOED",
            Self::Established => "ESTABLISHED",
            Self::ShutdownSent => "S-SENT",
            Self::ShutdownReceived => "S-RECEIVED",
            Self::ShutdownAckSent => "S-ACK-SENT",
            Self::Rejected => "REJECTED",
            Self::Closed => "CLOSED",
        }
    }

    /// The time without a packet after which a connection in this state ends, in seconds.
    #[inline]
    pub const fn timeout(self) -> u32 {
        match self {
            Self::None => 2,
            Self::Init1 | Self::Rejected => 4,
            Self::Established => 900,
            Self::Init
            | Self::CookieSent
            | Self::CookieReplied
            | Self::CookieWait
            | Self::Cookie
            | Self::CookieEchoed
            | Self::ShutdownSent
            | Self::ShutdownReceived
            | Self::ShutdownAckSent
            | Self::Closed => 61,
        }
    }
}

impl ProtocolState for State {
    const ESTABLISHED: Self = Self::Established;

    #[inline]
    fn is_active(self) -> bool {
        matches!(self, Self::Established)
    }
}

/// The first chunk of a packet, which moves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// DATA, and every chunk that is none of the others.
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

    /// The event of the first chunk of the packet whose SCTP header is at `transport`.
    ///
    /// Returns [`None`] where no whole chunk header is.
    pub fn of_first_chunk<S: HeaderSource + ?Sized>(packet: &S, transport: usize) -> Option<Self> {
        let first = Chunk::read(packet.array(transport.checked_add(HEADER_LEN)?)?);
        Some(Self::from_chunk(first.kind))
    }

    /// What the packet does whose SCTP header is at `transport`.
    ///
    /// As the C module does: an ABORT right behind a COOKIE ECHO or COOKIE ACK is what counts.
    ///
    /// Returns [`None`] where no whole chunk header is.
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

/// Moves an association in `state` with `flags` by a packet of `direction`.
#[inline]
pub fn transition(
    flags: ConnFlags,
    direction: Direction,
    event: Event,
    state: State,
) -> Transition<State> {
    transition::transition(flags, direction, state, |direction| {
        next(direction, event, state)
    })
}
