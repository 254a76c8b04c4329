// SPDX-License-Identifier: GPL-2.0

//! Whether a master sends a message about a connection now.
//!
//! There are two rules. With the sysctl `sync_eager` a message is sent when the connection is new, when its state has
//! changed, and when a quarter of its timeout has passed since the last one: the backup's copy never has less than three
//! quarters of the time. Without it the rule is that of the C module, by the number of packets.

use super::Announced;
use crate::proto::{sctp, tcp, SCTP, TCP};

/// The sysctls about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `sync_eager`: the rule by state and time. The other fields but `only_templates` have no effect then.
    pub is_eager: bool,
    /// The first number of `sync_threshold`: the packet with which a connection is announced.
    pub threshold: u32,
    /// The second number of `sync_threshold`: the number of packets from one message to the next. 0 for one message.
    pub period: u32,
    /// `sync_refresh_period`, in ticks. 0 for none.
    pub refresh: u32,
    /// `sync_retries`: how often a message is repeated within a refresh period, from 0 to 3.
    pub retries: u32,
    /// `sync_persist_mode`: connections that a template controls are not announced.
    pub only_templates: bool,
}

/// A connection as this decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The number of its transport protocol.
    pub protocol: u8,
    /// The number of its state in its protocol.
    pub state: u8,
    /// Whether it controls others, as a persistence template does. Packets are not counted for it.
    pub is_controller: bool,
    /// Whether a template controls it, at any distance.
    pub has_template: bool,
    /// The number of packets from the client.
    pub packets: u32,
    /// The time without packets that its state allows, in ticks.
    pub timeout: u32,
    /// The moment of its end without more packets, in ticks.
    pub end: u32,
}

/// Ten seconds are the least distance of two messages with a refresh period.
const LEAST_DISTANCE_SECONDS: u32 = 10;

/// The message that is to be sent now; [`None`] if none is. `hz` is the number of ticks in a second.
#[inline]
pub fn decide(subject: &Subject, last: Announced, rules: &Rules, hz: u32) -> Option<Announced> {
    if rules.only_templates && subject.has_template {
        return None;
    }
    match rules.is_eager || subject.is_controller {
        true => by_time(subject, last),
        false => by_packets(subject, last, rules, hz),
    }
}

/// The rule by state and time.
#[inline]
fn by_time(subject: &Subject, last: Announced) -> Option<Announced> {
    let is_told = last.tells(subject.state, subject.timeout, subject.end);
    (!is_told).then(|| Announced::queued(subject.state, subject.end, 0))
}

/// The rule of the C module.
#[cold]
fn by_packets(subject: &Subject, last: Announced, rules: &Rules, hz: u32) -> Option<Announced> {
    let mut repeats = 0;
    if matches!(subject.protocol, TCP | SCTP) {
        if !is_announced(subject.protocol, subject.state) {
            return None;
        }
        let is_established = match subject.protocol {
            TCP => subject.state == tcp::State::Established.number(),
            _ => subject.state == sctp::State::Established.number(),
        };
        if last.state() != subject.state && !is_established {
            return Some(Announced::queued(subject.state, subject.end, 0));
        }
    }
    if rules.refresh > 0 {
        let least = (subject.timeout >> 1).max(hz.saturating_mul(LEAST_DISTANCE_SECONDS));
        let distance = last.distance(subject.end);
        if last.is_sent() && distance < rules.refresh.min(least) {
            if last.repeats() >= rules.retries || distance < rules.refresh >> 3 {
                return None;
            }
            repeats = last.repeats().saturating_add(1);
        }
    }
    let is_due = match rules.period {
        0 => rules.refresh > 0 || subject.packets == rules.threshold,
        period => subject.packets.checked_rem(period) == Some(rules.threshold),
    };
    is_due.then(|| Announced::queued(subject.state, subject.end, repeats))
}

/// Whether a connection in this state is announced at all by the rule of the C module.
fn is_announced(protocol: u8, state: u8) -> bool {
    match protocol {
        TCP => matches!(
            tcp::State::from_number(state),
            Some(
                tcp::State::Established
                    | tcp::State::FinWait
                    | tcp::State::Close
                    | tcp::State::CloseWait
                    | tcp::State::TimeWait
            )
        ),
        _ => matches!(
            sctp::State::from_number(state),
            Some(
                sctp::State::Established
                    | sctp::State::ShutdownSent
                    | sctp::State::ShutdownReceived
                    | sctp::State::ShutdownAckSent
                    | sctp::State::Closed
            )
        ),
    }
}
