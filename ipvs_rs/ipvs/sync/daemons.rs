// SPDX-License-Identifier: GPL-2.0

//! The daemons of a namespace: how they are started, stopped and listed.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::config::{DaemonRole, DaemonSpec};
use kernel::{alloc::KVec, prelude::*, str::BStr};
use knet::{
    kthread::Thread,
    log,
    net_namespace::Net,
    netdevice::{self, Device},
    rcu::{self, Arc},
    vec::VecExt,
};

use super::{backup, launch::Launch, master};
use crate::model::{
    changes::{Lane, Lanes, Queue},
    Ipvs,
};

/// The number of threads and ports that a daemon has at most.
const MOST_PORTS: u32 = 64;

/// The size of all queues of a master together: room for 2^16 connections.
const QUEUE_BITS: u32 = 16;

/// A running daemon.
struct Daemon {
    spec: DaemonSpec,
    threads: KVec<Thread>,
}

/// The daemons of a namespace. A lock of its own guards them: threads end while it is held.
#[derive(Default)]
pub(crate) struct Daemons {
    master: Option<Daemon>,
    backup: Option<Daemon>,
}

impl Daemons {
    /// The daemons that run, the master first.
    pub(crate) fn running(&self) -> impl Iterator<Item = &DaemonSpec> {
        [&self.master, &self.backup]
            .into_iter()
            .flatten()
            .map(|daemon| &daemon.spec)
    }

    fn of_role(&mut self, role: DaemonRole) -> &mut Option<Daemon> {
        match role {
            DaemonRole::Master => &mut self.master,
            DaemonRole::Backup => &mut self.backup,
        }
    }

    /// The number of ports of the next daemon. A daemon beside another one has as many as that.
    fn ports(&self, ipvs: &Ipvs) -> u32 {
        let running = [&self.master, &self.backup].into_iter().flatten().next();
        let ports = match running {
            Some(daemon) => u32::try_from(daemon.threads.len()),
            None => u32::try_from(ipvs.settings.sync_ports.load(Relaxed)),
        };
        ports.unwrap_or(1).clamp(1, MOST_PORTS)
    }

    /// Starts a daemon.
    ///
    /// # Errors
    ///
    /// `EEXIST` if it runs, `ENOPROTOOPT` if the module is being unloaded, `ENOMEM`, or an error of a socket: see
    /// [`sockets`](super::sockets). Nothing is changed then.
    pub(crate) fn start(
        &mut self,
        ipvs: &Arc<Ipvs>,
        net: &Net,
        role: DaemonRole,
        spec: &DaemonSpec,
        device: Device,
    ) -> Result {
        if self.of_role(role).is_some() {
            return Err(EEXIST);
        }
        let peers = ipvs.peers.get();
        let family = peers.as_ref().map_or(spec.family(), |peers| peers.family);
        let (ports, spec) = (self.ports(ipvs), spec.resolved(role, device.mtu, family));
        let mut launch = Launch {
            ipvs,
            net,
            role,
            spec: &spec,
            device,
            peers,
            sender: 0,
        };
        launch.choose_sender();
        let threads = match role {
            DaemonRole::Master => start_master(&launch, ports)?,
            DaemonRole::Backup => start_backup(&launch, ports)?,
        };
        *self.of_role(role) = Some(Daemon { spec, threads });
        self.changed(ipvs);
        Ok(())
    }

    /// Stops a daemon, and waits for its threads. A master sends what is queued first.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it does not run.
    pub(crate) fn stop(&mut self, ipvs: &Ipvs, role: DaemonRole) -> Result {
        let mut daemon = self.of_role(role).take().ok_or(ESRCH)?;
        if role == DaemonRole::Master {
            ipvs.changes.set(None);
            // A packet that has found the queues fills them in its read-side section. The threads send what it has left
            // there: a connection that stayed in a queue would count as queued for the next master, too.
            rcu::synchronize();
        }
        // The last one first, as the C module does.
        while let Some(thread) = daemon.threads.pop() {
            let role = match role {
                DaemonRole::Master => "master",
                DaemonRole::Backup => "backup",
            };
            if log::net_ratelimit() {
                pr_info!("stopping {role} sync thread {} ...\n", thread.pid());
            }
            thread.stop();
        }
        self.changed(ipvs);
        Ok(())
    }

    /// Stops the daemons that run.
    pub(crate) fn stop_all(&mut self, ipvs: &Ipvs) {
        for role in [DaemonRole::Master, DaemonRole::Backup] {
            // It may not run.
            let _ = self.stop(ipvs, role);
        }
    }

    /// Tells packets whether a backup runs.
    fn changed(&self, ipvs: &Ipvs) {
        ipvs.set_backup(self.backup.is_some());
    }
}

/// The device of a daemon.
///
/// # Errors
///
/// `ENODEV` if there is no such device, which is logged.
pub(crate) fn device(net: &Net, spec: &DaemonSpec) -> Result<Device> {
    let name = spec.interface.as_bytes();
    netdevice::by_name(net, name).ok_or_else(|| {
        if log::net_ratelimit() {
            pr_err!("Unknown mcast interface: {}\n", BStr::from_bytes(name));
        }
        ENODEV
    })
}

/// Opens the queues, starts a thread for each, and lets packets fill them.
fn start_master(launch: &Launch<'_>, ports: u32) -> Result<KVec<Thread>> {
    let ipvs = launch.ipvs;
    let (mut lanes, mut threads) = (KVec::new(), KVec::new());
    let bits = QUEUE_BITS.saturating_sub(ports.checked_ilog2().unwrap_or(0));
    for index in 0..ports {
        let messages = ipvs.settings.sync_qlen_max.load(Relaxed);
        let limit = messages.saturating_mul(master::entries_of(launch.spec));
        let queue = Arc::new(Queue::new(bits, limit)?, GFP_KERNEL_ACCOUNT)?;
        let thread = master::start(launch, (index, ports), queue.clone())?;
        let waker = thread.waker().clone();
        lanes.append(Lane { queue, waker })?;
        threads.append(thread)?;
    }
    ipvs.changes
        .set(Some(Arc::new(Lanes(lanes), GFP_KERNEL_ACCOUNT)?));
    Ok(threads)
}

/// Starts a thread for each port.
fn start_backup(launch: &Launch<'_>, ports: u32) -> Result<KVec<Thread>> {
    let ipvs = launch.ipvs;
    if ipvs.conns.bits().is_none() {
        ipvs.conns
            .resize(ipvs.settings.conn_lfactor.load(Relaxed))?;
    }
    let mut threads = KVec::new();
    for index in 0..ports {
        threads.append(backup::start(launch, index)?)?;
    }
    Ok(threads)
}
