// SPDX-License-Identifier: GPL-2.0

//! The state table of SCTP.
//!
//! It is that of the C module, cell by cell. It sometimes does what an end of an association would
//! not do, because a director sees only a part of the conversation.

use super::{Event, State};
use crate::proto::Direction;

use State::{
    Closed as CL, Cookie as CO, CookieEchoed as CE, CookieReplied as CR, CookieSent as CS,
    CookieWait as CW, Established as ES, Init as IN, Init1 as I1, Rejected as RJ,
    ShutdownAckSent as SA, ShutdownReceived as SR, ShutdownSent as SS,
};

/// The next state for each current one.
type Row = [State; State::COUNT];

/// By [`Direction`], [`Event`] and [`State`]: the columns are the current state.
#[rustfmt::skip]
const TABLE: [[Row; 10]; 3] = [
    [// Input                 NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
    /* DATA              */ [ ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* INIT              */ [ I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN ],
    /* INIT ACK          */ [ CW, CW, CW, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ECHO       */ [ CR, IN, IN, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ACK        */ [ ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN          */ [ SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN ACK      */ [ CL, IN, IN, CS, CR, CW, CO, CE, ES, CL, SR, CL, RJ, CL ],
    /* SHUTDOWN COMPLETE */ [ CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, SR, CL, RJ, CL ],
    /* ERROR             */ [ CL, I1, IN, CS, CR, CW, CO, CL, ES, SS, SR, SA, RJ, CL ],
    /* ABORT             */ [ CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL ],
    ],
    [// Output                NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
    /* DATA              */ [ ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* INIT              */ [ CW, CW, CW, CW, CW, CW, CW, CW, ES, CW, CW, CW, CW, CW ],
    /* INIT ACK          */ [ CS, CS, CS, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ECHO       */ [ CE, CE, CE, CE, CE, CE, CE, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ACK        */ [ ES, ES, ES, ES, ES, ES, ES, ES, ES, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN          */ [ SS, SS, SS, SS, SS, SS, SS, SS, SS, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN ACK      */ [ SA, SA, SA, SA, SA, CW, CO, CE, ES, SA, SA, SA, RJ, CL ],
    /* SHUTDOWN COMPLETE */ [ CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* ERROR             */ [ CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* ABORT             */ [ CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL ],
    ],
    [// Input only            NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
    /* DATA              */ [ ES, I1, IN, CS, CR, ES, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* INIT              */ [ I1, IN, IN, IN, IN, IN, CO, CE, ES, SS, SR, SA, IN, IN ],
    /* INIT ACK          */ [ CE, CE, CE, CE, CE, CE, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ECHO       */ [ ES, ES, ES, ES, ES, ES, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* COOKIE ACK        */ [ ES, I1, IN, ES, ES, CW, ES, ES, ES, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN          */ [ SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL ],
    /* SHUTDOWN ACK      */ [ CL, IN, IN, CS, CR, CW, CO, CE, CL, CL, SR, CL, RJ, CL ],
    /* SHUTDOWN COMPLETE */ [ CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, CL, CL, RJ, CL ],
    /* ERROR             */ [ CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL ],
    /* ABORT             */ [ CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL ],
    ],
];

/// The state after `event` in `state`.
#[inline]
pub fn next(direction: Direction, event: Event, state: State) -> State {
    #[allow(
        clippy::indexing_slicing,
        reason = "each level has a place for every value of its enum: no check is left in the machine code"
    )]
    TABLE[direction as usize][event as usize][state as usize]
}
