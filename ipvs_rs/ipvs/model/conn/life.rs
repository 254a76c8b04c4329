// SPDX-License-Identifier: GPL-2.0

//! How long a connection lives, and how it ends.
//!
//! ```text
//!   create ──> in the table ──(no packet until `deadline`)──> unlink ──> freed after a grace period
//!                  ^    │
//!                  └────┘ each packet moves `deadline`
//! ```
//!
//! A connection may control other connections: a persistence template controls the connections of
//! its client. A controller does not end before them. When its time-out expires earlier, it lives for
//! another minute, until the last controlled connection is gone.
//!
//! A packet only stores the new deadline and leaves the timer alone. A timer that expires before the
//! deadline is armed again. Only a packet that shortens the time-out (a FIN, for example) has to
//! modify the timer.

use core::sync::atomic::{fence, Ordering, Ordering::Relaxed};
use knet::{
    field::{field, Field},
    rcu::{self, Arc},
    time::{Jiffies, HZ},
    timer::{Expire, Timer},
};

use super::{announce, control::End, tracking, Conn};

/// The ticks for which a connection lives on after its time-out because it controls other connections.
// CAST: `HZ` is 1,000 at most.
const CONTROLLER_TIMEOUT: u32 = 60 * HZ as u32;

impl Conn {
    /// Sets the time-out to `seconds` and restarts it.
    #[inline]
    pub(crate) fn refresh(&self, seconds: u32) {
        // CAST: `HZ` is 1,000 at most.
        self.live_for(seconds.saturating_mul(HZ as u32));
    }

    /// Sets the time-out to `timeout` ticks and restarts it. Returns the new deadline.
    #[inline]
    pub(super) fn live_for(&self, timeout: u32) -> Jiffies {
        // CAST: A u32 fits.
        let deadline = Jiffies::now().after(timeout as usize);
        if self.deadline.load(Relaxed) == deadline.ticks() {
            return deadline;
        }
        self.deadline.store(deadline.ticks(), Relaxed);
        if self.timeout.load(Relaxed) != timeout {
            self.timeout.store(timeout, Relaxed);
            // ORDERING: Partner of the fence in `expired`: either this function sees the timer as
            // `expired` armed it, or `expired` sees the new deadline. While the time-out stays the
            // same, deadlines only grow, so the timer may be early but never late.
            fence(Ordering::SeqCst);
        }
        // Compared for each packet: a packet on another CPU may have armed the timer later than this
        // deadline, and this deadline may be the one that stays stored.
        if deadline.since(Timer::expires(self)) < 0 {
            Timer::mod_pending(self, deadline);
        }
        deadline
    }

    /// Restarts the time-out of a template.
    pub(crate) fn restart_timeout(&self) {
        self.live_for(self.timeout.load(Relaxed));
    }

    /// The time at which the connection ends if no more packets arrive.
    pub(super) fn deadline(&self) -> Jiffies {
        Jiffies::from_ticks(self.deadline.load(Relaxed))
    }

    /// The ticks until the connection ends if no more packets arrive.
    pub(crate) fn remaining(&self, now: Jiffies) -> usize {
        usize::try_from(self.deadline().since(now)).unwrap_or(0)
    }

    /// The ticks since the last packet.
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

    /// Takes the connection out of the table and off all counts. Returns false if another call did
    /// so before.
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

    /// Deletes the connection's entry in connection tracking.
    #[cold]
    fn end_tracking(&self) {
        let guard = rcu::read_lock();
        if let Some(net) = self.ipvs.net(&guard) {
            tracking::entry(self).kill(net, &guard);
        }
    }

    /// Ends the connection now, unless it controls other connections.
    pub(crate) fn end(&self) -> End {
        match self.controlled.end() {
            // A concurrent `finish`, which ignores the controlled connections, may be faster.
            End::Now if !self.finish() => End::Before,
            end => end,
        }
    }

    /// Ends the connection now and then its controller. Each stays if it controls other connections.
    pub(crate) fn end_with_controller(&self) {
        if self.end().has_ended() {
            if let Some(control) = &self.control {
                control.end();
            }
        }
    }

    /// Ends an unwanted connection now and then its controller. Each stays if it controls other
    /// connections, and the controller stays if it is an assured template.
    ///
    /// Returns whether this call ended the connection itself.
    pub(crate) fn end_unwanted(&self) -> bool {
        let ends = self.end() == End::Now;
        if ends {
            if let Some(control) = self.control.as_ref().filter(|it| !it.is_assured()) {
                control.end();
            }
        }
        ends
    }

    /// Ends the connection now, even if it controls other connections. Returns whether this call ended it.
    pub(crate) fn finish(&self) -> bool {
        self.controlled.force_end();
        let was_there = self.unlink();
        // ORDERING: Partner of the fence in `expired`: either `expired` sees that the connection is
        // unlinked, or this function sees the timer that `expired` armed.
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
            let deadline = this.live_for(CONTROLLER_TIMEOUT);
            announce::announce_controller(&this);
            deadline
        };
        Timer::arm(&this, deadline);
        // ORDERING: Partner of the fences in `finish`, which may have cancelled the timer before it
        // was armed here, and in `live_for`, which may have read its expiry before that.
        fence(Ordering::SeqCst);
        if !this.client_node.is_linked() {
            Timer::<Self>::cancel(&this);
        } else if this.deadline().since(deadline) < 0 {
            Timer::<Self>::mod_pending(&this, this.deadline());
        }
    }
}
