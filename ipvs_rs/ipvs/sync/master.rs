// SPDX-License-Identifier: GPL-2.0

//! A thread of a master: it empties a queue of connections into datagrams.
//!
//! ```text
//!   asleep ──a packet queues a connection──> gathers for 20 ms ──> writes and sends all that is queued ──> asleep
//! ```
//!
//! By our own rule (`sync_eager`) and version 1 the datagrams have numbers, and backups can ask for them again, and for all
//! connections: see [`stream`] and [`answers`].

mod answers;
mod stream;

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    config::{sync::MOST_PEERS, DaemonSpec},
    conn::ConnFlags,
    sync::{Event, Sender, Trailer, Unwritten, Version, Writer, LEAST_ROOM, TRAILER_LEN},
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

use super::{
    admission::{self, Admission},
    entry,
    launch::Launch,
    sockets::{self, Outlet},
};
use crate::model::{
    changes::Queue,
    conn::{condition::Condition, Conn},
    Ipvs,
};
use answers::{Bulk, BULK_STEP};
use stream::Stream;

/// The time for which connections are gathered before they are sent, in ticks.
const GATHERING: usize = HZ / 50;

/// The time until a thread without news looks for messages of backups, in ticks.
const LISTENING: usize = HZ / 4;

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
    outlet: Outlet,
    /// The socket for messages of backups, if that is not the one of the outlet.
    listener: Option<UdpSocket>,
    admission: Admission,
    /// The limit of a datagram, in bytes.
    limit: usize,
    sync_id: u8,
    room: KVVec<u8>,
    /// The number of this thread.
    index: usize,
    /// The number of threads.
    threads: usize,
    stream: Stream,
    bulk: Option<Bulk>,
    /// Whether backups may have sent more messages than were read.
    has_more: bool,
    /// Connections that are about to be sent, for a bulk or again.
    batch: KVVec<Arc<Conn>>,
    /// What the last datagram to each target has failed with.
    failures: [Option<Error>; MOST_PEERS],
}

/// Starts thread `index` of a master, which sends messages about the connections in `queue`.
///
/// # Errors
///
/// See [`sockets::of_master`] and [`Launch::thread`].
pub(super) fn start(
    launch: &Launch<'_>,
    (index, threads): (u32, u32),
    queue: Arc<Queue>,
) -> Result<Thread> {
    let spec = launch.spec;
    let limit = usize::from(spec.max_len);
    let mut master = Master {
        outlet: sockets::of_master(launch, index)?,
        listener: sockets::listener(launch, index).ok().flatten(),
        admission: Admission::new(launch, index, Sender::Backup)?,
        ipvs: launch.ipvs.clone(),
        queue,
        limit,
        // CAST: As the C module does: the lower byte is sent.
        sync_id: spec.sync_id as u8,
        room: vec::filled(0, limit.max(LEAST_ROOM.saturating_add(TRAILER_LEN)))?,
        // CAST: Less than 64, and 64 at most.
        index: index as usize,
        threads: threads as usize,
        stream: Stream::new(launch.trailer(index), threads)?,
        bulk: None,
        has_more: false,
        batch: vec::room(BULK_STEP)?,
        failures: [None; MOST_PEERS],
    };
    launch.thread(index, move |thread| master.run(thread))
}

impl Master {
    fn run(&mut self, thread: &Current) {
        while thread.sleep(self.patience()) != Woken::Stopping {
            if !self.queue.is_empty() {
                thread.sleep(GATHERING);
                self.send_all(thread);
            }
            if self.version() == Version::V1 && self.is_eager() {
                self.answer(thread);
            } else if self.stream.keeps_any() {
                self.stream.forget();
            }
        }
        self.send_all(thread);
    }

    /// The time to sleep without a call, in ticks. A connection may be on its way into the queue.
    fn patience(&self) -> usize {
        match self.queue.is_empty() {
            false => 1,
            // There was more to read than is read at a time.
            true if self.has_more => 1,
            true if !self.hears() || !self.is_eager() => HZ,
            true if self.bulk.is_some() || self.stream.was_busy(HZ / 2) => GATHERING,
            true => LISTENING,
        }
    }

    /// Whether backups can ask.
    fn hears(&self) -> bool {
        self.listener.is_some() || self.admission.knows_peers()
    }

    fn version(&self) -> Version {
        match self.ipvs.settings.sync_version.load(Relaxed) {
            0 => Version::V0,
            _ => Version::V1,
        }
    }

    fn is_eager(&self) -> bool {
        self.ipvs.settings.sync_eager.load(Relaxed) != 0
    }

