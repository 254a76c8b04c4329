// SPDX-License-Identifier: GPL-2.0

//! A thread of a backup: it receives datagrams, and learns the connections in them.

use ipvs_core::{
    config::DaemonSpec,
    sync::{self, Event},
};
use kernel::{alloc::KVVec, prelude::*, str::BStr};
use knet::{
    kthread::{Current, Thread, Woken},
    log,
    net_namespace::Net,
    netdevice::Device,
    rcu::Arc,
    socket::UdpSocket,
    time::HZ,
    vec,
};

use super::{
    learn::{Learner, Source},
    sockets,
};
use crate::model::Ipvs;

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
/// See [`sockets::of_backup`] and [`Thread::start`].
pub(super) fn start(
    ipvs: &Arc<Ipvs>,
    net: &Net,
    spec: &DaemonSpec,
    device: Device,
    index: u32,
) -> Result<Thread> {
    let mut backup = Backup {
        learner: Learner::new(ipvs.clone(), Source::Director)?,
        socket: sockets::of_backup(&ipvs.settings, net, spec, device, index)?,
        sync_id: spec.sync_id,
        room: vec::filled(0, spec.max_len.into())?,
    };
    let (number, spec) = (ipvs.number, *spec);
    Thread::start(fmt!("ipvs-b:{number}:{index}"), move |thread| {
        if log::net_ratelimit() {
            pr_info!(
                "sync thread started: state = BACKUP, mcast_ifn = {}, syncid = {}, id = {index}\n",
                BStr::from_bytes(spec.interface.as_bytes()),
                spec.sync_id
            );
        }
        backup.run(thread);
    })
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
