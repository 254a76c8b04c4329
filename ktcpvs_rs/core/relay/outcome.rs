// SPDX-License-Identifier: GPL-2.0

//! What the outcome of an effect means for a relay.

use super::{
    Chosen, Down, Effect, Halt, Link, Phase, Reader, Relay, Side, Up, INTERIMS_MAX, LINGER_MAX,
};
use crate::http::{
    answer::Answer,
    edits::{self, Fate},
    framing::Body,
    request::Request,
    Fault, Framing, Version,
};

impl Relay {
    pub(super) fn chosen(&mut self, chosen: Chosen, now: u64) {
        match chosen {
            Chosen::Pooled if !self.is_retried => {
                self.server = Some(Link::NEW);
                self.is_pooled = true;
                self.start(now);
            }
            Chosen::Pooled | Chosen::New => self.connect(now),
            Chosen::Nobody => self.fail(self.failure, now),
        }
    }

    pub(super) fn seen(&mut self, side: Side, bytes: &[u8], is_end: bool, now: u64) {
        if let (false, Some(link)) = (is_end, self.link_mut(side)) {
            // What is there was seen; more is worth looking at when there is more.
            link.is_ready = !bytes.is_empty();
        }
        match (side, self.phase) {
            (Side::Client, Phase::Head { has_begun }) => {
                self.seen_request(bytes, is_end, has_begun, now);
            }
            (
                Side::Server,
                Phase::Exchange {
                    up,
                    down: Down::Head,
                },
            ) => {
                self.seen_answer(up, bytes, is_end, now);
            }
            (_, Phase::Exchange { up, down }) => self.seen_body(side, up, down, bytes, is_end, now),
            _ => {}
        }
    }

    fn seen_request(&mut self, bytes: &[u8], is_end: bool, has_begun: bool, now: u64) {
        // An empty line between two requests is not the start of a head.
        let begins = !matches!(bytes, [] | b"\r" | b"\r\n");
        if begins && !has_begun {
            self.phase = Phase::Head { has_begun: true };
            self.deadline = now.saturating_add(self.settings.times.head);
        }
        let Reader::Request(reader) = &mut self.reader else {
            return;
        };
        match reader.read(bytes) {
            Ok(Some(request)) => self.accept(&request, bytes, now),
            Ok(None) if is_end && !begins => self.end(),
            Ok(None) if is_end => self.fail(Fault::BadRequest, now),
            Ok(None) => self.client.is_ready = false,
            Err(fault) => self.fail(fault, now),
        }
    }

    fn accept(&mut self, request: &Request, head: &[u8], now: u64) {
        self.request = Some(*request);
        self.failure = Fault::ServiceUnavailable;
        let is_too_long =
            matches!(request.framing, Framing::Length(bytes) if bytes > self.settings.max_body);
        if is_too_long {
            return self.fail(Fault::ContentTooLarge, now);
        }
        if self.settings.mode == super::Mode::Each {
            if edits::of_request(head, request).is_err() {
                return self.fail(Fault::HeadTooLarge, now);
            }
            self.first = Some(Effect::Take {
                side: Side::Client,
                bytes: request.len,
            });
        }
        self.phase = Phase::Choose;
    }

    fn seen_answer(&mut self, up: Up, bytes: &[u8], is_end: bool, now: u64) {
        self.has_answered |= !bytes.is_empty();
        let Reader::Answer(reader) = &mut self.reader else {
            return;
        };
        match reader.read(bytes) {
            Ok(Some(answer)) => self.take_answer(up, &answer, bytes, now),
            Ok(None) if is_end => self.server_gone(now),
            Ok(None) => {
                if let Some(server) = &mut self.server {
                    server.is_ready = false;
                }
            }
            Err(fault) => self.fail(fault, now),
        }
    }

    /// The head of an answer is complete.
    fn take_answer(&mut self, up: Up, answer: &Answer, head: &[u8], now: u64) {
        let Some(request) = self.request else {
            return self.reset_all();
        };
        let is_done = matches!(up, Up::Done);
        let is_old = request.version == Version::Http10;
        let is_refused = match answer.is_switching() {
            true => !request.upgrades || !is_done,
            // A client of HTTP/1.0 does not know chunks.
            false => is_old && answer.framing == Framing::Chunked,
        };
        if answer.is_interim() {
            self.interims = self.interims.saturating_add(1);
        }
        let stays = request.persists && is_done && !self.is_stopping;
        self.fate = match stays && answer.framing != Framing::UntilClose {
            false => Fate::Closes,
            true if is_old => Fate::KeepsAlive,
            true => Fate::Persists,
        };
        let is_full = edits::of_answer(head, answer, self.fate).is_err();
        if is_refused || is_full || self.interims > INTERIMS_MAX {
            return self.fail(Fault::BadGateway, now);
        }
        self.first = Some(Effect::Take {
            side: Side::Server,
            bytes: answer.len,
        });
        self.deadline = now.saturating_add(self.settings.times.read);
        if answer.is_interim() && is_old {
            // Nor does it know these (RFC 9110, section 15.2).
            return self.await_answer();
        }
        self.answer = Some(*answer);
        let down = Down::SendHead { sent: 0 };
        self.phase = Phase::Exchange { up, down };
    }

