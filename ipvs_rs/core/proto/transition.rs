// SPDX-License-Identifier: GPL-2.0

//! What the protocols with states have in common.

use super::Direction;
use crate::conn::ConnFlags;

/// The state of a connection in its protocol.
pub trait ProtocolState: Copy + PartialEq {
    /// Both sides have agreed.
    const ESTABLISHED: Self;

    /// Whether a connection in this state counts as active at its server.
    fn is_active(self) -> bool;
}

/// A connection has crossed the line between active and inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// One more active and one less inactive connection at the server.
    Activated,
    /// One less active and one more inactive connection at the server.
    Deactivated,
}

/// What a packet did to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition<S> {
    /// The new state; its time starts now.
    pub state: S,
    /// The new flags: NO_OUTPUT and INACTIVE may have changed.
    pub flags: ConnFlags,
    /// What changes in the server's counts.
    pub activity: Option<Activity>,
    /// Whether the connection became established by this packet, which assures its template.
    pub established: bool,
}

/// Moves a connection in `state` with `flags` to what `next` says of the packet's direction.
///
/// `direction` is that of the packet: an input packet of a connection that has seen no output is
/// treated as [`Direction::InputOnly`], and an output packet ends that condition.
#[inline(always)]
pub(super) fn transition<S: ProtocolState>(
    flags: ConnFlags,
    direction: Direction,
    state: S,
    next: impl FnOnce(Direction) -> S,
) -> Transition<S> {
    let (direction, flags) = match direction {
        Direction::Output => (direction, flags.without(ConnFlags::NO_OUTPUT)),
        Direction::Input if flags.has(ConnFlags::NO_OUTPUT) => (Direction::InputOnly, flags),
        Direction::Input | Direction::InputOnly => (direction, flags),
    };
    let new = next(direction);
    if new == state {
        return Transition {
            state,
            flags,
            activity: None,
            established: false,
        };
    }
    let (flags, activity) = match (flags.has(ConnFlags::INACTIVE), new.is_active()) {
        (true, true) => (
            flags.without(ConnFlags::INACTIVE),
            Some(Activity::Activated),
        ),
        (false, false) => (flags.with(ConnFlags::INACTIVE), Some(Activity::Deactivated)),
        (true, false) | (false, true) => (flags, None),
    };
    Transition {
        state: new,
        flags,
        activity,
        established: new == S::ESTABLISHED,
    }
}
