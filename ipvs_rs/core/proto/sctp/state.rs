// SPDX-License-Identifier: GPL-2.0

//! The states of an SCTP association.

use crate::proto::transition::ProtocolState;

/// The state of an association, numbered as in the synchronisation messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Just created.
    None = 0,
    /// The client sent INIT.
    Init1 = 1,
    /// The client sent INIT again, or a chunk that does not fit the state.
    Init = 2,
    /// The server sent INIT ACK, which carries the cookie.
    CookieSent = 3,
    /// The client sent the cookie back before the director saw one.
    CookieReplied = 4,
    /// The server sent INIT or the client sent INIT ACK; the cookie is still to come.
    CookieWait = 5,
    /// The cookie is on its way to the client.
    Cookie = 6,
    /// The server sent the cookie back.
    CookieEchoed = 7,
    /// The cookie was acknowledged: both sides may send data.
    Established = 8,
    /// The server sent SHUTDOWN.
    ShutdownSent = 9,
    /// The client sent SHUTDOWN.
    ShutdownReceived = 10,
    /// The server sent SHUTDOWN ACK.
    ShutdownAckSent = 11,
    /// Aborted before it was established.
    Rejected = 12,
    /// Ended.
    Closed = 13,
}

impl State {
    /// The number of states.
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
