// SPDX-License-Identifier: GPL-2.0

//! Where a connection stands in its protocol.

use ipvs_core::{
    flow::{Flow, HeaderSource},
    proto::{
        tcp::{self, Activity},
        udp, Direction, TCP, UDP,
    },
};

use super::{Condition, Conn};
use crate::settings::Settings;

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
                if let Some(flags) = flow.tcp_flags(packet) {
                    self.follow_tcp(settings, direction, flags);
                }
            }
            _ => self.refresh(settings.timeouts().udp),
        }
    }

    #[inline]
    fn follow_tcp(&self, settings: &Settings, direction: Direction, tcp_flags: u8) {
        let table = settings.tcp_table();
        loop {
            let from = self.condition();
            let state = tcp_state(from);
            let step = tcp::transition(from.flags(), direction, tcp_flags, state, table);
            // Fails if a packet of the other direction was faster; then this one comes after it.
            if self.change(from, Condition::new(step.flags, step.state.number())) {
                if let Some(activity) = step.activity {
                    self.dest.count_active(activity == Activity::Activated);
                }
                self.refresh(settings.timeouts().tcp(step.state));
                return;
            }
        }
    }

    /// The name of its state.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.protocol {
            TCP => tcp_state(self.condition()).name(),
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