    /// The next bytes of a body in chunks were looked at.
    fn seen_body(&mut self, side: Side, up: Up, down: Down, bytes: &[u8], is_end: bool, now: u64) {
        let (mut up, mut down) = (up, down);
        let body = match (side, &mut up, &mut down) {
            (Side::Client, Up::Body(body), _) | (Side::Server, _, Down::Body(body)) => body,
            _ => return,
        };
        let looked = body.look(bytes);
        if looked.is_err() || (bytes.is_empty() && is_end) {
            return match side {
                Side::Client => self.fail(Fault::BadRequest, now),
                Side::Server => self.reset_all(),
            };
        }
        self.phase = Phase::Exchange { up, down };
    }

    pub(super) fn moved(&mut self, from: Side, bytes: u64, halt: Halt, now: u64) {
        if bytes > 0 {
            self.deadline = now.saturating_add(self.settings.times.read);
            self.has_answered |= from == Side::Server;
        }
        if let (Phase::Tunnel { .. }, Side::Client) = (self.phase, from) {
            self.body_sent = self.body_sent.saturating_add(bytes);
        }
        let blocked = match halt {
            Halt::Limit => None,
            Halt::Empty | Halt::End => self.link_mut(from).map(|link| &mut link.is_ready),
            Halt::Full => self.link_mut(from.other()).map(|link| &mut link.has_room),
        };
        if let Some(can) = blocked {
            *can = false;
        }
        match self.phase {
            Phase::Tunnel { .. } if halt == Halt::End => self.close_direction(from, now),
            Phase::Exchange {
                up: Up::Body(body),
                down,
            } if from == Side::Client => {
                self.moved_up(body, down, bytes, halt, now);
            }
            Phase::Exchange {
                up,
                down: Down::Body(body),
            } if from == Side::Server => {
                self.moved_down(up, body, bytes, halt, now);
            }
            _ => {}
        }
    }

    fn moved_up(&mut self, mut body: Body, down: Down, bytes: u64, halt: Halt, now: u64) {
        body.moved(bytes);
        self.body_sent = self.body_sent.saturating_add(bytes);
        let has_ended = body.has_ended();
        let up = if has_ended { Up::Done } else { Up::Body(body) };
        self.phase = Phase::Exchange { up, down };
        if self.body_sent > self.settings.max_body {
            self.fail(Fault::ContentTooLarge, now);
        } else if halt == Halt::End && !has_ended {
            self.fail(Fault::BadRequest, now);
        }
    }

    fn moved_down(&mut self, up: Up, mut body: Body, bytes: u64, halt: Halt, now: u64) {
        body.moved(bytes);
        let down = Down::Body(body);
        self.phase = Phase::Exchange { up, down };
        let is_end = halt == Halt::End;
        if body.has_ended() || (is_end && body.is_until_close()) {
            self.answered(up, now);
        } else if is_end {
            self.reset_all();
        }
    }

    pub(super) fn sent_head(&mut self, to: Side, bytes: u32, halt: Halt, now: u64) {
        if bytes > 0 {
            self.deadline = now.saturating_add(self.settings.times.read);
        }
        let is_whole = halt == Halt::Limit;
        if let (false, Some(link)) = (is_whole, self.link_mut(to)) {
            link.has_room = false;
        }
        let Phase::Exchange { up, down } = self.phase else {
            return;
        };
        match (to, up, down) {
            (Side::Server, Up::Head { sent }, _) => {
                let framing = self.request.map_or(Framing::None, |it| it.framing);
                let body = Body::new(framing);
                let up = match is_whole {
                    false => Up::Head {
                        sent: sent.saturating_add(bytes),
                    },
                    true if body.has_ended() => Up::Done,
                    true => Up::Body(body),
                };
                self.phase = Phase::Exchange { up, down };
            }
            (Side::Client, _, Down::SendHead { sent }) if !is_whole => {
                let sent = sent.saturating_add(bytes);
                let down = Down::SendHead { sent };
                self.phase = Phase::Exchange { up, down };
            }
            (Side::Client, _, Down::SendHead { .. }) => self.head_sent(up, now),
            _ => {}
        }
    }

    /// The client has the head of the answer.
    fn head_sent(&mut self, up: Up, now: u64) {
        let Some(answer) = self.answer else {
            return self.reset_all();
        };
        if answer.is_switching() {
            self.phase = Phase::Tunnel {
                up: true,
                down: true,
            };
            self.client.is_ready = true;
            return;
        }
        if answer.is_interim() {
            self.await_answer();
            let down = Down::Head;
            self.phase = Phase::Exchange { up, down };
            return;
        }
        let body = Body::new(answer.framing);
        let down = Down::Body(body);
        self.phase = Phase::Exchange { up, down };
        if body.has_ended() {
            self.answered(up, now);
        }
    }

    pub(super) fn sent_fault(&mut self, bytes: u32, halt: Halt, now: u64) {
        let Phase::Fault { fault, sent } = self.phase else {
            return;
        };
        if halt == Halt::Limit {
            return self.begin_linger(now);
        }
        self.client.has_room = false;
        self.phase = Phase::Fault {
            fault,
            sent: sent.saturating_add(bytes),
        };
    }

    pub(super) fn discarded(&mut self, bytes: u64, halt: Halt) {
        let Phase::Linger {
            has_closed,
            dropped,
        } = self.phase
        else {
            return;
        };
        let dropped = dropped.saturating_add(bytes);
        self.phase = Phase::Linger {
            has_closed,
            dropped,
        };
        match halt {
            Halt::End => self.end(),
            _ if dropped >= LINGER_MAX => self.end(),
            Halt::Empty | Halt::Full => self.client.is_ready = false,
            Halt::Limit => {}
        }
    }
}
