// SPDX-License-Identifier: GPL-2.0

//! The protocol state of a connection.

use ipvs_core::{
    conn::ConnFlags,
    defense::ASSURED,
    flow::{Flow, HeaderSource},
    proto::{
        sctp, tcp,
        transition::{Activity, Transition},
        udp, Direction, SCTP, TCP, UDP,
    },
};

use super::{condition::Condition, Conn};
use crate::model::settings::Settings;

impl Conn {
    /// Updates the protocol state for a packet and restarts the time-out.
    #[inline]
    pub(crate) fn follow(
        &self,
        settings: &Settings,
        direction: Direction,
        flow: &Flow,
        packet: &impl HeaderSource,
    ) {
        match self.protocol {
            TCP => {
                if let Some(flags) = flow.tcp_flags(packet) {
                    self.follow_tcp(settings, direction, flags);
                }
            }
            SCTP => {
                let Some(event) = sctp::Event::of_flow(flow, packet) else {
                    return;
                };
                let state = self.advance(|from| {
                    let step = sctp::transition(from.flags(), direction, event, sctp_state(from));
                    (step, step.state.number())
                });
                self.refresh(state.timeout());
            }
            _ => {
                if direction == Direction::Output {
                    self.assure_template();
                }
                self.refresh(settings.timeouts().udp);
            }
        }
    }

    /// The same of a packet of a TCP connection whose header has this flags byte.
    #[inline(always)]
    pub(crate) fn follow_tcp(&self, settings: &Settings, direction: Direction, flags: u8) {
        let from = self.condition();
        if tcp::is_routine(from.flags(), direction, flags, tcp_state(from)) {
            self.refresh(settings.timeouts().tcp_established);
        } else {
            self.advance_tcp(settings, direction, flags);
        }
    }

    #[inline(never)]
    fn advance_tcp(&self, settings: &Settings, direction: Direction, flags: u8) {
        let table = settings.tcp_table();
        let state = self.advance(|from| {
            let step = tcp::transition(from.flags(), direction, flags, tcp_state(from), table);
            (step, step.state.number())
        });
        self.refresh(settings.timeouts().tcp(state));
    }

    /// Calls `step` with the current condition, and applies the transition that it returns to the
    /// condition and to the counts of the server. `step` also returns the number of the new state.
    ///
    /// Returns the new state.
    #[inline(always)]
    fn advance<S: Copy>(&self, step: impl Fn(Condition) -> (Transition<S>, u8)) -> S {
        loop {
            let from = self.condition();
            let (step, number) = step(from);
            // `change` fails if a concurrent packet was faster; the loop then starts from its state.
            let to = Condition::new(step.flags, number);
            if self.condition.change(from, to) {
                // `unbind` has already taken an ended connection off the counts.
                let has_ended = from.flags().has(ConnFlags::ENDED);
                if let Some(activity) = step.activity.filter(|_| !has_ended) {
                    self.dest.count_active(activity == Activity::Activated);
                }
                if step.established {
                    self.assure_template();
                }
                return step.state;
            }
        }
    }

    /// Marks the template of this connection, if it has one, as assured: the client and the server
    /// have both sent packets.
    #[inline]
    pub(crate) fn assure_template(&self) {
        if let Some(control) = &self.control {
            if control.is_template() && !control.is_assured() {
                control
                    .condition
                    .add(Condition::new(ConnFlags::EMPTY, ASSURED));
            }
        }
    }

    /// Whether this is a template with a connection on which both sides have sent packets.
    pub(super) fn is_assured(&self) -> bool {
        self.is_template() && self.condition().state() & ASSURED != 0
    }

    /// Marks this template, so that no further connection uses it.
    pub(crate) fn invalidate(&self) {
        self.condition
            .add(Condition::new(ConnFlags::INVALIDATED, 0));
    }

    /// Whether this is a template that no further connection may use.
    pub(crate) fn is_invalidated(&self) -> bool {
        self.condition().flags().has(ConnFlags::INVALIDATED)
    }

    /// The name of the protocol state, as listings show it.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.protocol {
            _ if self.is_assured() => "ASSURED",
            _ if self.is_template() => "NONE",
            TCP => tcp_state(self.condition()).name(),
            SCTP => sctp_state(self.condition()).name(),
            UDP => udp::STATE_NAME,
            _ => "ERR!",
        }
    }
}

/// The state of a TCP connection. Such a connection only stores numbers of TCP states.
#[inline]
fn tcp_state(condition: Condition) -> tcp::State {
    tcp::State::from_number(condition.state()).unwrap_or(tcp::State::None)
}

/// The state of an SCTP association. Such a connection only stores numbers of SCTP states.
#[inline]
fn sctp_state(condition: Condition) -> sctp::State {
    sctp::State::from_number(condition.state()).unwrap_or(sctp::State::None)
}
