// SPDX-License-Identifier: GPL-2.0

//! Where a connection stands in its protocol.

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
    /// Takes account of a packet: moves the state, and starts its time anew.
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
                let Some(flags) = flow.tcp_flags(packet) else {
                    return;
                };
                let table = settings.tcp_table();
                let state = self.advance(|from| {
                    let step =
                        tcp::transition(from.flags(), direction, flags, tcp_state(from), table);
                    (step, step.state.number())
                });
                self.refresh(settings.timeouts().tcp(state));
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

    /// Changes the condition as `step` says of the present one, and the counts of the server with
    /// it. Returns the new state, whose number stands beside the transition to it.
    #[inline(always)]
    fn advance<S: Copy>(&self, step: impl Fn(Condition) -> (Transition<S>, u8)) -> S {
        loop {
            let from = self.condition();
            let (step, number) = step(from);
            // Fails if a packet of the other direction was faster; then this one comes after it.
            let to = Condition::new(step.flags, number);
            if self.condition.change(from, to) {
                // Its end has taken what there was off the counts.
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

    /// Takes account of a sign of life of both sides: the template of this connection, if it has
    /// one, is of a client that means it.
    #[inline]
    pub(super) fn assure_template(&self) {
        if let Some(control) = &self.control {
            if control.is_template() && !control.is_assured() {
                control
                    .condition
                    .add(Condition::new(ConnFlags::EMPTY, ASSURED));
            }
        }
    }

    /// Whether this is a template, one of whose connections was answered.
    pub(super) fn is_assured(&self) -> bool {
        self.is_template() && self.condition().state() & ASSURED != 0
    }

    /// Lets no further connection use this template.
    pub(crate) fn invalidate(&self) {
        self.condition
            .add(Condition::new(ConnFlags::INVALIDATED, 0));
    }

    /// Whether this is a template that no further connection may use.
    pub(super) fn is_invalidated(&self) -> bool {
        self.condition().flags().has(ConnFlags::INVALIDATED)
    }

    /// The name of its state.
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

/// The state of a TCP connection; no other number is ever stored in one.
#[inline]
fn tcp_state(condition: Condition) -> tcp::State {
    tcp::State::from_number(condition.state()).unwrap_or(tcp::State::None)
}

/// The state of an SCTP association; no other number is ever stored in one.
#[inline]
fn sctp_state(condition: Condition) -> sctp::State {
    sctp::State::from_number(condition.state()).unwrap_or(sctp::State::None)
}
