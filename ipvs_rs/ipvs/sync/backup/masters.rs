// SPDX-License-Identifier: GPL-2.0

//! The masters that a thread of a backup hears, and the datagrams of them that it misses.
//!
//! ```text
//!   hello of an unknown master ──> Bulk::Needed ──asked──> Bulk::Asked ──hello says that it is complete──> Bulk::Done
//!   a number is missing ──asked each 40 ms, for 2 s──> it comes, or all connections are asked for
//! ```
//!
//! Those who listen are told when a master is heard, when all its connections have come, and when it is silent.

use core::net::SocketAddr;
use ipvs_core::{
    config::event::{self, Action},
    sync::{Control, ControlKind, Event, Sender, Trailer, Window},
};
use knet::{
    rcu::Arc,
    socket::UdpSocket,
    time::{Jiffies, HZ},
};

use crate::{
    model::{
        masters::HeardMaster,
        origin::{Monitor, Origin as ChangeOrigin},
        Ipvs,
    },
    sync::{admission, sockets::Outlet},
};

/// The number of masters that are kept. One that was not heard for some time makes room.
const MOST_MASTERS: usize = 4;

/// The time after which a master is lost, and makes room for another one, in ticks.
const SILENCE: usize = 5 * HZ;

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

/// Where a message comes from.
pub(super) struct Origin {
    sender: u32,
    sync_id: u8,
    addr: SocketAddr,
}

impl Origin {
    /// The origin of a message with this trailer for directors with this sync id, sent from `addr`.
    pub(super) fn new(trailer: &Trailer, sync_id: u8, addr: SocketAddr) -> Self {
        Self {
            sender: trailer.sender,
            sync_id,
            addr,
        }
    }
}

/// A stream of a master.
#[derive(Clone, Copy)]
struct Master {
    sender: u32,
    stream: u16,
    epoch: u32,
    sync_id: u8,
    addr: SocketAddr,
    window: Window,
    bulk: Bulk,
    heard: Jiffies,
    /// Whether nothing was heard for too long.
    is_lost: bool,
    /// The time and the number of the requests for what is missing now.
    asked: Jiffies,
    requests: u32,
}

impl Master {
    fn is_silent(&self, now: Jiffies) -> bool {
        // CAST: A small constant.
        now.since(self.heard) > SILENCE as isize
    }

    fn misses_any(&self) -> bool {
        self.window.missing().next().is_some()
    }

    /// A request to this master.
    fn request(&self, kind: ControlKind) -> Control {
        Control::new(kind, self.stream, self.epoch)
    }

    /// What others are told of it.
    fn view(&self) -> HeardMaster {
        let ranges = self.window.missing();
        let lengths = ranges.map(|(first, last)| last.wrapping_sub(first).wrapping_add(1));
        HeardMaster {
            addr: self.addr.ip(),
            sender: self.sender,
            stream: self.stream,
            epoch: self.epoch,
            is_complete: matches!(self.bulk, Bulk::Done),
            missing: lengths.fold(0, u32::saturating_add),
            heard: self.heard,
        }
    }
}

/// The streams of masters that a thread hears.
pub(super) struct Masters {
    ipvs: Arc<Ipvs>,
    /// The trailer of our requests, with the number of the last one.
    trailer: Trailer,
    /// The outlet for requests. Without one, peers are asked at the address that they send from.
    talker: Option<Outlet>,
    masters: [Option<Master>; MOST_MASTERS],
}

impl Masters {
    /// None yet. `trailer` is the one before that of the first request.
    pub(super) fn new(ipvs: Arc<Ipvs>, trailer: Trailer, talker: Option<Outlet>) -> Self {
        Self {
            ipvs,
            trailer,
            talker,
            masters: [None; MOST_MASTERS],
        }
    }

    /// Whether datagrams are missing.
    pub(super) fn miss_any(&self) -> bool {
        self.masters.iter().flatten().any(Master::misses_any)
    }

    /// The master of a run of a sender.
    fn find(&mut self, sender: u32, stream: u16, epoch: u32) -> Option<&mut Master> {
        let mut masters = self.masters.iter_mut().flatten();
        masters.find(|it| (it.sender, it.stream, it.epoch) == (sender, stream, epoch))
    }

    /// A datagram with this trailer has come.
    pub(super) fn came(&mut self, trailer: &Trailer) {
        if let Some(master) = self.find(trailer.sender, trailer.stream, trailer.epoch) {
            master.window.came(trailer.sequence);
            master.heard = Jiffies::now();
        }
    }

