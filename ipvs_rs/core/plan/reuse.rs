// SPDX-License-Identifier: GPL-2.0

//! When an old connection gives way to a new one between the same ends.
//!
//! Clients use a port again, often before the director has forgotten the old connection. A packet
//! that opens a connection may then continue the old connection, or replace it by a new one for
//! which a server is chosen anew.

use crate::conn::ConnFlags;
use crate::proto;
use crate::proto::sctp;
use crate::proto::tcp::State;

/// The settings of the administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The sysctl `conn_reuse_mode`: with 0 no connection gives way. With bit 1, connections in
    /// FIN_WAIT give way too, if the director does not see the server's side of them.
    pub reuse: i32,
    /// The sysctl `expire_nodest_conn`: whether connections of quiesced and of deleted servers give way.
    pub expire_nodest: bool,
}

/// The old connection to which a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldConn {
    /// The number of its transport protocol.
    pub protocol: u8,
    /// The number of its state in its protocol.
    pub state: u8,
    /// Its flags.
    pub flags: ConnFlags,
    /// Whether another connection controls it.
    pub is_controlled: bool,
    /// Whether its server has weight 0, so that it gets no new connections.
    pub is_quiesced: bool,
}

/// Whether a connection in this state can give way, if its server is not quiesced.
///
/// This is false for nearly every packet, and costs one test.
#[inline]
pub const fn is_candidate(protocol: u8, state: u8) -> bool {
    match protocol {
        proto::TCP => matches!(
            State::from_number(state),
            Some(State::FinWait | State::TimeWait | State::Close)
        ),
        proto::SCTP => state == sctp::State::Closed.number(),
        _ => false,
    }
}

/// Whether `old` gives way to a packet that opens a connection.
pub const fn gives_way(old: &OldConn, rules: Rules) -> bool {
    if rules.expire_nodest && old.is_quiesced {
        return true;
    }
    rules.reuse != 0
        && !old.is_controlled
        && is_candidate(old.protocol, old.state)
        && (old.protocol != proto::TCP
            || old.state != State::FinWait.number()
            || rules.reuse & 2 != 0 && old.flags.has(ConnFlags::NO_OUTPUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: OldConn = OldConn {
        protocol: proto::TCP,
        state: State::Close as u8,
        flags: ConnFlags::EMPTY,
        is_controlled: false,
        is_quiesced: false,
    };

    fn states(reuse: i32, flags: ConnFlags) -> Vec<State> {
        let rules = Rules {
            reuse,
            expire_nodest: false,
        };
        let gives_way = |state: &State| {
            let state = state.number();
            gives_way(
                &OldConn {
                    state,
                    flags,
                    ..OLD
                },
                rules,
            )
        };
        State::ALL.into_iter().filter(gives_way).collect()
    }

    #[test]
    fn connections_give_way_in_these_states() {
        use State::{Close, FinWait, TimeWait};
        let (nat, direct) = (ConnFlags::EMPTY, ConnFlags::NO_OUTPUT);
        for (mode, flags, expected) in [
            (0, nat, vec![]),
            (0, direct, vec![]),
            (1, nat, vec![TimeWait, Close]),
            (1, direct, vec![TimeWait, Close]),
            (2, nat, vec![TimeWait, Close]),
            (2, direct, vec![FinWait, TimeWait, Close]),
            (3, direct, vec![FinWait, TimeWait, Close]),
            (4, direct, vec![TimeWait, Close]),
            (-1, direct, vec![FinWait, TimeWait, Close]),
        ] {
            assert_eq!(states(mode, flags), expected, "{mode} {flags:?}");
        }
    }

    #[test]
    fn controlled_connections_stay_unless_their_server_is_quiesced() {
        for (is_controlled, is_quiesced, expire_nodest, expected) in [
            (false, false, false, true),
            (true, false, false, false),
            (true, true, false, false),
            (true, true, true, true),
            (true, false, true, false),
        ] {
            let old = OldConn {
                is_controlled,
                is_quiesced,
                ..OLD
            };
            let rules = Rules {
                reuse: 1,
                expire_nodest,
            };
            assert_eq!(gives_way(&old, rules), expected, "{old:?} {rules:?}");
        }
    }

    #[test]
    fn a_quiesced_server_is_left_in_any_state_and_protocol() {
        let rules = Rules {
            reuse: 0,
            expire_nodest: true,
        };
        for protocol in [proto::TCP, 132] {
            for state in 0..=13 {
                let old = OldConn {
                    protocol,
                    state,
                    is_quiesced: true,
                    ..OLD
                };
                assert!(gives_way(&old, rules));
            }
        }
    }

    #[test]
    fn associations_give_way_when_closed() {
        let rules = Rules {
            reuse: 1,
            expire_nodest: false,
        };
        for state in 0..=u8::MAX {
            let protocol = proto::SCTP;
            let old = OldConn {
                protocol,
                state,
                ..OLD
            };
            assert_eq!(gives_way(&old, rules), state == 13);
        }
    }

    #[test]
    fn states_beyond_the_tables_are_no_candidates() {
        for state in 0..=u8::MAX {
            assert!(state < 11 || !is_candidate(proto::TCP, state));
            assert!(!is_candidate(proto::UDP, state));
        }
    }
}
