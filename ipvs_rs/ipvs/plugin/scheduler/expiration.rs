// SPDX-License-Identifier: GPL-2.0

//! The settings `lblc_expiration` and `lblcr_expiration`: one of each in every network namespace,
//! while the module of the scheduler is loaded.
//!
//! In namespaces that belong to another user namespace than the initial one there is no file, and
//! the time is the default.

use core::{
    any::Any,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};
use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{self, Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
    rcu::{self, Arc},
    sysctl::{self, Entry, Settings},
    time::HZ,
};

use crate::model::origin::{Monitor, Origin};

/// A day.
const DEFAULT: i32 = 24 * 60 * 60;

/// As many seconds as the C module can count in ticks.
/// CAST: A quotient of two small numbers.
const MOST: i32 = i32::MAX / HZ as i32;

/// Whose setting it is.
#[derive(Clone, Copy)]
pub enum Owner {
    /// That of `lblc`.
    Lblc,
    /// That of `lblcr`.
    Lblcr,
}

const LBLC: u8 = 0;
const LBLCR: u8 = 1;

/// A time in seconds that the administrator of a namespace can set.
#[pin_data]
pub(super) struct Seconds {
    value: AtomicI32,
    #[pin]
    writing: Mutex<()>,
}

impl Seconds {
    /// The time; a negative one is none at all.
    pub(super) fn get(&self) -> u32 {
        u32::try_from(self.value.load(Relaxed)).unwrap_or(0)
    }
}

impl Settings for Seconds {
    fn writing(&self) -> &Mutex<()> {
        &self.writing
    }

    fn written(&self, net: &Net, name: &CStr, value: &CStr) {
        Origin::elsewhere(net).setting(name, value);
    }
}

const fn entry(name: &'static CStr) -> Entry<Seconds> {
    Entry::int(name, |seconds: &Seconds| &seconds.value).range(-MOST, MOST)
}

const LBLC_ENTRIES: &[Entry<Seconds>] = &[entry(c"lblc_expiration")];
const LBLCR_ENTRIES: &[Entry<Seconds>] = &[entry(c"lblcr_expiration")];

/// The setting of one owner in one namespace.
#[pin_data]
struct Setting<const OWNER: u8> {
    seconds: Arc<Seconds>,
    #[pin]
    file: Mutex<Option<sysctl::SysctlTable<Seconds>>>,
}

/// No file yet. Not generic, so that the class of the lock has one name (see `knet::hashtable`).
#[inline(never)]
fn new_file() -> impl PinInit<Mutex<Option<sysctl::SysctlTable<Seconds>>>> {
    new_mutex!(None, "ip_vs_expiration")
}

impl<const OWNER: u8> Setting<OWNER> {
    fn new(net: &Net, entries: &'static [Entry<Seconds>]) -> Result<Arc<Self>> {
        let seconds = pin_init!(Seconds {
            value: AtomicI32::new(DEFAULT),
            writing <- new_mutex!((), "ip_vs_sysctl"),
        });
        let seconds = Arc::pin_init(seconds, GFP_KERNEL_ACCOUNT)?;
        let setting = Arc::pin_init(
            pin_init!(Self {
                seconds,
                file <- new_file(),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        if net.is_of_init_user_ns() {
            let seconds = setting.seconds.clone();
            let file = sysctl::SysctlTable::register(net, c"net/ipv4/vs", entries, seconds)?;
            *setting.file.lock() = Some(file);
        }
        Ok(setting)
    }

    fn end(&self, net: &Net) {
        let file = self.file.lock().take();
        if let Some(file) = file {
            file.unregister(net);
        }
    }
}

static LBLC_ID: PerNetId<Setting<LBLC>> = PerNetId::new();
static LBLCR_ID: PerNetId<Setting<LBLCR>> = PerNetId::new();

impl PerNet for Setting<LBLC> {
    fn id() -> &'static PerNetId<Self> {
        &LBLC_ID
    }

    fn init(net: &Net, _: WeakNet) -> Result<Arc<Self>> {
        Self::new(net, LBLC_ENTRIES)
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(setting: Arc<Self>, net: &Net) {
        setting.end(net);
    }
}

impl PerNet for Setting<LBLCR> {
    fn id() -> &'static PerNetId<Self> {
        &LBLCR_ID
    }

    fn init(net: &Net, _: WeakNet) -> Result<Arc<Self>> {
        Self::new(net, LBLCR_ENTRIES)
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(setting: Arc<Self>, net: &Net) {
        setting.end(net);
    }
}

/// The setting of one owner in all namespaces; the module of the scheduler holds it.
pub struct Expiration {
    /// Behind a `dyn`, so that what ends it is compiled here and not in the scheduler.
    _registration: KBox<dyn Any + Send + Sync>,
}

impl Expiration {
    /// Makes the setting in all namespaces.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    #[inline(never)]
    pub fn register(owner: Owner) -> Result<Self> {
        let registration: KBox<dyn Any + Send + Sync> = match owner {
            Owner::Lblc => KBox::new(PerNetRegistration::<Setting<LBLC>>::new()?, GFP_KERNEL)?,
            Owner::Lblcr => KBox::new(PerNetRegistration::<Setting<LBLCR>>::new()?, GFP_KERNEL)?,
        };
        Ok(Self {
            _registration: registration,
        })
    }
}

/// The setting in a namespace.
pub(super) fn of(net: &Net, owner: Owner) -> Option<Arc<Seconds>> {
    let guard = rcu::read_lock();
    Some(match owner {
        Owner::Lblc => {
            let setting = net_namespace::state::<Setting<LBLC>>(net, &guard)?;
            setting.seconds.clone()
        }
        Owner::Lblcr => {
            let setting = net_namespace::state::<Setting<LBLCR>>(net, &guard)?;
            setting.seconds.clone()
        }
    })
}