    /// A message of a master has come. `socket` answers peers.
    pub(super) fn heard(&mut self, control: &Control, origin: &Origin, socket: &UdpSocket) {
        match control.kind {
            ControlKind::Hello => self.hello(control, origin, socket),
            ControlKind::Lost => {
                if let Some(master) = self.find(origin.sender, control.stream, control.epoch) {
                    master.window.give_up();
                }
            }
            ControlKind::Bulk | ControlKind::Repeat => {}
        }
    }

    fn hello(&mut self, hello: &Control, origin: &Origin, socket: &UdpSocket) {
        // Each thread hears the thread of its number.
        if hello.stream != self.trailer.stream {
            return;
        }
        let now = Jiffies::now();
        let sender = origin.sender;
        let is_new = self.find(sender, hello.stream, hello.epoch).is_none();
        if is_new {
            let new = Master {
                sender,
                stream: hello.stream,
                epoch: hello.epoch,
                sync_id: origin.sync_id,
                addr: origin.addr,
                window: Window::new(hello.last.wrapping_add(1)),
                bulk: Bulk::Needed,
                heard: now,
                is_lost: false,
                asked: now,
                requests: 0,
            };
            let mut places = self.masters.iter_mut();
            let is_free = |master: &Master| master.is_silent(now);
            let place = places.find(|place| place.as_ref().is_none_or(is_free));
            let former = place.and_then(|place| place.replace(new));
            if let Some(former) = former.filter(|former| !former.is_lost) {
                self.lose(&former);
            }
        }
        let Some(master) = self.find(sender, hello.stream, hello.epoch) else {
            return;
        };
        let (was_lost, was_complete) = (master.is_lost, master.view().is_complete);
        (master.heard, master.is_lost) = (now, false);
        (master.sync_id, master.addr) = (origin.sync_id, origin.addr);
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
        let master = *master;
        let view = master.view();
        self.ipvs.masters.lock().update(&view);
        if is_new || was_lost {
            self.tell(Action::New, &view);
        } else if was_complete != view.is_complete {
            self.tell(event::master_change(), &view);
        }
        if asks {
            self.ipvs.sync_events.count(Event::AskedBulk);
            self.say(&master.request(ControlKind::Bulk), &master, socket);
        }
    }

    /// Announces a change of a master.
    fn tell(&self, action: Action, view: &HeardMaster) {
        if let Some(net) = self.ipvs.keep_net() {
            ChangeOrigin::elsewhere(&net).master(action, view);
        }
    }

    /// Forgets the masters, as the thread ends.
    pub(super) fn forget(&mut self) {
        let masters = core::mem::replace(&mut self.masters, [None; MOST_MASTERS]);
        for master in masters.into_iter().flatten() {
            if !master.is_lost {
                self.ipvs.masters.lock().remove(&master.view());
                self.tell(Action::Del, &master.view());
            }
        }
    }

    /// Asks for missing datagrams, if it is time, and looks for masters that were not heard for too long.
    pub(super) fn ask(&mut self, socket: &UdpSocket) {
        let now = Jiffies::now();
        for index in 0..MOST_MASTERS {
            let place = self.masters.get_mut(index);
            let Some(master) = place.and_then(|place| place.as_mut()) else {
                continue;
            };
            if master.is_silent(now) {
                if !core::mem::replace(&mut master.is_lost, true) {
                    let master = *master;
                    self.lose(&master);
                }
                continue;
            }
            if !master.misses_any() {
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
                self.ipvs.sync_events.count(Event::AskedRepeat);
                let request = Control {
                    first,
                    last,
                    ..master.request(ControlKind::Repeat)
                };
                self.say(&request, &master, socket);
            }
        }
    }

    /// Takes account of a run of a master that was not heard for too long. It may have begun anew.
    fn lose(&self, lost: &Master) {
        let mut others = self.masters.iter().flatten();
        let is_next = |it: &Master| it.sender == lost.sender && it.stream == lost.stream;
        if others.any(|other| !other.is_lost && is_next(other)) {
            return;
        }
        self.ipvs.masters.lock().remove(&lost.view());
        self.tell(Action::Del, &lost.view());
    }

    /// Sends a request to a master: to the group, or by `socket` to the address that it sends from.
    fn say(&mut self, control: &Control, master: &Master, socket: &UdpSocket) {
        let sequence = self.trailer.sequence.wrapping_add(1);
        self.trailer.sequence = sequence;
        let trailer = self.trailer.of_control(sequence);
        let mut message = control.write_numbered(master.sync_id, &trailer);
        admission::prove(&self.ipvs, Sender::Backup, &mut message);
        // What is lost is asked for again.
        let _ = match &self.talker {
            Some(Outlet { socket, targets }) => targets
                .iter()
                .try_for_each(|target| socket.send_to(&message, *target)),
            None => socket.send_to(&message, master.addr),
        };
    }
}
