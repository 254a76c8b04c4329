// SPDX-License-Identifier: GPL-2.0

//! What a network namespace has.

use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{Net, PerNet, PerNetId, WeakNet},
    rcu::{self, Arc, Slot},
    vec::VecExt,
};

use crate::{service::Service, settings::Settings};

/// Where the C core keeps our state in each namespace.
static ID: PerNetId<Ktcpvs> = PerNetId::new();

/// All namespaces.
static ALL: Slot<All> = Slot::empty();

#[pin_data]
struct All {
    #[pin]
    list: Mutex<KVec<Arc<Ktcpvs>>>,
}

/// The list of namespaces is there as long as this exists. The module struct of `ktcpvs` holds it.
pub struct Namespaces(());

impl Namespaces {
    /// An empty list. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        let init = pin_init!(All {
            list <- new_mutex!(KVec::new(), "ktcpvs_namespaces"),
        });
        drop(ALL.replace(Some(Arc::pin_init(init, GFP_KERNEL)?)));
        Ok(Self(()))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        drop(ALL.replace(None));
    }
}

/// KTCPVS in a network namespace.
#[pin_data]
pub struct Ktcpvs {
    pub(crate) settings: Arc<Settings>,
    net: WeakNet,
    #[pin]
    pub(crate) config: Mutex<Config>,
    #[pin]
    pub(crate) sysctl_writing: Mutex<()>,
}

/// What commands change.
pub(crate) struct Config {
    /// In the order in which they were added.
    pub(crate) services: KVec<Arc<Service>>,
}

impl Ktcpvs {
    /// Ends all services. `tell` is called, with the configuration locked, if there are any. May sleep.
    pub(crate) fn flush(&self, tell: impl FnOnce()) {
        let mut config = self.config.lock();
        let services = core::mem::take(&mut config.services);
        if !services.is_empty() {
            tell();
        }
        drop(config);
        for service in &services {
            service.end();
        }
    }

    /// Calls `work` for each namespace that has not begun to end. May sleep, if that does.
    pub(crate) fn everywhere(work: impl Fn(&Self, &Net)) {
        let Some(all) = ALL.get() else {
            return;
        };
        for ktcpvs in &*all.list.lock() {
            let net = ktcpvs.net.get(&rcu::read_lock()).and_then(Net::keep);
            if let Some(net) = net {
                work(ktcpvs, &net);
            }
        }
    }
}

impl PerNet for Ktcpvs {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn init(_: &Net, weak: WeakNet) -> Result<Arc<Self>> {
        let settings = Arc::new(Settings::new(), GFP_KERNEL_ACCOUNT)?;
        let config = Config {
            services: KVec::new(),
        };
        let ktcpvs = Arc::pin_init(
            pin_init!(Self {
                settings,
                net: weak,
                config <- new_mutex!(config, "ktcpvs_config"),
                sysctl_writing <- new_mutex!((), "ktcpvs_sysctl"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        let all = ALL.get().ok_or(ENODEV)?;
        all.list.lock().append(ktcpvs.clone())?;
        Ok(ktcpvs)
    }

    fn pre_exit(ktcpvs: &Arc<Self>, _: &Net) {
        if let Some(all) = ALL.get() {
            all.list.lock().keep_only(|other| !other.ptr_eq(ktcpvs));
        }
    }

    fn exit(ktcpvs: Arc<Self>, _: &Net) {
        // Relays keep the namespace, so what is left listens only, or its relays were just ended; and nobody adds services any more, as no
        // command finds the namespace.
        ktcpvs.flush(|| {});
    }
}
