// SPDX-License-Identifier: GPL-2.0

//! The part of a turn in which the streams are locked.

mod moving;
mod state;

pub(super) use state::State;

use knet::{
    rcu::{self, Arc},
    tcp::{Facts, Locked, Stop, Which},
    work::BottomHalf,
};
use ktcpvs_core::relay::{Chosen, Effect, Event, Side};

use super::{streams::which, turn::Next, Relay, HEADS};
use crate::{
    scheduler::{Choice, Reads},
    server::{socket_addr, Server},
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;

/// The streams of a relay, locked, and its state.
pub(super) struct Session<'a, 's> {
    pub(super) locked: Locked<'a>,
    pub(super) state: &'s mut State,
    pub(super) relay: &'s Arc<Relay>,
    pub(super) context: &'a BottomHalf,
    pub(super) now: u64,
    /// The connection to the server was broken when the turn began.
    is_broken: bool,
    /// The first bytes of a side were looked at.
    has_looked: bool,
}

impl<'a, 's> Session<'a, 's> {
    pub(super) fn new(
        locked: Locked<'a>,
        state: &'s mut State,
        relay: &'s Arc<Relay>,
        context: &'a BottomHalf,
        now: u64,
    ) -> Self {
        Self {
            locked,
            state,
            relay,
            context,
            now,
            is_broken: false,
            has_looked: false,
        }
    }

    /// Does what the machine asks for, until it waits.
    pub(super) fn run(&mut self) -> Next {
        let is_made = self.report();
        let next = self.obey();
        if is_made {
            // The server may be one that speaks first, or waits for the ACK of an answer's beginning before it sends the rest (RFC 896).
            self.locked.hurry(Which::Far);
        }
        if self.has_looked && self.state.machine.is_incomplete() {
            // The client may wait for the ACK before it sends more (RFC 896).
            self.locked.hurry(Which::Near);
        }
        next
    }

    fn obey(&mut self) -> Next {
        loop {
            match self.state.machine.poll() {
                Effect::Wait if self.notice_broken_server() => {}
                Effect::Wait => return Next::Wait,
                Effect::Look(side) => self.look(side),
                Effect::Choose { .. } => self.choose(),
                Effect::Move { from, limit } => {
                    if !self.move_bytes(from, limit) {
                        return Next::Again;
                    }
                }
                Effect::Discard { limit } => self.discard(limit),
                Effect::SendFault {
                    fault,
                    is_head,
                    from,
                } => self.send_fault(fault, is_head, from),
                Effect::CloseWrite(side) => self.locked.close_write(which(side)),
                Effect::Reset(side) => self.locked.reset_on_drop(which(side)),
                effect => return Next::Rearrange(effect),
            }
        }
    }

    fn on(&mut self, event: Event<'_>) {
        self.state.machine.on(event, self.now);
    }

    /// Tells the machine what has happened since the last turn. Returns whether the connection to the server was made.
    fn report(&mut self) -> bool {
        if let Some(facts) = self.locked.facts(Which::Near) {
            self.report_link(Side::Client, facts);
            if facts.is_broken() || self.state.has_failed(Side::Client) {
                self.on(Event::Broken(Side::Client));
            }
        }
        if self.state.take_refusal() {
            self.on(Event::Refused);
        }
        let Some(facts) = self.locked.facts(Which::Far) else {
            return false;
        };
        self.is_broken = facts.is_broken();
        let is_awaited = self.state.is_connecting();
        if is_awaited {
            if facts.is_broken() || facts.is_closed() {
                self.on(Event::Refused);
                return false;
            }
            if !facts.is_connected() {
                return false;
            }
            self.state.connected();
            self.on(Event::Connected);
        }
        self.report_link(Side::Server, facts);
        is_awaited
    }

    fn report_link(&mut self, side: Side, facts: Facts) {
        if facts.has_bytes() || facts.is_end() {
            self.on(Event::Ready(side));
        }
        if facts.has_room() {
            self.on(Event::Room(side));
        }
    }

    /// Tells the machine that the connection to the server is broken, once all that it has sent before was passed on.
    fn notice_broken_server(&mut self) -> bool {
        // Nothing comes in while the streams are locked, and what is sent meanwhile fails by itself.
        let is_broken = self.is_broken || self.state.has_failed(Side::Server);
        if !is_broken || self.state.is_connecting() || self.state.is_failure_told {
            return false;
        }
        let facts = self.locked.facts(Which::Far);
        if facts.is_none_or(Facts::has_bytes) {
            return false;
        }
        self.state.is_failure_told = true;
        self.on(Event::Broken(Side::Server));
        true
    }

    /// Shows the machine the first bytes of a side.
    fn look(&mut self, side: Side) {
        self.has_looked = true;
        let guard = rcu::read_lock();
        let (locked, state, now) = (&mut self.locked, &mut *self.state, self.now);
        let seen = HEADS.load(&guard).and_then(|heads| {
            heads.get().with(self.context, |buffer| {
                let count = locked.peek(which(side), buffer);
                let bytes = buffer.get(..count).unwrap_or_default();
                let facts = locked.facts(which(side));
                let is_all = count < buffer.len();
                let is_fin = facts.is_some_and(|facts| facts.is_fin());
                let is_end = is_all && is_fin && !state.has_failed(side);
                state.machine.on(Event::Seen { bytes, is_end }, now);
            })
        });
        if seen.is_none() {
            self.on(Event::Abort);
        }
    }

    /// Lets the scheduler choose a server.
    fn choose(&mut self) {
        self.state.forget_choice();
        let is_again = self.state.has_tried();
        let found = self.find_server();
        let service = &self.relay.service;
        match &found {
            Some(server) => {
                if is_again {
                    service.stats.retried();
                } else {
                    service.stats.request();
                    self.state.begin_request();
                }
                if service.settings.logs(5) {
                    pr_info!("a relay goes to {:?}\n", socket_addr(server.at()));
                }
            }
            None if service.settings.logs(1) => pr_info!("there is no server for a relay\n"),
            None => {}
        }
        // Whoever stands in for others answers, too.
        self.state.is_answer_due = self.state.machine.request().is_some();
        let chosen = match found {
            Some(server) => {
                server.stats.conn();
                server.stats.request();
                self.state.choose(&server);
                Chosen::New
            }
            None => Chosen::Nobody,
        };
        self.on(Event::Chosen(chosen));
    }

    fn find_server(&mut self) -> Option<Arc<Server>> {
        let guard = rcu::read_lock();
        let body = self.relay.service.body.load(&guard)?.get();
        let scheduler = body.scheduler.get(&guard);
        let turn = self.relay.service.turn.fetch_add(1, Relaxed);
        let tried = self.state.tried();
        let choose = |matched| {
            let index = scheduler.choose(&Choice {
                members: &body.members,
                everyone: &body.everyone,
                matched,
                turn,
                tried,
            })?;
            let member = body.members.get(usize::from(index))?;
            Some(member.server.clone())
        };
        if scheduler.reads() == Reads::Nothing {
            return choose(None);
        }
        // A relay that began before the scheduler was replaced has read nothing.
        let request = *self.state.machine.request()?;
        let heads = HEADS.load(&guard)?;
        let (locked, context) = (&mut self.locked, self.context);
        heads.get().with(context, |buffer| {
            let count = locked.peek(Which::Near, buffer);
            let path = request.path(buffer.get(..count).unwrap_or_default());
            choose(body.matched(path))
        })?
    }

    /// Waits for room on a side, or tries again if it is memory that is short.
    fn want_room(&mut self, side: Side, stop: Stop) {
        match stop {
            Stop::Done => {}
            Stop::Full if self.locked.want_room(which(side)) => self.state.needs_retry = true,
            Stop::Full => {}
            Stop::Failed => {
                self.state.fail(side);
                if side == Side::Client {
                    self.on(Event::Broken(Side::Client));
                }
            }
        }
    }
}
