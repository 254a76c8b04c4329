// SPDX-License-Identifier: GPL-2.0

//! How a relay ends, or begins anew after a failure.

use super::{Asked, Down, Effect, Mode, Phase, Reader, Relay, Side, Up, TRIES_MAX};
use crate::http::{answer, edits::Fate, request, Fault, Version};

impl Relay {
    /// Everything ends without an error.
    pub(super) fn end(&mut self) {
        self.finish(false, false);
    }

    /// Both connections are reset: what was sent to either of them is not whole.
    pub(super) fn reset_all(&mut self) {
        self.finish(true, self.has_server());
    }

    /// The client has gone.
    pub(super) fn client_gone(&mut self) {
        self.finish(false, self.has_server());
    }

    fn finish(&mut self, client: bool, server: bool) {
        self.phase = Phase::Ending { client, server };
        self.server = None;
        self.asked = Asked::Nothing;
        self.first = None;
    }

    /// Whether there is a connection to a server, or one is being made.
    fn has_server(&self) -> bool {
        self.server.is_some() || matches!(self.phase, Phase::Connecting)
    }

    /// Gives the connection to the server up.
    fn release(&mut self) {
        if self.has_server() {
            self.first = Some(Effect::Release);
        }
        self.server = None;
    }

    /// The request is not answered by the server: another one stands in, or the client is told, or reset if it cannot be told.
    pub(super) fn fail(&mut self, fault: Fault, now: u64) {
        let is_too_late = match self.phase {
            Phase::Exchange { down, .. } => !matches!(down, Down::Head),
            Phase::Tunnel { .. } => self.has_answered,
            _ => false,
        };
        if is_too_late || self.settings.mode == Mode::Connection {
            return self.reset_all();
        }
        self.release();
        self.asked = Asked::Nothing;
        let can_redirect = self.settings.has_redirect && !self.is_redirected;
        if fault.is_of_servers() && can_redirect && self.is_whole() {
            self.is_redirected = true;
            return self.connect(now);
        }
        self.phase = Phase::Fault { fault, sent: 0 };
        self.deadline = now.saturating_add(self.settings.times.read);
    }

    /// Whether the whole request can still be sent: no byte of its body was.
    fn is_whole(&self) -> bool {
        self.request.is_some() && self.body_sent == 0
    }

    /// Makes a connection to a server.
    pub(super) fn connect(&mut self, now: u64) {
        // If the one before was released, that comes first: the caller has room for one connection.
        self.phase = Phase::Connecting;
        self.is_connect_due = true;
        self.deadline = now.saturating_add(self.settings.times.connect);
    }

    /// A connection to a server was not made.
    pub(super) fn not_connected(&mut self, fault: Fault, now: u64) {
        self.tries = self.tries.saturating_add(1);
        self.failure = fault;
        if self.is_redirected || self.tries >= TRIES_MAX {
            self.fail(fault, now);
        } else {
            self.release();
            self.phase = Phase::Choose;
        }
    }

    /// The connection to the server is there.
    pub(super) fn start(&mut self, now: u64) {
        self.deadline = now.saturating_add(self.settings.times.read);
        self.prefers_down = false;
        self.phase = match self.settings.mode {
            Mode::Connection | Mode::First => Phase::Tunnel {
                up: true,
                down: true,
            },
            Mode::Each => {
                self.await_answer();
                Phase::Exchange {
                    up: Up::Head { sent: 0 },
                    down: Down::Head,
                }
            }
        };
    }

    /// An answer is read from its start.
    pub(super) fn await_answer(&mut self) {
        let is_to_head = self.request.is_some_and(|it| it.method.is_head());
        self.reader = Reader::Answer(answer::Reader::new(is_to_head));
        self.answer = None;
    }

    /// The server has ended or broken off during an exchange.
    pub(super) fn server_gone(&mut self, now: u64) {
        let is_idempotent = self.request.is_some_and(|it| it.method.is_idempotent());
        let may_retry = self.is_pooled && !self.is_retried && !self.has_answered;
        let is_before = matches!(
            self.phase,
            Phase::Exchange {
                down: Down::Head,
                ..
            }
        );
        if is_before && may_retry && is_idempotent && self.is_whole() {
            // The server may have closed the connection before it saw the request (RFC 9112, section 9.3.1).
            self.is_retried = true;
            self.release();
            self.phase = Phase::Choose;
        } else {
            self.fail(Fault::BadGateway, now);
        }
    }

    /// The answer is through.
    pub(super) fn answered(&mut self, up: Up, now: u64) {
        let is_done = matches!(up, Up::Done);
        let persists = self.answer.is_some_and(|answer| answer.persists);
        let is_new = self.request.is_some_and(|it| it.version == Version::Http11);
        self.first = match persists && is_done && is_new {
            true => Some(Effect::Pool),
            false => Some(Effect::Release),
        };
        self.server = None;
        if self.fate == Fate::Closes {
            return self.begin_linger(now);
        }
        if self.is_stopping {
            return self.end_behind();
        }
        self.phase = Phase::Head { has_begun: false };
        self.reader = Reader::Request(request::Reader::with_limit(self.settings.max_head));
        self.request = None;
        self.answer = None;
        (self.tries, self.interims, self.body_sent) = (0, 0, 0);
        (self.is_retried, self.is_redirected) = (false, false);
        (self.is_pooled, self.has_answered) = (false, false);
        self.client.is_ready = true;
        self.deadline = now.saturating_add(self.settings.times.idle);
    }

    /// Ends, but first does what is to be done first.
    fn end_behind(&mut self) {
        let first = self.first;
        self.end();
        self.first = first;
    }

    /// Says FIN to the client, and waits for its own, so that a reset does not destroy what it has not read yet.
    pub(super) fn begin_linger(&mut self, now: u64) {
        self.phase = Phase::Linger {
            has_closed: false,
            dropped: 0,
        };
        self.client.is_ready = true;
        self.deadline = now.saturating_add(self.settings.times.linger);
    }

    /// One direction of a tunnel has ended.
    pub(super) fn close_direction(&mut self, from: Side, now: u64) {
        let Phase::Tunnel { up, down } = self.phase else {
            return;
        };
        if from == Side::Server && !self.has_answered && self.settings.mode == Mode::First {
            return self.fail(Fault::BadGateway, now);
        }
        let (up, down) = match from {
            Side::Client => (false, down),
            Side::Server => (up, false),
        };
        self.first = Some(Effect::CloseWrite(from.other()));
        self.phase = Phase::Tunnel { up, down };
        if !up && !down {
            self.end_behind();
        }
    }
}
