// SPDX-License-Identifier: GPL-2.0

//! TCP as a director sees it: often one direction only, never the payload.
//!
//! The state of a connection decides how long it lives without a packet, and whether it counts
//! as active at its server. It follows the flags of the packets and nothing else: sequence
//! numbers are not checked.

use super::transition::{self, ProtocolState, Transition};
use super::Direction;
use crate::conn::ConnFlags;

pub use crate::wire::tcp::flags;

/// The state of a connection, numbered as in `/proc` and in the synchronisation messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Just created.
    None = 0,
    /// Both sides agreed.
    Established = 1,
    /// The server opened.
    SynSent = 2,
    /// The client opened.
    SynRecv = 3,
    /// One side closed.
    FinWait = 4,
    /// Both sides closed.
    TimeWait = 5,
    /// Reset, or closed for another reason.
    Close = 6,
    /// The client closed.
    CloseWait = 7,
    /// The server waits for the last acknowledgement.
    LastAck = 8,
    /// Expected: announced by another connection.
    Listen = 9,
    /// The client's SYN was answered, and the client has not proved itself yet; entered only
    /// under [`StateTable::Secure`].
    SynAck = 10,
}

impl State {
    /// How many states there are.
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

/// The flag of a packet that moves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SYN.
    Syn = 0,
    /// FIN.
    Fin = 1,
    /// ACK.
    Ack = 2,
    /// RST.
    Rst = 3,
}

impl Event {
    /// What a packet with these flags does; the first that matches of RST, SYN, FIN and ACK.
    ///
    /// Returns [`None`] for a packet with none of them, which closes the connection.
    #[inline]
    pub const fn from_flags(byte: u8) -> Option<Self> {
        if byte & flags::RST != 0 {
            Some(Self::Rst)
        } else if byte & flags::SYN != 0 {
            Some(Self::Syn)
        } else if byte & flags::FIN != 0 {
            Some(Self::Fin)
        } else if byte & flags::ACK != 0 {
            Some(Self::Ack)
        } else {
            None
        }
    }
}

/// Which rules the machine follows; see the sysctl `secure_tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateTable {
    /// Trusts clients.
    Normal = 0,
    /// Waits for the whole handshake before a connection counts as established.
    Secure = 1,
}

use State::{
    Close as CL, CloseWait as CW, Established as ES, FinWait as FW, LastAck as LA, Listen as LI,
    SynAck as SA, SynRecv as SR, SynSent as SS, TimeWait as TW,
};

/// The next state for each current one.
type Row = [State; State::COUNT];
/// The rows of SYN, FIN, ACK and RST.
type Rows = [Row; 4];

/// By [`StateTable`], [`Direction`], [`Event`] and [`State`]: the columns are the current state.
const TABLES: [[Rows; 3]; 2] = [NORMAL, SECURE];

#[rustfmt::skip]
const NORMAL: [Rows; 3] = [
    [// Input   NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR ],
    /* FIN */ [ CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW ],
    /* ACK */ [ ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES ],
    /* RST */ [ CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR ],
    ],
    [// Output  NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR ],
    /* FIN */ [ TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW ],
    /* ACK */ [ ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES ],
    /* RST */ [ CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL ],
    ],
    [// Only in NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR ],
    /* FIN */ [ CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW ],
    /* ACK */ [ ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES ],
    /* RST */ [ CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL ],
    ],
];

#[rustfmt::skip]
const SECURE: [Rows; 3] = [
    [// Input   NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SA ],
    /* FIN */ [ CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, SA ],
    /* ACK */ [ ES, ES, SS, SR, FW, TW, CL, CW, CL, LI, SA ],
    /* RST */ [ CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL ],
    ],
    [// Output  NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SS, ES, SS, SA, SS, SS, SS, SS, SS, LI, SA ],
    /* FIN */ [ TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW ],
    /* ACK */ [ ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES ],
    /* RST */ [ CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL ],
    ],
    [// Only in NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
    /* SYN */ [ SA, ES, ES, SR, SA, SA, SA, SA, SA, SA, SA ],
    /* FIN */ [ CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW ],
    /* ACK */ [ ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES ],
    /* RST */ [ CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL ],
    ],
];

/// The state after `event` in `state`.
#[inline]
pub fn next(table: StateTable, direction: Direction, event: Option<Event>, state: State) -> State {
    let Some(event) = event else {
        return State::Close;
    };
    #[allow(
        clippy::indexing_slicing,
        reason = "each level has a place for every value of its enum: no check is left in the machine code"
    )]
    TABLES[table as usize][direction as usize][event as usize][state as usize]
}

/// Moves a connection in `state` with `flags` by a packet with the TCP flags `byte`.
#[inline]
pub fn transition(
    flags: ConnFlags,
    direction: Direction,
    byte: u8,
    state: State,
    table: StateTable,
) -> Transition<State> {
    transition::transition(flags, direction, state, |direction| {
        next(table, direction, Event::from_flags(byte), state)
    })
}
