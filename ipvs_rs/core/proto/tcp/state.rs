// SPDX-License-Identifier: GPL-2.0

//! The states of a TCP connection.

use crate::proto::transition::ProtocolState;

/// The state of a connection, numbered as in `/proc` and in the synchronisation messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Just created.
    None = 0,
    /// The handshake is complete.
    Established = 1,
    /// The server sent a SYN.
    SynSent = 2,
    /// The client sent a SYN.
    SynRecv = 3,
    /// One side sent a FIN.
    FinWait = 4,
    /// Both sides sent a FIN.
    TimeWait = 5,
    /// Reset, or closed for another reason.
    Close = 6,
    /// The client sent a FIN.
    CloseWait = 7,
    /// The server waits for the last acknowledgement.
    LastAck = 8,
    /// Expected, because another connection announced it.
    Listen = 9,
    /// The server answered the SYN, and the client has not completed the handshake yet. Only
    /// [`StateTable::Secure`](super::StateTable::Secure) has this state.
    SynAck = 10,
}

impl State {
    /// The number of states.
    pub const COUNT: usize = 11;

    /// All states in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::None,
        Self::Established,
        Self::SynSent,
        Self::SynRecv,
        Self::FinWait,
        Self::TimeWait,
        Self::Close,
        Self::CloseWait,
        Self::LastAck,
        Self::Listen,
        Self::SynAck,
    ];

    /// The state with this number.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::Established,
            2 => Self::SynSent,
            3 => Self::SynRecv,
            4 => Self::FinWait,
            5 => Self::TimeWait,
            6 => Self::Close,
            7 => Self::CloseWait,
            8 => Self::LastAck,
            9 => Self::Listen,
            10 => Self::SynAck,
            _ => return None,
        })
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
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::FinWait => "FIN_WAIT",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::SynAck => "SYNACK",
        }
    }

    /// The time without a packet after which a connection in this state ends, in seconds.
    #[inline]
    pub const fn default_timeout(self) -> u32 {
        match self {
            Self::None => 2,
            Self::Established => 900,
            Self::SynSent => 120,
            Self::SynRecv => 60,
            Self::FinWait => 120,
            Self::TimeWait => 120,
            Self::Close => 10,
            Self::CloseWait => 60,
            Self::LastAck => 30,
            Self::Listen => 120,
            Self::SynAck => 120,
        }
    }
}

impl ProtocolState for State {
    const ESTABLISHED: Self = Self::Established;

    #[inline]
    fn is_active(self) -> bool {
        matches!(
            self,
            Self::Established | Self::SynSent | Self::SynRecv | Self::SynAck
        )
    }
}
