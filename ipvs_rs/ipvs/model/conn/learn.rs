// SPDX-License-Identifier: GPL-2.0

//! Messages of another director about a connection that is in the table.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{conn::ConnFlags, sync::Announced};
use knet::time::{Jiffies, HZ};

use super::{condition::Condition, Conn, Learned};

impl Conn {
    /// Takes the state, the time and whether it is inactive over from a message. The count of active connections of the server follows.
    pub(crate) fn learn(&self, learned: &Learned) {
        loop {
            let from = self.condition();
            let flags = from.flags().without(ConnFlags::INACTIVE);
            let flags = flags.with(learned.flags.only(ConnFlags::INACTIVE));
            if !self
                .condition
                .change(from, Condition::new(flags, learned.state))
            {
                continue;
            }
            let was_active = !from.flags().has(ConnFlags::INACTIVE);
            let is_active = !flags.has(ConnFlags::INACTIVE);
            let is_counted = !flags.has(ConnFlags::ENDED) && !self.is_template();
            if was_active != is_active && is_counted {
                self.dest.count_active(is_active);
            }
            break;
        }
        self.packets.store(learned.packets, Relaxed);
        let end = self.live_for(learned.timeout);
        let last = self.announced.load(Relaxed);
        if !Announced::from_bits(last).is_queued() {
            // CAST: The lower half.
            let told = Announced::of_state(learned.state, end.ticks() as u32);
            // Fails if a packet has queued the connection meanwhile.
            let _ = self
                .announced
                .compare_exchange(last, told.bits(), Relaxed, Relaxed);
        }
    }

    /// Lets the connection live for `rest` ticks from now, but no longer than its time-out, if it would end more than a second
    /// before that. Returns whether it would.
    pub(crate) fn live_on(&self, rest: u32) -> bool {
        let rest = rest.min(self.timeout.load(Relaxed));
        let deadline = self.deadline.load(Relaxed);
        // CAST: A u32 fits.
        let wanted = Jiffies::now().after(rest as usize);
        // CAST: A small constant.
        if wanted.since(Jiffies::from_ticks(deadline)) <= HZ as isize {
            return false;
        }
        // The time-out stays the same, so a later deadline needs no other timer: see `live_for`. Fails if a packet has
        // restarted the time-out meanwhile.
        let is_later = self
            .deadline
            .compare_exchange(deadline, wanted.ticks(), Relaxed, Relaxed);
        is_later.is_ok()
    }

    /// The time without packets that the state allows, in seconds.
    pub(crate) fn timeout_seconds(&self) -> u32 {
        // CAST: `HZ` is 1,000 at most.
        self.timeout
            .load(Relaxed)
            .checked_div(HZ as u32)
            .unwrap_or(0)
    }
}
