// SPDX-License-Identifier: GPL-2.0

//! Messages about a connection to the backups of a master daemon.

use core::sync::atomic::{
    fence,
    Ordering::{Relaxed, SeqCst},
};
use ipvs_core::sync::{
    decision::{decide, Subject},
    Announced, Event,
};
use knet::{
    rcu::{self, Arc, Guard, Ref},
    time::HZ,
};

use super::{condition::Condition, Conn};
use crate::model::{changes::Lanes, Ipvs};

/// Considers a message about a connection, of which the client's packet with this number was just forwarded, and then
/// messages about the connections that control it.
#[inline]
pub(crate) fn announce(ipvs: &Ipvs, conn: Ref<'_, Conn>, packets: u32, guard: &Guard) {
    if let Some(lanes) = ipvs.changes.lanes(guard) {
        announce_to(lanes.get(), conn, packets);
    }
}

/// Considers messages about a connection, of which a packet of the server was just forwarded, and the connections that
/// control it. By the rule of the C module such a packet is no reason for a message.
#[inline]
pub(crate) fn announce_reply(ipvs: &Ipvs, conn: Ref<'_, Conn>, guard: &Guard) {
    if let Some(lanes) = ipvs.changes.lanes(guard) {
        if ipvs.settings.sync_eager.load(Relaxed) != 0 {
            announce_to(lanes.get(), conn, 0);
        }
    }
}

/// Considers messages about the connections that control `conn`, which is for one packet.
#[inline]
pub(crate) fn announce_controllers(ipvs: &Ipvs, conn: &Conn, guard: &Guard) {
    if let Some(lanes) = ipvs.changes.lanes(guard) {
        controllers_to(lanes.get(), conn);
    }
}

/// Queues the message that a connection has ended, at the command of a user, if the backups know of it.
#[cold]
pub(crate) fn announce_end(conn: Ref<'_, Conn>, guard: &Guard) {
    let Some(lanes) = conn.ipvs.changes.lanes(guard) else {
        return;
    };
    let bits = conn.announced.load(Relaxed);
    let last = Announced::from_bits(bits);
    // A message that waits tells of the end, too.
    if !last.is_sent() || last.is_queued() || conn.settings().sync_eager.load(Relaxed) == 0 {
        return;
    }
    let next = Announced::queued(conn.condition().state(), conn.end_ticks(), 0);
    let announced = &conn.announced;
    let is_first = announced.compare_exchange(bits, next.bits(), Relaxed, Relaxed);
    if is_first.is_ok() && !lanes.get().push(conn) {
        conn.ipvs.sync_events.count(Event::QueueFull);
    }
}

/// Considers a message about a connection whose time is over, and that lives on because it controls others.
pub(super) fn announce_controller(conn: &Arc<Conn>) {
    let guard = rcu::read_lock();
    if let Some(lanes) = conn.ipvs.changes.lanes(&guard) {
        consider(lanes.get(), conn.as_ref(), 0, true);
    }
}

#[inline(never)]
fn announce_to(lanes: &Lanes, conn: Ref<'_, Conn>, packets: u32) {
    let is_eager = conn.settings().sync_eager.load(Relaxed) != 0;
    if !(is_eager && conn.is_told()) {
        consider(lanes, conn, packets, conn.is_template());
    }
    controllers_to(lanes, conn.get());
}

#[inline]
fn controllers_to(lanes: &Lanes, conn: &Conn) {
    let mut controller = conn.control.as_ref();
    while let Some(conn) = controller {
        if !conn.is_told() {
            consider(lanes, conn.as_ref(), 0, true);
        }
        controller = conn.control.as_ref();
    }
}

/// Queues a message about a connection, if one is due and none is queued.
#[cold]
fn consider(lanes: &Lanes, conn: Ref<'_, Conn>, packets: u32, is_controller: bool) {
    if conn.is_queued() {
        return;
    }
    let bits = conn.announced.load(Relaxed);
    let last = Announced::from_bits(bits);
    let rules = conn.settings().sync_rules();
    let subject = Subject {
        protocol: conn.protocol,
        state: conn.condition().state(),
        is_controller,
        has_template: conn.has_template(),
        packets,
        timeout: conn.timeout.load(Relaxed),
        end: conn.end_ticks(),
    };
    // CAST: A small number.
    let Some(next) = decide(&subject, last, &rules, HZ as u32) else {
        return;
    };
    let announced = &conn.announced;
    let is_first = announced.compare_exchange(bits, next.bits(), Relaxed, Relaxed);
    if is_first.is_ok() && !lanes.push(conn) {
        // The next packet tries again.
        conn.ipvs.sync_events.count(Event::QueueFull);
        announced.store(bits, Relaxed);
    }
}

impl Conn {
    /// Whether the rule by state and time asks for no message, as is so for nearly every packet.
    #[inline]
    fn is_told(&self) -> bool {
        let last = Announced::from_bits(self.announced.load(Relaxed));
        let timeout = self.timeout.load(Relaxed);
        // A message that is queued tells the state of the moment when it is sent.
        last.tells(self.condition().state(), timeout, self.end_ticks())
    }

    /// Whether a template controls the connection, at any distance.
    fn has_template(&self) -> bool {
        let mut controller = self.control.as_ref();
        while let Some(conn) = controller {
            if conn.is_template() {
                return true;
            }
            controller = conn.control.as_ref();
        }
        false
    }

    /// A number that spreads connections over the threads of a daemon, and stays the same.
    pub(crate) fn lane(&self) -> usize {
        let mut sum = usize::from(self.client_port);
        for byte in self.client.octets() {
            sum = sum.wrapping_mul(31).wrapping_add(byte.into());
        }
        sum.wrapping_mul(0x9E37_79B9) >> 16
    }

    /// Marks the connection as out of the queue. Returns the condition that the message tells.
    pub(crate) fn leave_queue(&self) -> Condition {
        let queued = Announced::from_bits(self.announced.load(Relaxed));
        let last = queued.dequeued();
        // Nothing else changes the word of a queued connection.
        self.announced.store(last.bits(), Relaxed);
        // ORDERING: Partner of the fence in `is_queued`: what changes the condition after it is read below finds the
        // connection out of the queue.
        fence(SeqCst);
        let condition = self.condition();
        if condition.state() != last.state() {
            let next = Announced::of_state(condition.state(), self.end_ticks());
            // Fails if a packet has queued the connection again.
            let _ = self
                .announced
                .compare_exchange(last.bits(), next.bits(), Relaxed, Relaxed);
        }
        condition
    }

    /// Whether a message about the connection waits to be sent, which tells what the caller has changed.
    #[inline]
    fn is_queued(&self) -> bool {
        let is_queued = || Announced::from_bits(self.announced.load(Relaxed)).is_queued();
        // ORDERING: Partner of the fence in `leave_queue`.
        is_queued() && {
            fence(SeqCst);
            is_queued()
        }
    }

    /// The moment of the end without more packets, in ticks modulo 2^32.
    fn end_ticks(&self) -> u32 {
        // CAST: The lower half.
        self.deadline.load(Relaxed) as u32
    }
}
