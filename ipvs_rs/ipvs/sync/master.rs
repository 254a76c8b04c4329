// SPDX-License-Identifier: GPL-2.0

//! A thread of a master: it empties a queue of connections into datagrams.
//!
//! ```text
//!   asleep ──a packet queues a connection──> gathers for 20 ms ──> writes and sends all that is queued ──> asleep
//! ```

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    config::DaemonSpec,
    sync::{Entry, Event, Unwritten, Version, Writer, LEAST_ROOM},
};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    kthread::{Current, Thread, Woken},
    log,
    rcu::Arc,
    socket::UdpSocket,
    time::HZ,
    vec,
};

use super::{entry, launch::Launch, sockets};
use crate::model::{
    changes::Queue,
    conn::{condition::Condition, Conn},
    Ipvs,
};

/// The time for which connections are gathered before they are sent, in ticks.
const GATHERING: usize = HZ / 50;

/// The length of the shortest entry, in bytes.
const SHORTEST_ENTRY: usize = 24;

/// The number of entries that a datagram has at most.
pub(super) fn entries_of(spec: &DaemonSpec) -> usize {
    usize::from(spec.max_len)
        .checked_div(SHORTEST_ENTRY)
        .unwrap_or(0)
        .clamp(1, 255)
}

/// A thread of a master.
struct Master {
    ipvs: Arc<Ipvs>,
    queue: Arc<Queue>,
    socket: UdpSocket,
    /// The limit of a datagram, in bytes.
    limit: usize,
    sync_id: u8,
    room: KVVec<u8>,
}

/// Starts thread `index` of a master, which sends messages about the connections in `queue`.
///
/// # Errors
///
/// See [`sockets::of_master`] and [`Launch::thread`].
pub(super) fn start(launch: &Launch<'_>, index: u32, queue: Arc<Queue>) -> Result<Thread> {
    let spec = launch.spec;
    let limit = usize::from(spec.max_len);
    let mut master = Master {
        socket: sockets::of_master(launch, index)?,
        ipvs: launch.ipvs.clone(),
        queue,
        limit,
        // CAST: As the C module does: the lower byte is sent.
        sync_id: spec.sync_id as u8,
        room: vec::filled(0, limit.max(LEAST_ROOM))?,
    };
    launch.thread(index, move |thread| master.run(thread))
}

impl Master {
    fn run(&mut self, thread: &Current) {
        while thread.sleep(self.patience()) != Woken::Stopping {
            if self.queue.is_empty() {
                continue;
            }
            thread.sleep(GATHERING);
            self.send_all(thread);
        }
        self.send_all(thread);
    }

    /// The time to sleep without a call, in ticks. A connection may be on its way into the queue.
    fn patience(&self) -> usize {
        match self.queue.is_empty() {
            true => HZ,
            false => 1,
        }
    }

    /// The next connection that the version knows.
    fn next(&self, version: Version) -> Option<Changed> {
        loop {
            let conn = self.queue.pop()?;
            let condition = conn.leave_queue();
            if version == Version::V1 || conn.family == Family::V4 {
                return Some(Changed { conn, condition });
            }
        }
    }

    /// Sends messages about all connections in the queue.
    fn send_all(&mut self, thread: &Current) {
        let version = match self.ipvs.settings.sync_version.load(Relaxed) {
            0 => Version::V0,
            _ => Version::V1,
        };
        let mut next = self.next(version);
        while next.is_some() {
            let Self {
                room,
                limit,
                sync_id,
                ..
            } = self;
            let mut room = core::mem::take(room);
            if let Some(mut writer) = Writer::new(&mut room, *limit, version, *sync_id) {
                while let Some(changed) = &next {
                    match writer.push(&changed.entry()) {
                        Ok(()) => self.ipvs.sync_events.count(Event::SentEntry),
                        Err(Unwritten::Full) if !writer.is_empty() => break,
                        // Entries of other versions are not among these, and each of these fits alone.
                        Err(Unwritten::Full | Unwritten::NotInVersion) => {}
                    }
                    next = self.next(version);
                }
                self.send(writer.finish(), thread);
            }
            self.room = room;
        }
    }

    /// Sends a datagram. Waits for room, unless the thread is to end.
    fn send(&self, datagram: &[u8], thread: &Current) {
        loop {
            match self.socket.send(datagram) {
                Err(EAGAIN) => {}
                Ok(()) => return self.ipvs.sync_events.count(Event::SentDatagram),
                Err(error) => {
                    self.ipvs.sync_events.count(Event::SendError);
                    if log::net_ratelimit() {
                        pr_err!("ip_vs_send_async error {}\n", error.to_errno());
                    }
                    return;
                }
            }
            let woken = self.socket.wait_to_send(thread, HZ);
            if woken == Ok(Woken::Stopping) || woken.is_err() {
                return self.ipvs.sync_events.count(Event::SendError);
            }
        }
    }
}

/// A connection that was taken out of the queue.
struct Changed {
    conn: Arc<Conn>,
    /// Its flags and state at that time.
    condition: Condition,
}

impl Changed {
    /// The entry about the connection.
    fn entry(&self) -> Entry<'_> {
        entry::told(&self.conn, self.condition)
    }
}
