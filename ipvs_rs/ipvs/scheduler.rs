// SPDX-License-Identifier: GPL-2.0

//! What a scheduler is, and which ones are there.
//!
//! A scheduler is a module of its own that implements [`Scheduler`] and says so with
//! [`scheduler_module!`](crate::scheduler_module). What it needs to know of the servers of one
//! virtual service it computes once for each change of them, into its [`Scheduler::State`]; the
//! servers and that state are published together, so that a pick never sees the one without the
//! other.

use core::{any::Any, marker::PhantomData};
use ipvs_core::config::Name;
use kernel::{
    alloc::KVec,
    new_mutex,
    prelude::*,
    str::BStr,
    sync::{self, Mutex},
    ThisModule,
};
use knet::{
    log,
    module::{self, ModuleRef},
    net_namespace::Net,
    rcu::{self, Arc, Slot},
    vec::VecExt,
};

use crate::pool::Member;
pub use ipvs_core::sched::{Change, Request};
#[doc(hidden)]
pub use knet::rcu_module;
pub use knet::{
    deferred::Deferred,
    rcu::Guard,
    vec::{fill_up, room},
};

pub mod destinations;
pub mod expiration;

/// What a scheduler is to prepare itself for.
pub struct Setup<'a> {
    /// The servers of the service, the newest first.
    pub members: &'a [Member],
    /// How they became what they are.
    pub change: Change,
    /// The namespace of the service.
    pub(crate) net: &'a Net,
}

/// 64 random bits.
#[inline(never)]
pub fn random() -> u64 {
    knet::random::number()
}

/// A way to choose the server of a new connection.
pub trait Scheduler: 'static {
    /// What users call it, at most 15 bytes.
    const NAME: &'static str;

    /// What it remembers about the servers of one service. Packets share it.
    type State: Send + Sync + 'static;

    /// Computes the state for the servers of `setup`.
    ///
    /// `previous` is the state before the change, if there was one. Called in process context,
    /// with the configuration locked. What takes long is better [`Deferred`]: only its memory is
    /// needed here, and of many changes only the last one that packets see is worked out.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or that these servers cannot be scheduled. The change is then refused.
    fn prepare(setup: &Setup<'_>, previous: Option<&Self::State>) -> Result<Self::State>;

    /// The index of the server that a new connection goes to.
    ///
    /// Called for packets, in the RCU read-side section of `guard`, on several CPUs at once.
    fn schedule(
        state: &Self::State,
        members: &[Member],
        request: &Request<'_>,
        guard: &Guard,
    ) -> Option<usize>;

    /// What the log says where [`schedule`](Self::schedule) has just found no server; [`None`] for
    /// nothing.
    fn complaint(_: &Self::State, _: &Request<'_>, _: &Guard) -> Option<&'static str> {
        Some(NO_SERVER)
    }
}

/// What schedulers say that find no server.
pub const NO_SERVER: &str = "no destination available";

/// A [`Scheduler`]'s state, its type forgotten.
pub(crate) trait Picker: Any + Send + Sync {
    fn pick(&self, members: &[Member], request: &Request<'_>, guard: &Guard) -> Option<usize>;
    fn complaint(&self, request: &Request<'_>, guard: &Guard) -> Option<&'static str>;
    fn as_any(&self) -> &dyn Any;
}

/// A [`Scheduler`], its type forgotten.
trait Factory: Sync {
    fn name(&self) -> &'static str;
    fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&dyn Picker>,
    ) -> Result<sync::Arc<dyn Picker>>;
}

struct State<S: Scheduler>(S::State);

impl<S: Scheduler> Picker for State<S> {
    fn pick(&self, members: &[Member], request: &Request<'_>, guard: &Guard) -> Option<usize> {
        S::schedule(&self.0, members, request, guard)
    }

    #[cold]
    fn complaint(&self, request: &Request<'_>, guard: &Guard) -> Option<&'static str> {
        S::complaint(&self.0, request, guard)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Adapter<S: Scheduler>(PhantomData<fn(S)>);

impl<S: Scheduler> Factory for Adapter<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&dyn Picker>,
    ) -> Result<sync::Arc<dyn Picker>> {
        let previous = previous.and_then(|picker| picker.as_any().downcast_ref::<State<S>>());
        let state = S::prepare(setup, previous.map(|state| &state.0))?;
        Ok(sync::Arc::new(State::<S>(state), GFP_KERNEL_ACCOUNT)?)
    }
}

/// A registered scheduler.
#[derive(Clone, Copy)]
struct Entry {
    factory: &'static dyn Factory,
    module: &'static ThisModule,
}

/// The registered schedulers.
#[pin_data]
struct Registry {
    #[pin]
    entries: Mutex<KVec<Entry>>,
}

static REGISTRY: Slot<Registry> = Slot::empty();

/// The life of the list of schedulers: the module struct of `ip_vs` holds it.
pub struct Schedulers(());

impl Schedulers {
    /// Makes the list, still empty.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> Result<Self> {
        let entries = KVec::new();
        let registry = pin_init!(Registry {
            entries <- new_mutex!(entries, "ip_vs_schedulers"),
        });
        drop(REGISTRY.replace(Some(Arc::pin_init(registry, GFP_KERNEL)?)));
        Ok(Self(()))
    }
}

impl Drop for Schedulers {
    fn drop(&mut self) {
        drop(REGISTRY.replace(None));
    }
}

/// A scheduler's place among the registered ones; its module struct holds it.
pub struct Registration<S: Scheduler>(PhantomData<fn(S)>);

impl<S: Scheduler> Registration<S> {
    /// Lets services use the scheduler.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name, `EINVAL` if the name is too long, `ENOMEM`.
    pub fn new(module: &'static ThisModule) -> Result<Self> {
        register(&Adapter::<S>(PhantomData), module)?;
        Ok(Self(PhantomData))
    }
}

impl<S: Scheduler> Drop for Registration<S> {
    fn drop(&mut self) {
        unregister(S::NAME);
    }
}

/// See [`Registration::new`]. Not generic, so that it is compiled here and not in each scheduler.
#[inline(never)]
fn register(factory: &'static dyn Factory, module: &'static ThisModule) -> Result {
    let name = factory.name();
    Name::new(name.as_bytes()).ok_or(EINVAL)?;
    let registry = REGISTRY.get().ok_or(ENODEV)?;
    let mut entries = registry.entries.lock();
    if entries.iter().any(|entry| entry.factory.name() == name) {
        pr_err!("[{}] scheduler already registered\n", name);
        return Err(EEXIST);
    }
    entries.append(Entry { factory, module })?;
    pr_info!("[{}] scheduler registered.\n", name);
    Ok(())
}

/// Takes [`register`] back, and waits for all that is left of the scheduler outside its module.
///
/// The exit of a module begins when its last reference is gone, and each [`Kept`](crate::pool::Kept) and
/// [`Published`](crate::pool::Published) pool was given up before its reference: so nobody owns a pool of
/// the scheduler any more, none is published, and the callbacks that drop the last ones are queued.
/// After a grace period no read-side section has one.
#[inline(never)]
fn unregister(name: &str) {
    if let Some(registry) = REGISTRY.get() {
        let mut entries = registry.entries.lock();
        entries.keep_only(|entry| entry.factory.name() != name);
    }
    rcu::synchronize();
    // One for the pools and the states in them; one for what a state owns that is dropped a grace period
    // later. If functions of the scheduler's module do that, its own barrier waits, too (`rcu_module!`).
    rcu::barrier(2);
    pr_info!("[{}] scheduler unregistered.\n", name);
}

/// A scheduler as pools know it: good for as long as the pool is, whose owner keeps the module, or for
/// the read-side section that the pool was loaded in.
pub(crate) struct Kind(Entry);

impl Kind {
    /// What users call it.
    pub(crate) fn name(&self) -> &str {
        self.0.factory.name()
    }

    /// The same for another pool, whose owner keeps the module, too.
    pub(crate) fn same(&self) -> Self {
        Self(self.0)
    }

    /// See [`Scheduler::prepare`].
    pub(crate) fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&dyn Picker>,
    ) -> Result<sync::Arc<dyn Picker>> {
        self.0.factory.prepare(setup, previous)
    }
}

/// A scheduler that somebody uses; its module stays loaded meanwhile.
pub(crate) struct Handle {
    kind: Kind,
    module: ModuleRef,
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind.same(),
            module: self.module.clone(),
        }
    }
}

