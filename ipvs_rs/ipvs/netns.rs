// SPDX-License-Identifier: GPL-2.0

//! A network namespace begins and ends: here the rooms are put together.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::addr::Family;
use kernel::prelude::*;
use knet::{
    net_namespace::{self, Net, PerNet, PerNetId, WeakNet},
    rcu::{self, Arc},
};

use crate::{
    control::configure,
    model::{
        composition::Composition,
        origin::Origin,
        settings::{Settings, MOST_CONNECTIONS},
        Ipvs,
    },
    observe::{proc, sysctl},
    packet::hooks,
    sync::Daemons,
};

/// Where the C core keeps our state in each namespace.
static ID: PerNetId<Ipvs> = PerNetId::new();

/// The files of a namespace.
pub(crate) struct NamespaceFiles {
    proc: proc::ProcFiles,
    sysctl: sysctl::Sysctls,
}

impl NamespaceFiles {
    fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Self> {
        let proc = proc::ProcFiles::register(ipvs, net)?;
        match sysctl::Sysctls::register(ipvs, net) {
            Ok(sysctl) => Ok(Self { proc, sysctl }),
            Err(error) => {
                proc.unregister(net);
                Err(error)
            }
        }
    }

    /// Waits for those who use them.
    fn unregister(self, net: &Net) {
        self.sysctl.unregister(net);
        self.proc.unregister(net);
    }
}

impl Composition for Ipvs {
    type Hooks = hooks::RegisteredHooks;
    type Files = NamespaceFiles;
    type Daemons = Daemons;

    fn open_hooks(ipvs: &Arc<Self>, net: &Net, family: Family) -> Result<hooks::RegisteredHooks> {
        hooks::RegisteredHooks::new(ipvs, net, family)
    }

    fn set_early(
        ipvs: &Arc<Self>,
        hooks: &mut hooks::RegisteredHooks,
        net: &Net,
        is_on: bool,
    ) -> Result {
        hooks.set_early(ipvs, net, is_on)
    }

    fn close_hooks(hooks: hooks::RegisteredHooks, net: &Net) {
        hooks.close(net);
    }
}

/// How many connections a new namespace may have: as many as the first one now.
fn initial_conn_max() -> i32 {
    let guard = rcu::read_lock();
    net_namespace::state::<Ipvs>(Net::init(), &guard).map_or(MOST_CONNECTIONS, |first| {
        first.settings.conn_max.load(Relaxed)
    })
}

impl PerNet for Ipvs {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn init(net: &Net, handle: WeakNet) -> Result<Arc<Self>> {
        let settings = Settings::new(net.is_init(), initial_conn_max());
        let ipvs = Arc::pin_init(Self::new(handle, settings), GFP_KERNEL_ACCOUNT)?;
        match NamespaceFiles::register(&ipvs, net) {
            Ok(files) => ipvs.config.lock().files = Some(files),
            Err(error) => {
                Self::exit(ipvs, net);
                return Err(error);
            }
        }
        Ok(ipvs)
    }

    fn pre_exit(ipvs: &Arc<Self>, net: &Net) {
        ipvs.daemons.lock().stop_all(ipvs);
        ipvs.config.lock().close();
        configure::flush(ipvs, Origin::elsewhere(net));
    }

    fn exit(ipvs: Arc<Self>, net: &Net) {
        let files = ipvs.config.lock().files.take();
        if let Some(files) = files {
            files.unregister(net);
        }
        // No packet has found the namespace for a grace period, so no connection is added.
        ipvs.end();
    }
}
