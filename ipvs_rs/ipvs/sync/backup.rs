// SPDX-License-Identifier: GPL-2.0

//! A thread of a backup: it receives datagrams, and learns the connections in them.

use ipvs_core::sync::{self, Event};
use kernel::{alloc::KVVec, prelude::*};
use knet::{
    kthread::{Current, Thread, Woken},
    socket::UdpSocket,
    time::HZ,
    vec,
};

use super::{
    launch::Launch,
    learn::{Learner, Source},
    sockets,
};

/// A thread of a backup.
struct Backup {
    learner: Learner,
    socket: UdpSocket,
    sync_id: u32,
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
        room: vec::filled(0, launch.spec.max_len.into())?,
    };
    launch.thread(index, move |thread| backup.run(thread))
}

impl Backup {
    fn run(&mut self, thread: &Current) {
        loop {
            match self.socket.wait_to_receive(thread, HZ) {
                Ok(Woken::Stopping) => return,
                Ok(Woken::Ready) => self.receive(),
                Ok(Woken::TimedOut) => {}
                // The namespace ends, and stops this thread.
                Err(_) => {
                    thread.sleep(HZ);
                }
            }
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
        self.learner.count(Event::Received);
        match sync::parse(bytes, self.sync_id) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => self.learner.count(self.learner.learn(&entry)),
                        Err(fault) => self.learner.count(fault),
                    }
                }
            }
            Err(refused) => self.learner.count(refused),
        }
    }
}
