// SPDX-License-Identifier: GPL-2.0

//! A second balancer, that balances nothing: it stands on `core` and `knet` as `ip_vs` does.
//!
//! To read `/proc/net/second_balancer` publishes an object in a [`Slot`] and shows a hash of `core`; the
//! object of the reader before is dropped a grace period later, by code of this module. To read
//! `/proc/net/second_balancer_stays` keeps the module loaded, or lets it go again.

#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use ipvs_core::{
    addr::{Addr, Family},
    hash::{self, HashKey},
};
use kernel::{new_mutex, prelude::*, seq_file::SeqFile, seq_print, sync::Mutex};
use knet::{
    module::ModuleRef,
    net_namespace::{Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
    proc_seq::{File, Show},
    rcu::{self, Arc, Slot},
    rcu_module,
};

rcu_module! {
    type: Module,
    name: "second_balancer",
    authors: ["The ipvs_rs authors"],
    description: "A second user of what ip_vs stands on, for tests",
    license: "GPL",
}

/// What the loaded module owns.
struct Module {
    _namespaces: PerNetRegistration<Balancer>,
}

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _namespaces: PerNetRegistration::new()?,
        })
    }
}

/// The state of a namespace.
#[pin_data]
struct Balancer {
    handle: WeakNet,
    readings: AtomicU32,
    latest: Slot<Reading>,
    /// The reference that keeps this module loaded.
    stay: Slot<ModuleRef>,
    #[pin]
    files: Mutex<Option<[File<Self>; 2]>>,
}

/// What a reader of the file publishes.
struct Reading {
    number: u32,
    hash: u32,
}

/// Where the namespaces keep their state.
static ID: PerNetId<Balancer> = PerNetId::new();

impl PerNet for Balancer {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn init(net: &Net, handle: WeakNet) -> Result<Arc<Self>> {
        let balancer = Arc::pin_init(
            try_pin_init!(Self {
                handle,
                readings: AtomicU32::new(0),
                latest: Slot::empty(),
                stay: Slot::empty(),
                files <- new_mutex!(None, "second_balancer_files"),
            }? Error),
            GFP_KERNEL,
        )?;
        let latest = File::show::<Latest>(net, balancer.clone())?;
        match File::show::<Stays>(net, balancer.clone()) {
            Ok(stays) => *balancer.files.lock() = Some([latest, stays]),
            Err(error) => {
                latest.remove(net);
                return Err(error);
            }
        }
        Ok(balancer)
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(balancer: Arc<Self>, net: &Net) {
        let files = balancer.files.lock().take();
        for file in files.into_iter().flatten() {
            file.remove(net);
        }
    }
}

/// `second_balancer`.
struct Latest;

impl Show<Balancer> for Latest {
    const NAME: &'static CStr = c"second_balancer";

    fn show(balancer: &Balancer, seq: &SeqFile) {
        let number = balancer.readings.fetch_add(1, Relaxed);
        let key = HashKey::new([u64::from(number), 1]);
        let hash = hash::address(key, Family::V4, Addr::from_v4([10, 0, 0, 1]));
        match Arc::new(Reading { number, hash }, GFP_KERNEL) {
            Ok(reading) => drop(balancer.latest.replace(Some(reading))),
            Err(_) => return seq_print!(seq, "no memory\n"),
        }
        let guard = rcu::read_lock();
        let is_alive = balancer.handle.get(&guard).is_some();
        if let Some(latest) = balancer.latest.load(&guard) {
            let Reading { number, hash } = latest.get();
            seq_print!(
                seq,
                "reading {number} hash {hash:08x} namespace {is_alive}\n"
            );
        }
    }
}

/// `second_balancer_stays`.
struct Stays;

impl Show<Balancer> for Stays {
    const NAME: &'static CStr = c"second_balancer_stays";

    fn show(balancer: &Balancer, seq: &SeqFile) {
        let own = match balancer.stay.replace(None) {
            Some(_) => None,
            None => ModuleRef::own().and_then(|own| Arc::new(own, GFP_KERNEL).ok()),
        };
        let stays = own.is_some();
        drop(balancer.stay.replace(own));
        seq_print!(seq, "{stays}\n");
    }
}
