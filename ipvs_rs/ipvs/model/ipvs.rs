// SPDX-License-Identifier: GPL-2.0

//! Everything that IPVS knows in one network namespace.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{addr::Family, defense::IdleDropper, hash::HashKey};
use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{Net, NetRef, WeakNet},
    percpu::{CounterPool, Counters},
    random,
    rcu::{self, Arc, Guard},
    work::Work,
};

use super::{
    composition::Composition,
    conn::table::Conns,
    drop_rate::DropPacket,
    drops::Drops,
    duties::{Cleanup, Cpus, Defense, Estimation, Resize, TrashRound},
    servers::Servers,
    service::Services,
    settings::Settings,
    stats::{self, Stats},
    trash::Trash,
};

/// The state of a network namespace.
#[pin_data]
pub struct Ipvs {
    handle: WeakNet,
    pub(crate) settings: Settings,
    /// Everything that was counted here.
    #[pin]
    pub(crate) stats: Stats,
    pub(crate) services: Services,
    #[pin]
    pub(crate) servers: Servers,
    #[pin]
    pub(crate) conns: Conns,
    /// Taken for each change of services and servers.
    #[pin]
    pub(crate) config: Mutex<Config>,
    /// Taken for each write to a sysctl.
    #[pin]
    pub(crate) sysctl_writing: Mutex<()>,
    #[pin]
    pub(crate) resize: Work<Ipvs, Resize>,
    #[pin]
    pub(crate) trash_round: Work<Ipvs, TrashRound>,
    #[pin]
    pub(crate) estimation: Work<Ipvs, Estimation>,
    #[pin]
    pub(crate) est_cpus: Mutex<Cpus>,
    #[pin]
    pub(crate) cleanup: Work<Ipvs, Cleanup>,
    #[pin]
    pub(crate) defense: Work<Ipvs, Defense>,
    pub(crate) drop_packet: DropPacket,
    pub(crate) drops: Drops,
}

type Hooks = <Ipvs as Composition>::Hooks;
type Files = <Ipvs as Composition>::Files;

/// The part of a namespace that changes under the configuration lock.
pub(crate) struct Config {
    /// The namespace goes away; nothing may be added.
    closed: bool,
    hooks_v4: Option<Hooks>,
    hooks_v6: Option<Hooks>,
    pub(crate) trash: Trash,
    /// For the statistics of services and servers.
    pub(crate) counters: CounterPool<{ stats::COUNTERS }>,
    /// By which `drop_entry` decides.
    pub(crate) idle_dropper: IdleDropper,
    /// [`None`] before they are made, and once they are taken back.
    pub(crate) files: Option<Files>,
}

impl Config {
    fn new() -> Self {
        Self {
            closed: false,
            hooks_v4: None,
            hooks_v6: None,
            trash: Trash::new(random_key()),
            counters: CounterPool::default(),
            idle_dropper: IdleDropper::default(),
            files: None,
        }
    }

    /// Lets nothing be added any more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Lets packets of `family` be looked at, unless they are already.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the namespace goes away, `EAFNOSUPPORT`, and what registering hooks may fail with.
    pub(crate) fn open_hooks(&mut self, ipvs: &Arc<Ipvs>, net: &Net, family: Family) -> Result {
        if self.closed {
            return Err(ENOENT);
        }
        let hooks = self.hooks(family);
        if hooks.is_none() {
            *hooks = Some(Ipvs::open_hooks(ipvs, net, family)?);
        }
        Ok(())
    }

    /// Lets all packets of `family` pass by.
    pub(crate) fn close_hooks(&mut self, net: &Net, family: Family) {
        if let Some(hooks) = self.hooks(family).take() {
            Ipvs::close_hooks(hooks, net);
        }
    }

    fn hooks(&mut self, family: Family) -> &mut Option<Hooks> {
        match family {
            Family::V4 => &mut self.hooks_v4,
            Family::V6 => &mut self.hooks_v6,
        }
    }
}

impl Ipvs {
    /// A namespace without services. It fails with `ENOMEM`.
    pub(crate) fn new(handle: WeakNet, settings: Settings) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            handle,
            settings,
            stats <- Stats::new(Counters::new()?),
            services: Services::new(random_key())?,
            servers <- Servers::new(random_key()),
            conns <- Conns::new(random_key()),
            config <- new_mutex!(Config::new(), "ip_vs_config"),
            sysctl_writing <- new_mutex!((), "ip_vs_sysctl"),
            resize <- Work::new(),
            trash_round <- Work::new(),
            estimation <- Work::new(),
            est_cpus <- new_mutex!(None, "ip_vs_est_cpus"),
            cleanup <- Work::new(),
            defense <- Work::new(),
            drop_packet: DropPacket::new(),
            drops: Drops::new()?,
        }? Error)
    }

    /// Makes the tables that the first service needs.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn make_tables(&self) -> Result {
        if self.services.bits().is_none() {
            self.services.resize(self.settings.svc_lfactor())?;
        }
        if self.conns.bits().is_none() {
            self.conns
                .resize(self.settings.conn_lfactor.load(Relaxed))?;
        }
        Ok(())
    }

    /// Ends all connections, and all work. To be called when no packet finds the namespace any more. May sleep.
    pub(crate) fn end(&self) {
        self.conns.flush();
        // A timer may still be ending a connection that it took out before, and plan work after this.
        Work::<Self, Resize>::disable_sync(self);
        Work::<Self, Estimation>::disable_sync(self);
        Work::<Self, TrashRound>::disable_sync(self);
        Work::<Self, Cleanup>::disable_sync(self);
        Work::<Self, Defense>::disable_sync(self);
        self.config.lock().trash.clear();
    }

    /// The namespace for a while, unless it has begun to end.
    pub(crate) fn keep_net(&self) -> Option<NetRef> {
        self.net(&rcu::read_lock())?.keep()
    }

    /// The namespace, unless it has begun to end.
    pub(crate) fn net<'g>(&self, guard: &'g Guard) -> Option<&'g Net> {
        self.handle.get(guard)
    }
}

/// The secret of a new hash table.
fn random_key() -> HashKey {
    HashKey::new([random::number(), random::number()])
}
