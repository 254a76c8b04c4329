// SPDX-License-Identifier: GPL-2.0

//! A thread of a backup: it receives datagrams, learns the connections in them, and asks for datagrams that it misses.

mod masters;

use ipvs_core::sync::{self, Control, ControlKind, Event, Sender, Trailer};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    kthread::{Current, Thread, Woken},
    socket::UdpSocket,
    time::HZ,
    vec,
};

use super::{
    admission::Admission,
    launch::Launch,
    learn::{Learner, Source},
    sockets,
};
use masters::{Masters, Origin, ASKING};

/// A thread of a backup.
struct Backup {
    learner: Learner,
    socket: UdpSocket,
    sync_id: u32,
    admission: Admission,
    masters: Masters,
    room: KVVec<u8>,
}

/// Starts thread `index` of a backup.
///
/// # Errors
///
/// See [`sockets::of_backup`] and [`Launch::thread`].
pub(super) fn start(launch: &Launch<'_>, index: u32) -> Result<Thread> {
    let mut backup = Backup {
        learner: Learner::new(launch.ipvs.clone(), Source::Director)?,
        socket: sockets::of_backup(launch, index)?,
        sync_id: launch.spec.sync_id,
        admission: Admission::new(launch, index, Sender::Master)?,
        masters: Masters::new(
            launch.ipvs.clone(),
            launch.trailer(index),
            sockets::talker(launch, index).ok().flatten(),
        ),
        room: vec::filled(0, launch.spec.max_len.into())?,
    };
    launch.thread(index, move |thread| backup.run(thread))
}

impl Backup {
    fn run(&mut self, thread: &Current) {
        loop {
            let patience = match self.masters.miss_any() {
                true => ASKING,
                false => HZ,
            };
            match self.socket.wait_to_receive(thread, patience) {
                Ok(Woken::Stopping) => return self.masters.forget(),
                Ok(Woken::Ready) => self.receive(),
                Ok(Woken::TimedOut) => {}
                // The namespace ends, and stops this thread.
                Err(_) => {
                    thread.sleep(HZ);
                }
            }
            self.masters.ask(&self.socket);
        }
    }

    /// Receives a datagram.
    fn receive(&mut self) {
        // Whatever was answered to us is no datagram.
        let Ok(datagram) = self.socket.receive(&mut self.room) else {
            return;
        };
        let Some(bytes) = self.room.get(..datagram.length) else {
            return;
        };
        let source = datagram.source;
        if let (Some(control), Some(&id)) = (Control::read(bytes, self.sync_id), bytes.get(1)) {
            // Those of other backups are for masters.
            if matches!(control.kind, ControlKind::Bulk | ControlKind::Repeat) {
                return;
            }
            self.learner.count(Event::Heard);
            let checked = self.admission.check(bytes, source.ip());
            return match (checked, Trailer::of(bytes)) {
                (Ok(is_proven), Some(trailer)) => {
                    if is_proven && control.kind == ControlKind::Hello {
                        self.admission.begin(&trailer, control.last);
                    }
                    let origin = Origin::new(&trailer, id, source);
                    self.masters.heard(&control, &origin, &self.socket);
                }
                (Ok(_), None) => {}
                (Err(refusal), _) => self.learner.count(refusal),
            };
        }
        self.learner.count(Event::Received);
        match sync::parse(bytes, self.sync_id) {
            Ok(mut entries) => {
                if let Err(refusal) = self.admission.check(bytes, source.ip()) {
                    return self.learner.count(refusal);
                }
                for entry in entries.by_ref() {
                    match entry {
                        Ok(entry) => self.learner.count(self.learner.learn(&entry)),
                        Err(fault) => self.learner.count(fault),
                    }
                }
                if let Some(trailer) = Trailer::read(entries.rest()) {
                    self.masters.came(&trailer);
                }
            }
            Err(refused) => self.learner.count(refused),
        }
    }
}
