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
use kernel::{c_str, prelude::*, static_lock_class, sync, ThisModule};
use knet::{
    net_namespace::Net,
    registry::{Named, Opened},
};

use super::registration::{not_found, Kind};
pub use crate::model::{
    member::Member,
    scheduling::{Arrival, Change, Setup},
};
use crate::model::{
    origin::{Monitor, Origin},
    scheduling::{Factory, Handle, Picker},
};
pub use knet::{
    deferred::Deferred,
    rcu::Guard,
    vec::{fill_up, room},
};

/// 64 random bits.
#[inline(never)]
pub fn random() -> u64 {
    knet::random::number()
}

/// Tells listeners that a setting of a scheduler was changed in a namespace.
#[inline(never)]
pub fn announce_setting(net: &Net, name: &CStr, value: &CStr) {
    Origin::elsewhere(net).setting(name, value);
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

    /// Whether the state before the change is right for the servers of `setup` as well, so that it goes on and [`prepare`](Self::prepare)
    /// is not called. Packets may still use it with the servers before the change.
    fn fits(_setup: &Setup<'_>, _previous: &Self::State) -> bool {
        // Who remembers nothing knows nothing wrong.
        size_of::<Self::State>() == 0
    }

    /// The index of the server that a new connection goes to.
    ///
    /// Called for packets, in the RCU read-side section of `guard`, on several CPUs at once.
    fn schedule(
        state: &Self::State,
        members: &[Member],
        arrival: &Arrival<'_>,
        guard: &Guard,
    ) -> Option<usize>;

    /// What the log says where [`schedule`](Self::schedule) has just found no server; [`None`] for
    /// nothing.
    fn complaint(_: &Self::State, _: &Arrival<'_>, _: &Guard) -> Option<&'static str> {
        Some(NO_SERVER)
    }
}

/// What schedulers say that find no server.
pub const NO_SERVER: &str = "no destination available";

/// The state of a [`Scheduler`] as a [`Picker`].
struct State<S: Scheduler>(S::State);

impl<S: Scheduler> Picker for State<S> {
    fn pick(&self, members: &[Member], arrival: &Arrival<'_>, guard: &Guard) -> Option<usize> {
        S::schedule(&self.0, members, arrival, guard)
    }

    #[cold]
    fn complaint(&self, arrival: &Arrival<'_>, guard: &Guard) -> Option<&'static str> {
        S::complaint(&self.0, arrival, guard)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A [`Scheduler`] as a [`Factory`].
struct Adapter<S: Scheduler>(PhantomData<fn(S)>);

impl<S: Scheduler> Named for Adapter<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }
}

impl<S: Scheduler> Factory for Adapter<S> {
    fn fits(&self, setup: &Setup<'_>, previous: &sync::Arc<dyn Picker>) -> bool {
        let before = previous.as_any().downcast_ref::<State<S>>();
        before.is_some_and(|State(state)| S::fits(setup, state))
    }

    fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&sync::Arc<dyn Picker>>,
    ) -> Result<sync::Arc<dyn Picker>> {
        let before = previous.and_then(|picker| picker.as_any().downcast_ref::<State<S>>());
        if let (Some(picker), Some(State(state))) = (previous, before) {
            if S::fits(setup, state) {
                return Ok(picker.clone());
            }
        }
        let state = S::prepare(setup, before.map(|state| &state.0))?;
        Ok(sync::Arc::new(State::<S>(state), GFP_KERNEL_ACCOUNT)?)
    }
}

static SCHEDULERS: Kind<dyn Factory> = Kind::new("scheduler");

/// What the name of a scheduler's module begins with.
const PREFIX: &str = "ip_vs_";

/// Opens the list of schedulers. The module struct of `ip_vs` holds it.
///
/// # Errors
///
/// `ENOMEM`.
pub fn open() -> Result<Opened<dyn Factory>> {
    SCHEDULERS.open(c_str!("ip_vs_schedulers"), static_lock_class!())
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
    SCHEDULERS.register(factory, module, || Ok(()))
}

/// Takes [`register`] back, and waits for all that is left of the scheduler outside its module.
///
/// The exit of a module begins when its last reference is gone. Each [`OwnedPool`](crate::model::pool::OwnedPool) and each
/// [`PublishedPool`](crate::model::pool::PublishedPool) pool was given up before its reference. So no pool of the scheduler
/// has an owner any more, none is published, and the callbacks that drop the last ones are queued. If functions of
/// the scheduler's module drop what the states own, the barrier of that module waits, too (`rcu_module!`).
#[inline(never)]
fn unregister(name: &str) {
    SCHEDULERS.unregister(name, || {});
}

/// Finds a scheduler by name, and loads its module if it is not there.
///
/// # Errors
///
/// `ENOENT` if there is none of that name.
pub(crate) fn find(name: &Name) -> Result<Handle> {
    match SCHEDULERS.find(PREFIX, name) {
        Some(factory) => Ok(Handle::new(factory, *name)),
        None => {
            not_found("Scheduler", PREFIX, name);
            Err(ENOENT)
        }
    }
}

/// Makes a module of a [`Scheduler`].
///
/// Takes what [`module!`] takes, without the type and with the scheduler in its place. `holds` is
/// something more that the module has while it is loaded: a type, and a function that makes it.
#[macro_export]
macro_rules! scheduler_module {
    (scheduler: $scheduler:ty, $($rest:tt)*) => {
        $crate::plugin_module! {
            registration: $crate::plugin::scheduler::Registration<$scheduler>,
            $($rest)*
        }
    };
}
