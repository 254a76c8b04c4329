// SPDX-License-Identifier: GPL-2.0

//! The state of a relay.

use core::net::SocketAddr;
use knet::rcu::{self, Arc};
use ktcpvs_core::message::Endpoint;
use ktcpvs_core::relay::{Event, Relay as Machine, Side, TRIES_MAX};

use super::super::Relay;
use crate::server::{socket_addr, Chosen, Server};

/// A turn moves so many bytes in a direction at most.
const BUDGET: usize = 256 * 1024;

/// The connection to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    /// It is being made, or is to be.
    Connecting,
    Up,
}

/// What a relay knows.
pub(in crate::service::relay) struct State {
    pub(in crate::service::relay) machine: Machine,
    link: Link,
    chosen: Option<Chosen>,
    /// The server that there is a connection to, or one is being made.
    server: Option<Endpoint>,
    /// Bytes that were moved, by where they came from.
    moved: [u64; 2],
    /// So often a server was chosen for a request.
    requests: u32,
    /// The first bytes of the server are those of an answer, and were not looked at yet.
    pub(super) is_answer_due: bool,
    /// Servers that were chosen before.
    tried: [Option<Arc<Server>>; TRIES_MAX as usize],
    tries: usize,
    /// Where slow work is to connect to.
    connect: Option<SocketAddr>,
    /// Counts connections that were asked for, and given up.
    attempt: u32,
    is_refused: bool,
    /// The connection could not be made for a reason that is not the server's.
    is_own_fault: bool,
    /// To send by a side has failed.
    failed: [bool; 2],
    /// The machine knows that the connection to the server is broken.
    pub(super) is_failure_told: bool,
    /// How much may be moved in this turn, by where it comes from.
    budget: [usize; 2],
    /// When the timer goes off, if it is armed.
    pub(in crate::service::relay) armed: Option<u64>,
    /// Something is to be tried again soon.
    pub(in crate::service::relay) needs_retry: bool,
    /// Slow work is to be done.
    wants_slow: bool,
    has_ended: bool,
    is_finished: bool,
}

const fn index(side: Side) -> usize {
    match side {
        Side::Client => 0,
        Side::Server => 1,
    }
}

impl State {
    pub(in crate::service::relay) fn new(machine: Machine) -> Self {
        Self {
            machine,
            link: Link::None,
            chosen: None,
            server: None,
            moved: [0; 2],
            requests: 0,
            is_answer_due: false,
            tried: [const { None }; TRIES_MAX as usize],
            tries: 0,
            connect: None,
            attempt: 0,
            is_refused: false,
            is_own_fault: false,
            failed: [false; 2],
            is_failure_told: false,
            budget: [BUDGET; 2],
            armed: None,
            needs_retry: false,
            wants_slow: false,
            has_ended: false,
            is_finished: false,
        }
    }

    pub(in crate::service::relay) fn begin_turn(&mut self) {
        self.budget = [BUDGET; 2];
        self.needs_retry = false;
    }

    pub(in crate::service::relay) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Nothing is done behind this but slow work.
    pub(in crate::service::relay) fn end(&mut self) {
        self.has_ended = true;
        self.wants_slow = true;
        self.connect = None;
        self.chosen = None;
    }

    /// Whether slow work has to end the relay now; it is told once.
    pub(in crate::service::relay) fn take_end(&mut self) -> bool {
        self.has_ended && !core::mem::replace(&mut self.is_finished, true)
    }

    /// Asks slow work to connect to the server that was chosen, or the one that stands in for others.
    pub(in crate::service::relay) fn connect(
        &mut self,
        is_redirect: bool,
        relay: &Arc<Relay>,
        now: u64,
    ) {
        let to = match is_redirect {
            true => {
                let guard = rcu::read_lock();
                let body = relay.service.body.load(&guard);
                body.and_then(|body| body.get().config.redirect)
            }
            false => self.chosen.as_ref().map(|server| *server.at()),
        };
        self.link = Link::Connecting;
        self.attempt = self.attempt.wrapping_add(1);
        self.server = to;
        self.connect = to.map(|to| socket_addr(&to));
        match self.connect {
            Some(_) => self.wants_slow = true,
            None => self.machine.on(Event::Refused, now),
        }
    }

