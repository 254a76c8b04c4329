// SPDX-License-Identifier: GPL-2.0

//! What an event means for a relay.

use super::{Asked, Down, Event, Link, Phase, Relay, Side, Up};
use crate::http::Fault;

impl Relay {
    /// Something has happened at `now`. An outcome that was not asked for is ignored, and so is everything behind the end.
    pub fn on(&mut self, event: Event<'_>, now: u64) {
        if matches!(self.phase, Phase::Ending { .. } | Phase::Ended) {
            return;
        }
        match event {
            Event::Ready(side) => {
                if let Some(link) = self.link_mut(side) {
                    link.is_ready = true;
                }
            }
            Event::Room(side) => {
                if let Some(link) = self.link_mut(side) {
                    link.has_room = true;
                }
            }
            Event::Broken(side) => self.broken(side, now),
            Event::Connected => self.connected(now),
            Event::Refused => {
                if matches!(self.phase, Phase::Connecting) && !self.is_connect_due {
                    self.not_connected(Fault::BadGateway, now);
                }
            }
            Event::Stop => {
                self.is_stopping = true;
                if self.is_idle() {
                    self.end();
                }
            }
            Event::Abort => self.reset_all(),
            Event::Time if now >= self.deadline => self.late(now),
            Event::Time => {}
            outcome => self.outcome(outcome, now),
        }
    }

    fn outcome(&mut self, event: Event<'_>, now: u64) {
        let asked = core::mem::replace(&mut self.asked, Asked::Nothing);
        match (asked, event) {
            (Asked::Chosen, Event::Chosen(chosen)) => self.chosen(chosen, now),
            (Asked::Seen(side), Event::Seen { bytes, is_end }) => {
                self.seen(side, bytes, is_end, now);
            }
            (Asked::Moved(from), Event::Moved { bytes, halt }) => {
                self.moved(from, bytes, halt, now);
            }
            (Asked::Discarded, Event::Moved { bytes, halt }) => self.discarded(bytes, halt),
            (Asked::SentHead(to), Event::Sent { bytes, halt }) => {
                self.sent_head(to, bytes, halt, now);
            }
            (Asked::SentFault, Event::Sent { bytes, halt }) => self.sent_fault(bytes, halt, now),
            // Not what was asked for.
            _ => self.asked = asked,
        }
    }

    fn broken(&mut self, side: Side, now: u64) {
        match (side, self.phase) {
            (Side::Client, _) => self.client_gone(),
            (Side::Server, Phase::Connecting) => self.not_connected(Fault::BadGateway, now),
            (Side::Server, _) if self.server.is_none() => {}
            (Side::Server, Phase::Tunnel { .. }) => self.fail(Fault::BadGateway, now),
            (Side::Server, _) => {
                self.asked = Asked::Nothing;
                self.server_gone(now);
            }
        }
    }

    fn connected(&mut self, now: u64) {
        if matches!(self.phase, Phase::Connecting) && !self.is_connect_due {
            self.server = Some(Link::NEW);
            self.is_pooled = false;
            self.start(now);
        }
    }

    /// The deadline has passed.
    fn late(&mut self, now: u64) {
        match self.phase {
            Phase::Head { has_begun: false } | Phase::Linger { .. } => self.end(),
            Phase::Head { has_begun: true } => self.fail(Fault::RequestTimeout, now),
            Phase::Connecting => self.not_connected(Fault::GatewayTimeout, now),
            Phase::Exchange {
                up: Up::Body(_),
                down: Down::Head,
            } => self.fail(Fault::RequestTimeout, now),
            Phase::Exchange { .. } => self.fail(Fault::GatewayTimeout, now),
            Phase::Tunnel { .. } | Phase::Fault { .. } => self.reset_all(),
            Phase::Choose | Phase::Ending { .. } | Phase::Ended => {}
        }
    }
}
