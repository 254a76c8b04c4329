// SPDX-License-Identifier: GPL-2.0

//! The step from one state to the next, which TCP and SCTP share.

use super::Direction;
use crate::conn::ConnFlags;

/// The state of a connection in its protocol.
pub trait ProtocolState: Copy + PartialEq {
    /// The state in which both sides may send data.
    const ESTABLISHED: Self;

    /// Whether a connection in this state counts as active at its server.
    fn is_active(self) -> bool;
}

/// A change between active and inactive, by which a connection is counted at its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The connection became active.
    Activated,
    /// The connection became inactive.
    Deactivated,
}

/// The effect of a packet on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition<S> {
    /// The new state. Its timeout starts now.
    pub state: S,
    /// The new flags, of which NO_OUTPUT and INACTIVE may have changed.
    pub flags: ConnFlags,
    /// The change of the server's counts, if there is one.
    pub activity: Option<Activity>,
    /// Whether this packet made the connection established. Its template then counts as answered.
    pub established: bool,
}

/// The effect of a packet on a connection in `state` with `flags`. `next` gives the next state for a
/// direction.
///
/// A packet from the client counts as [`Direction::InputOnly`] as long as no reply has been seen.
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
