// SPDX-License-Identifier: GPL-2.0

//! The masters that a thread of a backup hears, and the datagrams of them that it misses.
//!
//! ```text
//!   hello of an unknown master ──> Bulk::Needed ──asked──> Bulk::Asked ──hello says that it is complete──> Bulk::Done
//!   a number is missing ──asked each 40 ms, for 2 s──> it comes, or all connections are asked for
//! ```

use core::net::SocketAddr;
use ipvs_core::sync::{Control, ControlKind, Event, Trailer, Window};
use knet::{
    socket::UdpSocket,
    time::{Jiffies, HZ},
};

use crate::model::Ipvs;

/// The number of masters that are kept. One that was not heard for some time makes room.
const MOST_MASTERS: usize = 4;

/// The time after which a master makes room for another one, in ticks.
const SILENCE: usize = 3 * HZ;

/// The time from one request for missing datagrams to the next, in ticks.
pub(super) const ASKING: usize = HZ / 25;

/// The number of requests for the same datagrams.
const MOST_REQUESTS: u32 = 50;

/// The most ranges of datagrams that are asked for at a time.
const MOST_RANGES: usize = 8;

/// Whether all connections of a master are here.
#[derive(Clone, Copy)]
enum Bulk {
    /// They are to be asked for.
    Needed,
    /// They were asked for, and are here when the master has completed so many bulks.
    Asked { until: u32 },
    /// They came.
    Done,
}

/// A stream of a master.
#[derive(Clone, Copy)]
struct Master {
    stream: u16,
    epoch: u32,
    window: Window,
    bulk: Bulk,
    heard: Jiffies,
    /// The time and the number of the requests for what is missing now.
    asked: Jiffies,
    requests: u32,
}

/// The streams of masters that a thread hears.
pub(super) struct Masters {
    talker: Option<(UdpSocket, SocketAddr)>,
    masters: [Option<Master>; MOST_MASTERS],
}

impl Masters {
    /// None yet. Without a talker nothing is asked for.
    pub(super) fn new(talker: Option<(UdpSocket, SocketAddr)>) -> Self {
        Self {
            talker,
            masters: [None; MOST_MASTERS],
        }
    }

    /// Whether datagrams are missing.
    pub(super) fn miss_any(&self) -> bool {
        let mut masters = self.masters.iter().flatten();
        masters.any(|master| master.window.missing().next().is_some())
    }

    fn find(&mut self, stream: u16, epoch: u32) -> Option<&mut Master> {
        let mut masters = self.masters.iter_mut().flatten();
        masters.find(|master| (master.stream, master.epoch) == (stream, epoch))
    }

    /// A datagram with this trailer has come.
    pub(super) fn came(&mut self, trailer: &Trailer) {
        if let Some(master) = self.find(trailer.stream, trailer.epoch) {
            master.window.came(trailer.sequence);
        }
    }

    /// A message of a master has come, for directors with this sync id.
    pub(super) fn heard(&mut self, control: &Control, sync_id: u8, ipvs: &Ipvs) {
        match control.kind {
            ControlKind::Hello => self.hello(control, sync_id, ipvs),
            ControlKind::Lost => {
                if let Some(master) = self.find(control.stream, control.epoch) {
                    master.window.give_up();
                }
            }
            ControlKind::Bulk | ControlKind::Repeat => {}
        }
    }

    fn hello(&mut self, hello: &Control, sync_id: u8, ipvs: &Ipvs) {
        let now = Jiffies::now();
        if self.find(hello.stream, hello.epoch).is_none() {
            let new = Master {
                stream: hello.stream,
                epoch: hello.epoch,
                window: Window::new(hello.last.wrapping_add(1)),
                bulk: Bulk::Needed,
                heard: now,
                asked: now,
                requests: 0,
            };
            // CAST: A small constant.
            let is_silent = |master: &Master| now.since(master.heard) > SILENCE as isize;
            let mut places = self.masters.iter_mut();
            if let Some(place) = places.find(|place| place.as_ref().is_none_or(is_silent)) {
                *place = Some(new);
            }
        }
        let talks = self.talker.is_some();
        let Some(master) = self.find(hello.stream, hello.epoch) else {
            return;
        };
        master.heard = now;
        master.window.sent(hello.last);
        if master.window.is_lost() {
            master.window = Window::new(hello.last.wrapping_add(1));
            master.bulk = Bulk::Needed;
        }
        let asks = match master.bulk {
            Bulk::Needed => {
                // One that is on its way has not all.
                let more = 1 + u32::from(hello.bulk_runs);
                let until = hello.bulks.wrapping_add(more);
                master.bulk = Bulk::Asked { until };
                true
            }
            Bulk::Asked { until } if hello.bulks.wrapping_sub(until) < 1 << 31 => {
                master.bulk = Bulk::Done;
                false
            }
            // The request was lost.
            Bulk::Asked { .. } => !hello.bulk_runs,
            Bulk::Done => false,
        };
        if asks && talks {
            ipvs.sync_events.count(Event::AskedBulk);
            let request = Control::new(ControlKind::Bulk, hello.stream, hello.epoch);
            self.say(&request, sync_id);
        }
    }

    /// Asks for missing datagrams, if it is time.
    pub(super) fn ask(&mut self, sync_id: u8, ipvs: &Ipvs) {
        let now = Jiffies::now();
        for index in 0..MOST_MASTERS {
            let place = self.masters.get_mut(index);
            let Some(master) = place.and_then(|place| place.as_mut()) else {
                continue;
            };
            if master.window.missing().next().is_none() {
                master.requests = 0;
                continue;
            }
            // CAST: A small constant.
            if now.since(master.asked) < ASKING as isize {
                continue;
            }
            master.asked = now;
            master.requests = master.requests.saturating_add(1);
            if master.requests > MOST_REQUESTS {
                master.window.give_up();
                continue;
            }
            let master = *master;
            for (first, last) in master.window.missing().take(MOST_RANGES) {
                ipvs.sync_events.count(Event::AskedRepeat);
                let request = Control {
                    first,
                    last,
                    ..Control::new(ControlKind::Repeat, master.stream, master.epoch)
                };
                self.say(&request, sync_id);
            }
        }
    }

    fn say(&self, control: &Control, sync_id: u8) {
        if let Some((socket, group)) = &self.talker {
            // What is lost is asked for again.
            let _ = socket.send_to(&control.write(sync_id), *group);
        }
    }
}
