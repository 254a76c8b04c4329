// SPDX-License-Identifier: GPL-2.0

//! The numbered datagrams of a thread of a master: how many there are, and the connections in the last of them.
//!
//! A datagram that a backup misses is sent again with its number and the same connections, as they are by then. So what
//! comes late is never old.

use ipvs_core::sync::{sequence_from, Control, ControlKind, Trailer};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    rcu::Arc,
    time::{Jiffies, HZ},
    vec::room,
    wall_clock,
};

use crate::model::conn::Conn;

/// The number of connections of the last datagrams that all threads together keep, with a reference to each.
const KEPT: usize = 8192;

/// The time after the last datagram until a master says how far it is, and until it says so again, in ticks.
const HELLO_SOON: usize = HZ / 50;
/// The time from one hello to the next when nothing is sent, in ticks.
const HELLO_LATER: usize = HZ;

/// The number of datagrams of a run at most.
const MOST_NUMBERS: u32 = 1 << 30;

/// A connection, and the number of the datagram that it was in.
struct Kept {
    sequence: u32,
    conn: Arc<Conn>,
    /// Whether the datagram was one of a bulk.
    is_of_bulk: bool,
}

/// The numbered datagrams of a thread.
pub(super) struct Stream {
    /// The trailer of all datagrams, but for their numbers.
    run: Trailer,
    /// The number of the next datagram.
    next: u32,
    /// The number of the next message about messages.
    next_control: u32,
    /// The connections of the last datagrams, as a ring once it is full.
    kept: KVVec<Kept>,
    /// The place in `kept` of the next connection, once it is full.
    place: usize,
    /// The number of the first datagram whose connections are all kept.
    first: u32,
    /// The time of the last datagram.
    sent_at: Jiffies,
    hello_at: Jiffies,
    /// The number of hellos that are to follow soon.
    soon: u8,
    /// The number of complete bulks.
    pub(super) bulks: u32,
}

impl Stream {
    /// The stream of one of so many threads. `run` is the trailer before the first.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(run: Trailer, threads: u32) -> Result<Self> {
        // CAST: 64 at most.
        let kept = KEPT.checked_div(threads as usize).unwrap_or(KEPT);
        let first = run.sequence.wrapping_add(1);
        Ok(Self {
            run,
            next: first,
            next_control: first,
            kept: room(kept)?,
            place: 0,
            first,
            sent_at: Jiffies::now(),
            hello_at: Jiffies::now(),
            soon: 0,
            bulks: 0,
        })
    }

    /// Begins another run, if the numbers of this one are used up: half of all numbers count as earlier.
    fn renew(&mut self) {
        let used = self.next.wrapping_sub(self.run.sequence);
        let used_for_controls = self.next_control.wrapping_sub(self.run.sequence);
        if used.max(used_for_controls) < MOST_NUMBERS {
            return;
        }
        let (seconds, nanoseconds) = wall_clock::now();
        // CAST: The number wraps.
        let passed = (seconds as u32).wrapping_sub(self.run.epoch);
        // The clock may have been set back.
        let passed = match passed {
            1..0x8000_0000 => passed,
            _ => 1,
        };
        self.run.epoch = self.run.epoch.wrapping_add(passed);
        self.run.sequence = sequence_from(nanoseconds);
        self.next = self.run.sequence.wrapping_add(1);
        self.next_control = self.next;
        self.forget();
    }

    /// The trailer of the next datagram.
    pub(super) fn number(&mut self) -> Trailer {
        self.renew();
        let sequence = self.next;
        self.next = sequence.wrapping_add(1);
        self.soon = 2;
        self.sent_at = Jiffies::now();
        self.hello_at = self.sent_at.after(HELLO_SOON);
        self.trailer(sequence)
    }

    /// The trailer of a datagram.
    pub(super) fn trailer(&self, sequence: u32) -> Trailer {
        Trailer {
            sequence,
            ..self.run
        }
    }

    /// The trailer of the next message about messages.
    pub(super) fn number_control(&mut self) -> Trailer {
        let sequence = self.next_control;
        self.next_control = sequence.wrapping_add(1);
        self.run.of_control(sequence)
    }

    /// Keeps a connection that is in a datagram.
    pub(super) fn keep(&mut self, sequence: u32, conn: Arc<Conn>, is_of_bulk: bool) {
        let new = Kept {
            sequence,
            conn,
            is_of_bulk,
        };
        if let Err(error) = self.kept.push_within_capacity(new) {
            let Some(old) = self.kept.get_mut(self.place) else {
                return;
            };
            self.first = old.sequence.wrapping_add(1);
            *old = error.0;
            self.place = match self.place.wrapping_add(1) {
                end if end >= self.kept.len() => 0,
                next => next,
            };
        }
    }

    /// Gives up all references to connections: no backup asks for them any more.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        self.place = 0;
        self.first = self.next;
    }

    /// Whether references to connections are kept.
    pub(super) fn keeps_any(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Whether a datagram was sent, and all its connections are kept.
    pub(super) fn can_repeat(&self, sequence: u32) -> bool {
        sequence.wrapping_sub(self.first) < self.next.wrapping_sub(self.first)
    }

    /// Whether a datagram that can be repeated was one of a bulk.
    pub(super) fn is_of_bulk(&self, sequence: u32) -> bool {
        let mut kept = self.kept.iter();
        kept.any(|kept| kept.sequence == sequence && kept.is_of_bulk)
    }

    /// The connections of a datagram that can be repeated.
    pub(super) fn of(&self, sequence: u32) -> impl Iterator<Item = &Arc<Conn>> + '_ {
        let kept = self.kept.iter();
        kept.filter(move |kept| kept.sequence == sequence)
            .map(|kept| &kept.conn)
    }

    /// Whether a message is about this stream in this run.
    pub(super) fn is_meant(&self, control: &Control) -> bool {
        (control.stream, control.epoch) == (self.run.stream, self.run.epoch)
    }

    /// A message about this stream.
    pub(super) fn control(&self, kind: ControlKind) -> Control {
        Control {
            last: self.next.wrapping_sub(1),
            bulks: self.bulks,
            ..Control::new(kind, self.run.stream, self.run.epoch)
        }
    }

    /// The hello that is due.
    pub(super) fn hello(&mut self, bulk_runs: bool) -> Option<Control> {
        let now = Jiffies::now();
        if now.since(self.hello_at) < 0 {
            return None;
        }
        let later = match self.soon {
            0 => HELLO_LATER,
            _ => HELLO_SOON,
        };
        self.soon = self.soon.saturating_sub(1);
        self.hello_at = now.after(later);
        Some(Control {
            bulk_runs,
            ..self.control(ControlKind::Hello)
        })
    }

    /// Whether a datagram was sent within so many ticks.
    pub(super) fn was_busy(&self, ticks: usize) -> bool {
        // CAST: A few seconds.
        Jiffies::now().since(self.sent_at) < ticks as isize
    }
}
