// SPDX-License-Identifier: GPL-2.0

//! SCTP (RFC 9260) as a director sees it: often one direction only. The first chunk of each packet
//! decides about the state of its association.
//!
//! The checksum of SCTP is a CRC32c of the whole packet. It covers the ports, but no addresses.

use super::transition::{self, Transition};
use super::Direction;
use crate::conn::ConnFlags;

mod event;
mod state;
mod table;

pub use event::Event;
pub use state::State;
pub use table::next;

/// What a packet of `direction` with this event does to an association in `state` with `flags`.
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
