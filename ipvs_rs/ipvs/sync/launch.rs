// SPDX-License-Identifier: GPL-2.0

//! How the threads of a daemon are started.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    config::{DaemonRole, DaemonSpec},
    sync::{sender_of, sequence_from, Trailer},
};
use kernel::{prelude::*, str::BStr};
use knet::{
    kthread::{Current, Thread},
    log,
    net_namespace::Net,
    netdevice::Device,
    rcu::Arc,
    wall_clock,
};

use super::sockets;
use crate::model::{peers::Peers, Ipvs};

/// What all threads of a daemon are started with.
pub(super) struct Launch<'a> {
    pub(super) ipvs: &'a Arc<Ipvs>,
    pub(super) net: &'a Net,
    pub(super) role: DaemonRole,
    /// The daemon as it is listed: see [`DaemonSpec::resolved`].
    pub(super) spec: &'a DaemonSpec,
    pub(super) device: Device,
    /// The other directors, if they are known by their addresses.
    pub(super) peers: Option<Arc<Peers>>,
    /// The number by which this director calls itself.
    pub(super) sender: u32,
}

impl Launch<'_> {
    /// Chooses the number by which this director calls itself. Other directors must be able to tell it from those without an
    /// address, too.
    pub(super) fn choose_sender(&mut self) {
        let last = self.ipvs.sync_sender.load(Relaxed);
        self.sender = match sockets::own_address(self) {
            Ok(addr) if !addr.is_unspecified() => sender_of(addr),
            _ => last,
        };
        if self.role == DaemonRole::Master {
            self.ipvs.sync_sender.store(self.sender, Relaxed);
        }
    }

    /// The trailer before the first one of thread `index`.
    pub(super) fn trailer(&self, index: u32) -> Trailer {
        let (seconds, nanoseconds) = wall_clock::now();
        Trailer {
            // CAST: Less than 64.
            stream: index as u16,
            sender: self.sender,
            // CAST: The number wraps.
            epoch: seconds as u32,
            sequence: sequence_from(nanoseconds),
        }
    }

    /// Starts thread `index` of the daemon. The thread logs that it runs, and then does what `run` says.
    ///
    /// # Errors
    ///
    /// See [`Thread::start`].
    pub(super) fn thread(
        &self,
        index: u32,
        run: impl FnOnce(&Current) + Send + 'static,
    ) -> Result<Thread> {
        let (letter, state) = match self.role {
            DaemonRole::Master => ('m', "MASTER"),
            DaemonRole::Backup => ('b', "BACKUP"),
        };
        let (number, spec) = (self.ipvs.number, *self.spec);
        Thread::start(fmt!("ipvs-{letter}:{number}:{index}"), move |thread| {
            if log::net_ratelimit() {
                pr_info!(
                    "sync thread started: state = {state}, mcast_ifn = {}, syncid = {}, id = {index}\n",
                    BStr::from_bytes(spec.interface.as_bytes()),
                    spec.sync_id
                );
            }
            run(thread);
        })
    }
}
