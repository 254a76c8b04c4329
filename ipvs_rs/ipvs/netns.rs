// SPDX-License-Identifier: GPL-2.0

//! Everything that IPVS knows in one network namespace.

use core::sync::atomic::Ordering;
use ipvs_core::{addr::Family, defense::Dice, hash::HashKey};
use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{self, Handle, Kept, Net, PerNet, PerNetId},
    percpu::{Counters, Supply},
    random,
    rcu::{self, Arc, Guard},
    work::Work,
};

use crate::{
    configure,
    conn::table::Conns,
    defense::{Defense, DropPacket},
    drops::Drops,
    est, hooks,
    monitor::Origin,
    nodest, proc,
    resize::Resize,
    servers::Servers,
    service::Services,
    settings::{Settings, MOST_CONNECTIONS},
    stats::{self, Stats},
    sysctl,
    trash::{self, Trash},
};

/// The state of a network namespace.
#[pin_data]
pub struct Ipvs {
    handle: Handle,
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
    pub(crate) trash_rounds: Work<Ipvs, trash::Round>,
    #[pin]
    pub(crate) estimation: Work<Ipvs, est::Estimation>,
    #[pin]
    pub(crate) est_cpus: Mutex<est::Cpus>,
    #[pin]
    pub(crate) cleanup: Work<Ipvs, nodest::Cleanup>,
    #[pin]
    pub(crate) defense: Work<Ipvs, Defense>,
    pub(crate) drop_packet: DropPacket,
    pub(crate) drops: Drops,
}

/// What changes under the configuration lock.
pub(crate) struct Config {
    /// The namespace goes away; nothing may be added.
    closed: bool,
    hooks_v4: Option<hooks::Open>,
    hooks_v6: Option<hooks::Open>,
    pub(crate) trash: Trash,
    /// For the statistics of services and servers.
    pub(crate) counters: Supply<{ stats::COUNTERS }>,
    /// What `drop_entry` decides by.
    pub(crate) dice: Dice,
    files: Option<proc::Files>,
    sysctls: Option<sysctl::Table>,
}

impl Config {
    fn new() -> Self {
        Self {
            closed: false,
            hooks_v4: None,
            hooks_v6: None,
            trash: Trash::new(random_key()),
            counters: Supply::default(),
            dice: Dice::default(),
            files: None,
            sysctls: None,
        }
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
            *hooks = Some(hooks::Open::new(ipvs, net, family)?);
        }
        Ok(())
    }

    /// Lets all packets of `family` pass by.
    pub(crate) fn close_hooks(&mut self, net: &Net, family: Family) {
        if let Some(hooks) = self.hooks(family).take() {
            hooks.close(net);
        }
    }

    fn hooks(&mut self, family: Family) -> &mut Option<hooks::Open> {
        match family {
            Family::V4 => &mut self.hooks_v4,
            Family::V6 => &mut self.hooks_v6,
        }
    }
}

impl Ipvs {
    /// The namespace for a while, unless it has begun to end.
    pub(crate) fn keep_net(&self) -> Option<Kept> {
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

/// Where the C core keeps our state in each namespace.
static ID: PerNetId<Ipvs> = PerNetId::new();

/// How many connections a new namespace may have: as many as the first one now.
fn initial_conn_max() -> i32 {
    let guard = rcu::read_lock();
    net_namespace::state::<Ipvs>(Net::init(), &guard).map_or(MOST_CONNECTIONS, |first| {
        first.settings.conn_max.load(Ordering::Relaxed)
    })
}

impl PerNet for Ipvs {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn create(net: &Net, handle: Handle) -> Result<Arc<Self>> {
        let settings = Settings::new(net.is_init(), initial_conn_max());
        let ipvs = Arc::pin_init(
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
                trash_rounds <- Work::new(),
                estimation <- Work::new(),
                est_cpus <- new_mutex!(None, "ip_vs_est_cpus"),
                cleanup <- Work::new(),
                defense <- Work::new(),
                drop_packet: DropPacket::new(),
                drops: Drops::new()?,
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )?;
        let files = proc::Files::register(&ipvs, net)?;
        let sysctls = sysctl::Table::register(&ipvs, net);
        let mut config = ipvs.config.lock();
        config.files = Some(files);
        match sysctls {
            Ok(table) => config.sysctls = Some(table),
            Err(error) => {
                drop(config);
                Self::destroy(ipvs, net);
                return Err(error);
            }
        }
        drop(config);
        Ok(ipvs)
    }

    fn close(ipvs: &Arc<Self>, net: &Net) {
        ipvs.config.lock().closed = true;
        configure::flush(ipvs, Origin::elsewhere(net));
    }

    fn destroy(ipvs: Arc<Self>, net: &Net) {
        let mut config = ipvs.config.lock();
        let (files, sysctls) = (config.files.take(), config.sysctls.take());
        drop(config);
        if let Some(sysctls) = sysctls {
            sysctls.unregister(net);
        }
        if let Some(files) = files {
            files.unregister(net);
        }
        // No packet has found the namespace for a grace period, so no connection is added.
        ipvs.conns.flush();
        // A timer may still be ending a connection that it took out before, and plan work after this.
        ipvs.resize.disable_sync();
        ipvs.estimation.disable_sync();
        ipvs.trash_rounds.disable_sync();
        ipvs.cleanup.disable_sync();
        ipvs.defense.disable_sync();
        ipvs.config.lock().trash.clear();
    }
}
