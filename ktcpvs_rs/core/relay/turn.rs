// SPDX-License-Identifier: GPL-2.0

//! What a relay does next.

use super::{Asked, Down, Effect, Link, Phase, Relay, Side, Up, LINGER_MAX};
use crate::http::framing::{Body, Need};

impl Relay {
    /// What has to be done. If the last effect asks for an outcome that was not reported, it is [`Effect::Wait`].
    pub fn poll(&mut self) -> Effect {
        if self.asked != Asked::Nothing {
            return Effect::Wait;
        }
        if let Some(effect) = self.first.take() {
            return effect;
        }
        match self.phase {
            Phase::Head { .. } if self.client.is_ready => self.look(Side::Client),
            Phase::Choose => {
                self.asked = Asked::Chosen;
                Effect::Choose {
                    is_new: self.is_retried,
                }
            }
            Phase::Connecting if core::mem::take(&mut self.is_connect_due) => Effect::Connect {
                is_redirect: self.is_redirected,
            },
            Phase::Exchange { up, down } => self.exchange(up, down),
            Phase::Tunnel { up, down } => self.tunnel(up, down),
            Phase::Fault { fault, sent } if self.client.has_room => {
                self.asked = Asked::SentFault;
                let is_head = self.request.is_some_and(|it| it.method.is_head());
                Effect::SendFault {
                    fault,
                    is_head,
                    from: sent,
                }
            }
            Phase::Linger {
                has_closed,
                dropped,
            } => self.linger(has_closed, dropped),
            Phase::Ending { client, server } => self.end_one(client, server),
            Phase::Head { .. } | Phase::Connecting | Phase::Fault { .. } | Phase::Ended => {
                Effect::Wait
            }
        }
    }

    fn look(&mut self, side: Side) -> Effect {
        self.asked = Asked::Seen(side);
        Effect::Look(side)
    }

    /// Moves bytes if both connections can.
    fn move_bytes(&mut self, from: Side, limit: u64) -> Option<Effect> {
        let can = self.link(from)?.is_ready && self.link(from.other())?.has_room;
        can.then(|| {
            self.asked = Asked::Moved(from);
            // So that neither direction waits for the other to have nothing more.
            self.prefers_down = from == Side::Client;
            Effect::Move { from, limit }
        })
    }

    pub(super) const fn link(&self, side: Side) -> Option<Link> {
        match side {
            Side::Client => Some(self.client),
            Side::Server => self.server,
        }
    }

    pub(super) fn link_mut(&mut self, side: Side) -> Option<&mut Link> {
        match side {
            Side::Client => Some(&mut self.client),
            Side::Server => self.server.as_mut(),
        }
    }

    fn exchange(&mut self, up: Up, down: Down) -> Effect {
        let effect = match self.prefers_down {
            false => self.up(up).or_else(|| self.down(down)),
            true => self.down(down).or_else(|| self.up(up)),
        };
        effect.unwrap_or(Effect::Wait)
    }

    fn up(&mut self, up: Up) -> Option<Effect> {
        match up {
            Up::Head { sent } if self.server?.has_room => {
                self.asked = Asked::SentHead(Side::Server);
                Some(Effect::SendHead {
                    to: Side::Server,
                    from: sent,
                    fate: self.fate,
                })
            }
            Up::Body(body) => self.body(Side::Client, &body),
            Up::Head { .. } | Up::Done => None,
        }
    }

    fn down(&mut self, down: Down) -> Option<Effect> {
        match down {
            Down::Head if self.server?.is_ready => Some(self.look(Side::Server)),
            Down::SendHead { sent } if self.client.has_room => {
                self.asked = Asked::SentHead(Side::Client);
                Some(Effect::SendHead {
                    to: Side::Client,
                    from: sent,
                    fate: self.fate,
                })
            }
            Down::Body(body) => self.body(Side::Server, &body),
            Down::Head | Down::SendHead { .. } => None,
        }
    }

    fn body(&mut self, from: Side, body: &Body) -> Option<Effect> {
        match body.need() {
            Need::Nothing => None,
            Need::Look if self.link(from)?.is_ready => Some(self.look(from)),
            Need::Look => None,
            Need::Move(limit) => self.move_bytes(from, limit),
        }
    }

    fn tunnel(&mut self, up: bool, down: bool) -> Effect {
        let (first, second) = match self.prefers_down {
            false => (Side::Client, Side::Server),
            true => (Side::Server, Side::Client),
        };
        let is_open = |from| match from {
            Side::Client => up,
            Side::Server => down,
        };
        for from in [first, second] {
            if is_open(from) {
                if let Some(effect) = self.move_bytes(from, u64::MAX) {
                    return effect;
                }
            }
        }
        Effect::Wait
    }

    fn linger(&mut self, has_closed: bool, dropped: u64) -> Effect {
        if !has_closed {
            self.phase = Phase::Linger {
                has_closed: true,
                dropped,
            };
            return Effect::CloseWrite(Side::Client);
        }
        if !self.client.is_ready {
            return Effect::Wait;
        }
        self.asked = Asked::Discarded;
        Effect::Discard {
            limit: LINGER_MAX.saturating_sub(dropped),
        }
    }

    /// Resets what has to be reset, one after the other, and then says the end.
    fn end_one(&mut self, client: bool, server: bool) -> Effect {
        let (phase, effect) = match (client, server) {
            (true, _) => (
                Phase::Ending {
                    client: false,
                    server,
                },
                Effect::Reset(Side::Client),
            ),
            (false, true) => (
                Phase::Ending {
                    client,
                    server: false,
                },
                Effect::Reset(Side::Server),
            ),
            (false, false) => (Phase::Ended, Effect::End),
        };
        self.phase = phase;
        effect
    }
}
