// SPDX-License-Identifier: GPL-2.0

//! What a thread of a master does for backups that ask: it sends datagrams again, and all connections.

use ipvs_core::sync::{Control, ControlKind, Event, Version, NUMBERED_CONTROL_LEN};
use knet::{hashtable::Cursor, kthread::Current, rcu, time::HZ};

use super::{Changed, Master};
use crate::model::conn::Conn;

/// The most datagrams that are sent again at a time.
const MOST_REPEATED: u32 = 64;

/// The time after which no backup asks for a datagram any more, in ticks. A backup learns of the last datagrams by hellos, one each
/// second, of which it may miss several.
const REPEATING: usize = 10 * HZ;

/// The most messages that are read at a time.
const MOST_READ: usize = 256;

/// The most connections of a bulk that are sent at a time, of which there are up to 50 in a second.
pub(super) const BULK_STEP: usize = 256;

/// The most connections that are looked at for that.
const BULK_LOOK: usize = 4096;

/// The walks through all connections for backups that have asked: for the templates first, so that they are there before the
/// connections that they control.
#[derive(Default)]
pub(super) struct Bulk {
    cursor: Cursor,
    /// Whether all templates were sent.
    has_templates: bool,
    /// Whether a backup has asked since the walks began.
    again: bool,
}

impl Master {
    /// Reads the messages of backups, and goes on with what they have asked for.
    pub(super) fn answer(&mut self, thread: &Current) {
        let mut repeats = MOST_REPEATED;
        self.has_more = true;
        for _ in 0..MOST_READ {
            let mut bytes = [0; NUMBERED_CONTROL_LEN];
            let socket = self.listener.as_ref().unwrap_or(&self.outlet.socket);
            let Ok(datagram) = socket.receive(&mut bytes) else {
                self.has_more = false;
                break;
            };
            // Longer ones are datagrams of other masters.
            let bytes = match datagram.is_truncated() {
                false => bytes.get(..datagram.length).unwrap_or_default(),
                true => continue,
            };
            let Some(control) = Control::read(bytes, self.sync_id.into()) else {
                continue;
            };
            // The messages of other masters are for backups.
            if matches!(control.kind, ControlKind::Hello | ControlKind::Lost) {
                continue;
            }
            match self.admission.check(bytes, datagram.source.ip()) {
                Ok(_) => self.answer_to(&control, &mut repeats, thread),
                Err(refusal) => self.ipvs.sync_events.count(refusal),
            }
        }
        if let Some(bulk) = self.bulk.take() {
            self.bulk = self.send_bulk(bulk, thread);
        }
        if let Some(hello) = self.stream.hello(self.bulk.is_some()) {
            if !self.stream.was_busy(REPEATING) && self.stream.keeps_any() {
                self.stream.forget();
            }
            self.say(&hello, thread);
        }
    }

    fn say(&mut self, control: &Control, thread: &Current) {
        let mut message = control.write_numbered(self.sync_id, &self.stream.number_control());
        self.send_to_all(&mut message, Event::SentControl, thread);
    }

    /// Does what a message asks for. Of datagrams it sends `repeats` again at most; backups ask once more for the others.
    fn answer_to(&mut self, control: &Control, repeats: &mut u32, thread: &Current) {
        if !self.stream.is_meant(control) {
            return;
        }
        match control.kind {
            ControlKind::Bulk => match &mut self.bulk {
                Some(bulk) => bulk.again = true,
                None => self.bulk = Some(Bulk::default()),
            },
            ControlKind::Repeat => {
                let (first, last) = (control.first, control.last);
                let count = last.wrapping_sub(first).saturating_add(1);
                let count = count.min(*repeats);
                *repeats = repeats.saturating_sub(count);
                for step in 0..count {
                    self.repeat(first.wrapping_add(step), thread);
                }
            }
            ControlKind::Hello | ControlKind::Lost => {}
        }
    }

    /// Sends a datagram again, or tells that it cannot be.
    fn repeat(&mut self, sequence: u32, thread: &Current) {
        if !self.stream.can_repeat(sequence) {
            self.ipvs.sync_events.count(Event::Lost);
            let lost = Control {
                first: sequence,
                last: sequence,
                ..self.stream.control(ControlKind::Lost)
            };
            return self.say(&lost, thread);
        }
        self.ipvs.sync_events.count(Event::Repeated);
        self.batch.clear();
        for conn in self.stream.of(sequence) {
            if self.batch.push_within_capacity(conn.clone()).is_err() {
                break;
            }
        }
        let trailer = self.stream.trailer(sequence);
        let is_of_bulk = self.stream.is_of_bulk(sequence);
        let mut batch = core::mem::take(&mut self.batch);
        let mut next = || loop {
            let changed = Changed::now(batch.pop()?, is_of_bulk);
            if changed.is_news() {
                return Some(changed);
            }
        };
        let first = next();
        // What does not fit any more, as an entry has become longer, is told when it changes next.
        let event = Event::RepeatedEntry;
        self.send_datagram(
            (Version::V1, event),
            Some(trailer),
            first,
            &mut next,
            thread,
        );
        batch.clear();
        self.batch = batch;
    }

    /// Sends the next connections of a bulk. Returns the rest of it.
    fn send_bulk(&mut self, mut bulk: Bulk, thread: &Current) -> Option<Bulk> {
        self.batch.clear();
        let mut is_over = false;
        for _ in 0..BULK_LOOK {
            let guard = rcu::read_lock();
            let Some(conn) = self.ipvs.conns.next(&mut bulk.cursor, &guard) else {
                is_over = true;
                break;
            };
            if conn.is_template() == bulk.has_templates || !self.is_mine(&conn) {
                continue;
            }
            if let Some(conn) = conn.try_clone() {
                if self.batch.push_within_capacity(conn).is_err() {
                    break;
                }
            }
            if self.batch.len() == BULK_STEP {
                break;
            }
        }
        let mut batch = core::mem::take(&mut self.batch);
        self.send_entries(Version::V1, Event::SentBulk, thread, || loop {
            let changed = Changed::now(batch.pop()?, true);
            if !changed.has_ended() {
                return Some(changed);
            }
        });
        self.batch = batch;
        if !is_over {
            return Some(bulk);
        }
        if !bulk.has_templates {
            return Some(Bulk {
                has_templates: true,
                cursor: Cursor::default(),
                ..bulk
            });
        }
        self.stream.bulks = self.stream.bulks.wrapping_add(1);
        bulk.again.then(Bulk::default)
    }

    /// Whether this thread tells of a connection, and backups can take it.
    fn is_mine(&self, conn: &Conn) -> bool {
        // The number of threads is a power of two.
        let is_mine = conn.lane() & self.threads.wrapping_sub(1) == self.index;
        is_mine && !conn.is_one_packet() && !conn.is_invalidated()
    }
}