impl Handle {
    /// The scheduler.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Finds a scheduler by name, and loads its module if it is not there.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none of that name.
    pub(crate) fn find(name: &Name) -> Result<Self> {
        Self::registered(name)
            .or_else(|| {
                // An unsuccessful attempt shows in the next line.
                let _ = module::request(fmt!("ip_vs_{}", BStr::from_bytes(name.as_bytes())));
                Self::registered(name)
            })
            .ok_or_else(|| {
                if log::ratelimit() {
                    pr_info!(
                        "Scheduler module ip_vs_{} not found\n",
                        BStr::from_bytes(name.as_bytes())
                    );
                }
                ENOENT
            })
    }

    fn registered(name: &Name) -> Option<Self> {
        let registry = REGISTRY.get()?;
        let entries = registry.entries.lock();
        let same_name = |entry: &&Entry| entry.factory.name().as_bytes() == name.as_bytes();
        let entry = *entries.iter().find(same_name)?;
        Some(Self {
            kind: Kind(entry),
            // None if the module is already on its way out.
            module: ModuleRef::try_new(entry.module)?,
        })
    }
}

/// Makes a module of a [`Scheduler`].
///
/// Takes what [`module!`] takes, without the type and with the scheduler in its place. `holds` is
/// something more that the module has while it is loaded: a type, and a function that makes it.
#[macro_export]
macro_rules! scheduler_module {
    (scheduler: $scheduler:ty, holds: $held:ty = $make:expr, $($rest:tt)*) => {
        struct SchedulerModule {
            _registration: $crate::scheduler::Registration<$scheduler>,
            _held: $held,
        }

        impl ::kernel::Module for SchedulerModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                let held = $make()?;
                Ok(Self {
                    _registration: $crate::scheduler::Registration::new(module)?,
                    _held: held,
                })
            }
        }

        $crate::scheduler::rcu_module! {
            type: SchedulerModule,
            $($rest)*
        }
    };
    (scheduler: $scheduler:ty, $($rest:tt)*) => {
        $crate::scheduler_module! {
            scheduler: $scheduler,
            holds: () = || Ok::<_, ::kernel::error::Error>(()),
            $($rest)*
        }
    };
}
