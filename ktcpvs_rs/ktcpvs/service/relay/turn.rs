// SPDX-License-Identifier: GPL-2.0

//! The turn of a relay: it does all that can be done now, in a bottom half.

use core::sync::atomic::Ordering::{Acquire, Relaxed};
use knet::{
    field::{field, Field},
    rcu::Arc,
    tcp::Locked,
    time::Jiffies,
    timer::Timer,
    work::{BottomHalf, BottomHalfJob, BottomHalfQueue, BottomHalfWork},
};
use ktcpvs_core::relay::{Effect, Event};

use super::{now, session::Session, Inner, Relay, TURNS};

/// The turns of a relay.
pub(super) struct Turn;

/// How the part of a turn ends in which the streams are locked.
pub(super) enum Next {
    /// There is nothing to do until something happens.
    Wait,
    /// Others get their turn first.
    Again,
    /// Something has to be done that concerns the streams as a whole.
    Rearrange(Effect),
}

/// The time after which something is tried again that nobody tells of, in ticks.
const RETRY: u64 = 2;

impl BottomHalfJob<Relay> for Turn {
    const WORK: Field<Relay, BottomHalfWork<Relay, Self>> = field!(Relay, turn);

    fn queue() -> &'static BottomHalfQueue {
        &TURNS
    }

    fn run(relay: Arc<Relay>, context: &BottomHalf) {
        if Self::take(&relay, context) {
            Relay::be_slow(relay);
        }
    }
}

impl Turn {
    /// Lets a relay have a turn. Returns whether there is slow work to do behind it.
    pub(super) fn take(relay: &Arc<Relay>, context: &BottomHalf) -> bool {
        let mut inner = relay.inner.lock();
        // One that has not begun may never do, so it arms no timer. What it was told waits until it begins.
        if inner.streams.client.is_some() && !inner.state.has_ended() {
            inner.turn(relay, context);
        }
        inner.state.take_slow()
    }
}

impl Inner {
    fn turn(&mut self, relay: &Arc<Relay>, context: &BottomHalf) {
        let now = now();
        let [stop, abort] = relay.orders();
        if abort {
            self.state.machine.on(Event::Abort, now);
        } else if stop {
            self.state.machine.on(Event::Stop, now);
        }
        // ORDERING: Acquire, paired with the store in `expired`.
        if relay.is_late.load(Relaxed) && relay.is_late.swap(false, Acquire) {
            self.state.armed = None;
            self.state.machine.on(Event::Time, now);
        }
        self.state.begin_turn();
        loop {
            match self.with_streams(relay, context, now) {
                Next::Rearrange(effect) => {
                    if self.rearrange(effect, relay, now) {
                        return;
                    }
                }
                Next::Again => {
                    Relay::kick(relay.clone());
                    break;
                }
                Next::Wait => break,
            }
        }
        self.arm(relay, now);
    }

    /// Does what can be done with the streams that there are.
    fn with_streams(&mut self, relay: &Arc<Relay>, context: &BottomHalf, now: u64) -> Next {
        let Self { streams, state } = self;
        let Some(client) = &streams.client else {
            return Next::Wait;
        };
        let Ok(locked) = Locked::lock(client, streams.server.as_ref(), context) else {
            state.needs_retry = true;
            return Next::Wait;
        };
        let mut session = Session::new(locked, state, relay, context, now);
        relay.is_busy.store(true, Relaxed);
        let next = session.run();
        relay.is_busy.store(false, Relaxed);
        next
    }

    /// Does what the machine asks for beyond what the present streams can do. Returns whether that was the end.
    fn rearrange(&mut self, effect: Effect, relay: &Arc<Relay>, now: u64) -> bool {
        match effect {
            Effect::Connect { is_redirect } => self.state.connect(is_redirect, relay, now),
            Effect::Release => {
                // Slow work has taken the one before, if there was one, before it made this.
                if let Some(server) = self.streams.server.take() {
                    self.streams.leaving = Some(server);
                }
                self.state.release();
            }
            Effect::End => {
                self.state.end();
                return true;
            }
            // Asked for by machines in a mode that no scheduler has.
            _ => self.state.machine.on(Event::Abort, now),
        }
        false
    }

    /// Makes the timer go off in time.
    fn arm(&mut self, relay: &Arc<Relay>, now: u64) {
        let mut when = self.state.machine.deadline();
        if self.state.needs_retry {
            when = when.min(now.saturating_add(RETRY));
        }
        // A later time is looked at when the timer goes off.
        if self.state.armed.is_none_or(|armed| when < armed) {
            self.state.armed = Some(when);
            // CAST: A usize has as many bits.
            Timer::arm(relay, Jiffies::from_ticks(when as usize));
        }
    }
}