    /// Whether there is slow work to do; it is told once.
    pub(in crate::service::relay) fn take_slow(&mut self) -> bool {
        core::mem::take(&mut self.wants_slow)
    }

    /// The connection to the server is given up.
    pub(in crate::service::relay) fn release(&mut self) {
        if let (Link::Connecting, Some(server), false) =
            (self.link, &self.chosen, self.is_own_fault)
        {
            server.set_down();
        }
        self.forget_choice();
        self.server = None;
        self.link = Link::None;
        self.attempt = self.attempt.wrapping_add(1);
        self.connect = None;
        self.is_refused = false;
        self.is_own_fault = false;
        self.is_failure_told = false;
        if let Some(failed) = self.failed.get_mut(index(Side::Server)) {
            *failed = false;
        }
        self.wants_slow = true;
    }

    /// What slow work is to connect to, and which attempt that is.
    pub(in crate::service::relay) fn take_connect(&mut self) -> Option<(SocketAddr, u32)> {
        self.connect.take().map(|to| (to, self.attempt))
    }

    /// Whether this attempt was not given up.
    pub(in crate::service::relay) fn is_awaited(&self, attempt: u32) -> bool {
        !self.has_ended && self.attempt == attempt
    }

    /// This attempt has failed at once. The server is passed over for a while if it `is_of_server`.
    pub(in crate::service::relay) fn cannot_connect(&mut self, attempt: u32, is_of_server: bool) {
        if self.is_awaited(attempt) {
            self.is_refused = true;
            self.is_own_fault = !is_of_server;
        }
    }

    pub(super) fn take_refusal(&mut self) -> bool {
        core::mem::take(&mut self.is_refused)
    }

    pub(super) fn is_connecting(&self) -> bool {
        self.link == Link::Connecting
    }

    pub(super) fn connected(&mut self) {
        self.link = Link::Up;
    }

    /// The server that was chosen before, if there is one, counts as tried.
    pub(super) fn forget_choice(&mut self) {
        if let Some(former) = self.chosen.take() {
            if let Some(slot) = self.tried.get_mut(self.tries) {
                *slot = Some((*former).clone());
            }
            self.tries = self.tries.saturating_add(1);
        }
    }

    /// Whether a server was tried before.
    pub(super) const fn has_tried(&self) -> bool {
        self.tries > 0
    }

    pub(super) fn choose(&mut self, server: &Arc<Server>) {
        self.chosen = Some(Server::choose(server));
    }

    pub(super) fn chosen(&self) -> Option<&Server> {
        self.chosen.as_ref().map(|server| &***server)
    }

    pub(super) fn tried(&self) -> &[Option<Arc<Server>>] {
        &self.tried
    }

    /// To send by a side has failed.
    pub(super) fn fail(&mut self, side: Side) {
        if let Some(failed) = self.failed.get_mut(index(side)) {
            *failed = true;
        }
    }

    pub(super) fn has_failed(&self, side: Side) -> bool {
        self.failed.get(index(side)).copied().unwrap_or(false)
    }

    /// So much may still be moved in this turn.
    pub(super) fn allowance(&self, from: Side) -> usize {
        self.budget.get(index(from)).copied().unwrap_or(0)
    }

    /// So much was moved.
    pub(super) fn spend(&mut self, from: Side, bytes: usize) {
        let budget = self.budget.get_mut(index(from));
        if let (Some(budget), Some(moved)) = (budget, self.moved.get_mut(index(from))) {
            *budget = budget.saturating_sub(bytes);
            // CAST: A u64 holds it.
            *moved = moved.wrapping_add(bytes as u64);
        }
    }

    /// A server was chosen for a request that has not had one.
    pub(super) fn begin_request(&mut self) {
        self.requests = self.requests.saturating_add(1);
    }

    /// The server, the bytes from the client and to it, and the number of requests.
    pub(in crate::service::relay) fn progress(&self) -> (Option<Endpoint>, [u64; 2], u32) {
        (self.server, self.moved, self.requests)
    }
}
