// SPDX-License-Identifier: GPL-2.0

//! The two state tables of TCP.

use super::{Event, State};
use crate::proto::Direction;

/// The state table that connections follow; the sysctl `secure_tcp` chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateTable {
    /// A SYN and an ACK of the client are enough for an established connection.
    Normal = 0,
    /// Only the whole handshake makes a connection established.
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
