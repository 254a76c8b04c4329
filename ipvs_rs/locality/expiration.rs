// SPDX-License-Identifier: GPL-2.0

//! The settings `lblc_expiration` and `lblcr_expiration`: one of each in every network namespace,
//! while the module of the scheduler is loaded.
//!
//! In namespaces that belong to another user namespace than the initial one there is no file, and
//! the time is the default.

use core::{
    any::Any,
    marker::PhantomData,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};
use ipvs::plugin::scheduler;
use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{self, Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
    rcu::{self, Arc},
    sysctl::{self, Entry, Settings},
    time::HZ,
};

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

/// A time in seconds that the administrator of a namespace can set.
#[pin_data]
pub(crate) struct Seconds {
    value: AtomicI32,
    #[pin]
    writing: Mutex<()>,
}

impl Seconds {
    /// The time; a negative one is none at all.
    pub(crate) fn get(&self) -> u32 {
        u32::try_from(self.value.load(Relaxed)).unwrap_or(0)
    }
}

impl Settings for Seconds {
    fn writing(&self) -> &Mutex<()> {
        &self.writing
    }

    fn written(&self, net: &Net, name: &CStr, value: &CStr) {
        scheduler::announce_setting(net, name, value);
    }
}

const fn entry(name: &'static CStr) -> Entry<Seconds> {
    Entry::int(name, |seconds: &Seconds| &seconds.value).range(-MOST, MOST)
}

/// The scheduler of a setting, as a type.
trait Scheduler: Sized + Send + Sync + 'static {
    /// The file.
    const ENTRIES: &'static [Entry<Seconds>];

    /// The place where the C core keeps the setting in each namespace.
    fn id() -> &'static PerNetId<Setting<Self>>;
}

struct Lblc;

impl Scheduler for Lblc {
    const ENTRIES: &'static [Entry<Seconds>] = &[entry(c"lblc_expiration")];

    fn id() -> &'static PerNetId<Setting<Self>> {
        static ID: PerNetId<Setting<Lblc>> = PerNetId::new();
        &ID
    }
}

struct Lblcr;

impl Scheduler for Lblcr {
    const ENTRIES: &'static [Entry<Seconds>] = &[entry(c"lblcr_expiration")];

    fn id() -> &'static PerNetId<Setting<Self>> {
        static ID: PerNetId<Setting<Lblcr>> = PerNetId::new();
        &ID
    }
}

/// The setting of one scheduler in one namespace.
#[pin_data]
struct Setting<S> {
    seconds: Arc<Seconds>,
    #[pin]
    file: Mutex<Option<sysctl::SysctlTable<Seconds>>>,
    _scheduler: PhantomData<S>,
}

/// No file yet. Not generic, so that the class of the lock has one name (see `knet::hashtable`).
#[inline(never)]
fn new_file() -> impl PinInit<Mutex<Option<sysctl::SysctlTable<Seconds>>>> {
    new_mutex!(None, "ip_vs_expiration")
}

impl<S: Scheduler> PerNet for Setting<S> {
    fn id() -> &'static PerNetId<Self> {
        S::id()
    }

    fn init(net: &Net, _: WeakNet) -> Result<Arc<Self>> {
        let seconds = pin_init!(Seconds {
            value: AtomicI32::new(DEFAULT),
            writing <- new_mutex!((), "ip_vs_sysctl"),
        });
        let seconds = Arc::pin_init(seconds, GFP_KERNEL_ACCOUNT)?;
        let setting = Arc::pin_init(
            pin_init!(Self {
                seconds,
                file <- new_file(),
                _scheduler: PhantomData,
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        if net.is_of_init_user_ns() {
            let seconds = setting.seconds.clone();
            let file = sysctl::SysctlTable::register(net, c"net/ipv4/vs", S::ENTRIES, seconds)?;
            *setting.file.lock() = Some(file);
        }
        Ok(setting)
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(setting: Arc<Self>, net: &Net) {
        let file = setting.file.lock().take();
        if let Some(file) = file {
            file.unregister(net);
        }
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
            Owner::Lblc => KBox::new(PerNetRegistration::<Setting<Lblc>>::new()?, GFP_KERNEL)?,
            Owner::Lblcr => KBox::new(PerNetRegistration::<Setting<Lblcr>>::new()?, GFP_KERNEL)?,
        };
        Ok(Self {
            _registration: registration,
        })
    }
}

/// The setting in a namespace.
pub(crate) fn of(net: &Net, owner: Owner) -> Option<Arc<Seconds>> {
    let guard = rcu::read_lock();
    Some(match owner {
        Owner::Lblc => {
            let setting = net_namespace::state::<Setting<Lblc>>(net, &guard)?;
            setting.seconds.clone()
        }
        Owner::Lblcr => {
            let setting = net_namespace::state::<Setting<Lblcr>>(net, &guard)?;
            setting.seconds.clone()
        }
    })
}
