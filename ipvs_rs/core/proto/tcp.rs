// SPDX-License-Identifier: GPL-2.0

//! TCP as a director sees it: often one direction only, never the payload.
//!
//! The state of a connection decides how long it lives without a packet, and whether it counts
//! as active at its server. Only the flags of packets change the state: sequence numbers are not
//! checked.

use super::transition::{self, Transition};
use super::Direction;
use crate::conn::ConnFlags;

mod state;
mod table;

pub use crate::wire::tcp::flags;
pub use state::State;
pub use table::{next, StateTable};

/// The flag of a packet that decides about the next state.
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
    /// The first of RST, SYN, FIN and ACK that is set in the flags byte of a TCP header.
    ///
    /// Returns [`None`] if none of them is set. Such a packet closes the connection.
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

/// Whether a packet is one of nearly all: it only acknowledges, on an established connection. By each table a [`transition`] would
/// change nothing then. False for some others of which that is true.
#[inline]
pub const fn is_routine(flags: ConnFlags, direction: Direction, byte: u8, state: State) -> bool {
    let only_acknowledges =
        byte & (flags::RST | flags::SYN | flags::FIN | flags::ACK) == flags::ACK;
    let is_first_answer = matches!(direction, Direction::Output) && flags.has(ConnFlags::NO_OUTPUT);
    only_acknowledges && matches!(state, State::Established) && !is_first_answer
}

/// What a packet of `direction` with the TCP flags `byte` does to a connection in `state` with
/// `flags`.
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
