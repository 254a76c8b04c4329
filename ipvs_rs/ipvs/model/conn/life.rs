// SPDX-License-Identifier: GPL-2.0

//! How long a connection lives, and how it ends.
//!
//! ```text
//!   create ──> in the table ──(no packet until `deadline`)──> unlink ──> freed after a grace period
//!                  ^    │
//!                  └────┘ each packet moves `deadline`
//! ```
//!
//! A connection may control others: a persistence template does, those of its client. It does not
//! end before them: its time starts anew, with a minute each, until the last of them is gone.
//!
//! A packet only stores the new deadline. The timer stays where it was, and when it goes off
//! before the deadline it is set anew. Only a packet that shortens the time (a FIN, say) has to
//! move the timer itself.

use core::sync::atomic::{fence, Ordering, Ordering::Relaxed};
use knet::{
    field::{field, Field},
    rcu::{self, Arc},
    time::{Jiffies, HZ},
    timer::{Expire, Timer},
};

use super::{control::End, tracking, Conn};

/// How long a connection whose time is over goes on to live because it controls others.
// CAST: `HZ` is 1,000 at most.
const CONTROLLER_TIMEOUT: u32 = 60 * HZ as u32;

impl Conn {
    /// Lets the connection live for `seconds` from now.
    #[inline]
    pub(crate) fn refresh(&self, seconds: u32) {
        // CAST: `HZ` is 1,000 at most.
        self.live_for(seconds.saturating_mul(HZ as u32));
    }

    /// Lets the connection live for so many ticks from now. Returns until when that is.
    #[inline]
    fn live_for(&self, timeout: u32) -> Jiffies {
        // CAST: A u32 fits.
        let deadline = Jiffies::now().after(timeout as usize);
        if self.deadline.load(Relaxed) == deadline.ticks() {
            return deadline;
        }
        self.deadline.store(deadline.ticks(), Relaxed);
        if self.timeout.load(Relaxed) != timeout {
            self.timeout.store(timeout, Relaxed);
            // ORDERING: Partner of the fence in `expired`: the timer is seen where that has put
            // it, or the new deadline is seen there. While the timeout stays, deadlines only move
            // away, and a timer is early then, never late.
            fence(Ordering::SeqCst);
        }
        // Looked at each time: a packet beside this one may have put the timer later than this
        // deadline, which then is the one that stays.
        if deadline.since(Timer::expires(self)) < 0 {
            Timer::mod_pending(self, deadline);
        }
        deadline
    }

    /// Starts the time of a template anew.
    pub(crate) fn start_anew(&self) {
        self.live_for(self.timeout.load(Relaxed));
    }

    /// When the connection ends if there are no more packets.
    pub(super) fn deadline(&self) -> Jiffies {
        Jiffies::from_ticks(self.deadline.load(Relaxed))
    }

    /// Ticks until the connection ends if there are no more packets.
    pub(crate) fn remaining(&self, now: Jiffies) -> usize {
        usize::try_from(self.deadline().since(now)).unwrap_or(0)
    }

    /// Ticks since the last packet.
    pub(crate) fn idle(&self, now: Jiffies) -> usize {
        // CAST: A u32 fits.
        let timeout = self.timeout.load(Relaxed) as usize;
        timeout.saturating_sub(self.remaining(now))
    }

    /// Whether another connection controls this one.
    #[inline]
    pub(crate) fn is_controlled(&self) -> bool {
        self.control.is_some()
    }

    /// Takes the connection out of the table and off all counts, once. Returns whether this call
    /// did it.
    fn unlink(&self) -> bool {
        let was_there = self.ipvs.conns.remove(self);
        if was_there {
            self.unbind();
            if self.is_tracked() && !self.is_template() {
                self.end_tracking();
            }
        }
        was_there
    }

    /// Lets connection tracking forget the connection.
    #[cold]
    fn end_tracking(&self) {
        let guard = rcu::read_lock();
        if let Some(net) = self.ipvs.net(&guard) {
            tracking::entry(self).kill(net, &guard);
        }
    }

    /// Ends the connection now, unless it controls others.
    pub(crate) fn end(&self) -> End {
        match self.controlled.end() {
            // Somebody who ends it whatever it controls may be faster.
            End::Now if !self.finish() => End::Before,
            end => end,
        }
    }

    /// Ends the connection now, and then the one that controls it, unless that controls others.
    pub(crate) fn end_with_controller(&self) {
        if self.end().has_ended() {
            if let Some(control) = &self.control {
                control.end();
            }
        }
    }

    /// Ends a connection that nobody wants now, unless it controls others, and then the one that
    /// controls it, unless that controls others or is the template of a client that was answered.
    ///
    /// Returns whether this call ended it.
    pub(crate) fn end_unwanted(&self) -> bool {
        let ends = self.end() == End::Now;
        if ends {
            if let Some(control) = self.control.as_ref().filter(|it| !it.is_assured()) {
                control.end();
            }
        }
        ends
    }

    /// Ends the connection now, whatever it controls. Returns whether this call did it.
    pub(crate) fn finish(&self) -> bool {
        self.controlled.end_anyhow();
        let was_there = self.unlink();
        // ORDERING: Partner of the fence in `expired`: one of the two sees what the other did.
        fence(Ordering::SeqCst);
        Timer::cancel(self);
        was_there
    }
}

impl Expire for Conn {
    const TIMER: Field<Self, Timer<Self>> = field!(Conn, timer);

    fn expired(this: Arc<Self>) {
        let deadline = this.deadline();
        let deadline = if deadline.since(Jiffies::now()) > 0 {
            deadline
        } else if this.controlled.end() == End::Now {
            this.unlink();
            return;
        } else {
            this.live_for(CONTROLLER_TIMEOUT)
        };
        Timer::arm(&this, deadline);
        // ORDERING: Partner of the fences in `finish`, which may have cancelled too early, and in
        // `live_for`, which may have looked too early.
        fence(Ordering::SeqCst);
        if !this.client_node.is_linked() {
            Timer::<Self>::cancel(&this);
        } else if this.deadline().since(deadline) < 0 {
            Timer::<Self>::mod_pending(&this, this.deadline());
        }
    }
}