    /// Sends messages about all connections in the queue.
    fn send_all(&mut self, thread: &Current) {
        let (version, queue) = (self.version(), self.queue.clone());
        self.send_entries(version, Event::SentEntry, thread, || next(&queue, version));
    }

    /// Sends messages about all connections that `next` gives.
    fn send_entries(
        &mut self,
        version: Version,
        event: Event,
        thread: &Current,
        mut next: impl FnMut() -> Option<Changed>,
    ) {
        let has_trailer = self.is_eager() || admission::has_key(&self.ipvs);
        let is_numbered = version == Version::V1 && has_trailer;
        let mut changed = next();
        while changed.is_some() {
            let trailer = is_numbered.then(|| self.stream.number());
            changed = self.send_datagram((version, event), trailer, changed, &mut next, thread);
        }
    }

    /// Sends a datagram about `changed` and as many of the next connections as fit. Returns the first that does not.
    fn send_datagram(
        &mut self,
        (version, event): (Version, Event),
        trailer: Option<Trailer>,
        mut changed: Option<Changed>,
        next: &mut impl FnMut() -> Option<Changed>,
        thread: &Current,
    ) -> Option<Changed> {
        let mut room = core::mem::take(&mut self.room);
        let behind = trailer.map_or(0, |_| TRAILER_LEN);
        let limit = self.limit.saturating_sub(behind);
        let is_eager = self.is_eager();
        if let Some(mut writer) = Writer::new(&mut room, limit, version, self.sync_id) {
            while let Some(it) = &changed {
                // By the C module's own rule the entry is as in C, too.
                let entry = match is_eager {
                    true => entry::told_whole(&it.conn, it.condition, it.is_of_bulk),
                    false => entry::told(&it.conn, it.condition),
                };
                match writer.push(&entry) {
                    Ok(()) => {
                        self.ipvs.sync_events.count(event);
                        // One that is sent again is kept already.
                        let is_kept = is_eager && event != Event::RepeatedEntry;
                        if let (Some(trailer), true) = (&trailer, is_kept) {
                            self.stream
                                .keep(trailer.sequence, it.conn.clone(), it.is_of_bulk);
                        }
                    }
                    Err(Unwritten::Full) if !writer.is_empty() => break,
                    // Entries of other versions are not among these, and each of these fits alone.
                    Err(Unwritten::Full | Unwritten::NotInVersion) => {}
                }
                changed = next();
            }
            let datagram = match &trailer {
                Some(trailer) => writer.finish_numbered(trailer),
                None => writer.finish(),
            };
            self.send_to_all(datagram, Event::SentDatagram, thread);
        }
        self.room = room;
        changed
    }

    /// Signs a datagram, if there is a key, and sends it to the group, or to each peer.
    fn send_to_all(&mut self, datagram: &mut [u8], event: Event, thread: &Current) {
        admission::prove(&self.ipvs, Sender::Master, datagram);
        for (target, last) in self.outlet.targets.iter().zip(&mut self.failures) {
            let failure = match self.outlet.send(datagram, *target, thread) {
                Ok(()) => {
                    self.ipvs.sync_events.count(event);
                    None
                }
                Err(error) => {
                    self.ipvs.sync_events.count(Event::SendError);
                    Some(error)
                }
            };
            // A network that is down is told of once, not with each datagram.
            match failure {
                Some(error) if failure != *last => {
                    if log::net_ratelimit() {
                        pr_err!("ip_vs_send_async error {}\n", error.to_errno());
                        *last = failure;
                    }
                }
                _ => *last = failure,
            }
        }
    }
}

/// The next connection in a queue that the version knows.
fn next(queue: &Queue, version: Version) -> Option<Changed> {
    loop {
        let conn = queue.pop()?;
        let condition = conn.leave_queue();
        let changed = Changed {
            conn,
            condition,
            is_of_bulk: false,
        };
        if changed.is_news() && (version == Version::V1 || changed.conn.family == Family::V4) {
            return Some(changed);
        }
    }
}

/// A connection that is to be told of.
struct Changed {
    conn: Arc<Conn>,
    /// Its flags and state.
    condition: Condition,
    /// Whether a backup is told because it has asked for all connections.
    is_of_bulk: bool,
}

impl Changed {
    /// The connection as it is now.
    fn now(conn: Arc<Conn>, is_of_bulk: bool) -> Self {
        Self {
            condition: conn.condition(),
            conn,
            is_of_bulk,
        }
    }

    fn has_ended(&self) -> bool {
        self.condition.flags().has(ConnFlags::ENDED)
    }

    /// Whether a backup is to know. The end of a connection is no news where another one has taken its place.
    fn is_news(&self) -> bool {
        !self.has_ended() || !self.conn.has_successor()
    }
}
