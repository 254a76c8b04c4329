// SPDX-License-Identifier: GPL-2.0

//! What is seen in `/proc`.

mod listing;
mod sysctl;

use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{self, Net, PerNet, PerNetId, WeakNet},
    proc_seq::File,
    rcu::{self, Arc},
    sysctl::SysctlTable,
};

use crate::netns::Ktcpvs;

/// Where the C core keeps the files of each namespace.
static ID: PerNetId<Files> = PerNetId::new();

/// The files of a namespace. They are registered later than what they show, and so end before that.
#[pin_data]
pub struct Files {
    #[pin]
    registered: Mutex<Option<Registered>>,
}

struct Registered {
    listing: File<Ktcpvs>,
    settings: SysctlTable<Ktcpvs>,
}

impl Registered {
    fn new(ktcpvs: &Arc<Ktcpvs>, net: &Net) -> Result<Self> {
        let listing = File::show::<listing::Listing>(net, ktcpvs.clone())?;
        match SysctlTable::register(net, c"net/ktcpvs", sysctl::ENTRIES, ktcpvs.clone()) {
            Ok(settings) => Ok(Self { listing, settings }),
            Err(error) => {
                listing.remove(net);
                Err(error)
            }
        }
    }

    /// Waits for those who use them.
    fn end(self, net: &Net) {
        self.settings.unregister(net);
        self.listing.remove(net);
    }
}

impl PerNet for Files {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn init(net: &Net, _: WeakNet) -> Result<Arc<Self>> {
        let found = {
            let guard = rcu::read_lock();
            net_namespace::state::<Ktcpvs>(net, &guard).and_then(|ktcpvs| ktcpvs.try_clone())
        };
        let files = Arc::pin_init(
            pin_init!(Self {
                registered <- new_mutex!(None, "ktcpvs_files"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        let registered = Registered::new(&found.ok_or(ENODEV)?, net)?;
        *files.registered.lock() = Some(registered);
        Ok(files)
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(files: Arc<Self>, net: &Net) {
        let registered = files.registered.lock().take();
        if let Some(registered) = registered {
            registered.end(net);
        }
    }
}
