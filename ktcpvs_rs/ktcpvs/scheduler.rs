// SPDX-License-Identifier: GPL-2.0

//! What a scheduler is, and which ones are there.
//!
//! A scheduler is a module of its own that implements [`Scheduler`] and says so with
//! [`scheduler_module!`](crate::scheduler_module). A service that names it loads it as `ktcpvs_NAME`.

use core::marker::PhantomData;
use kernel::{c_str, prelude::*, static_lock_class, str::BStr, ThisModule};
use knet::{
    module,
    rcu::Arc,
    registry::{Held, Named, Opened, Registry, Unheld},
};
use ktcpvs_core::{balance, rules};

use crate::server::Server;

#[doc(hidden)]
pub use knet::rcu_module;

/// What a scheduler reads before it chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: the server may speak first.
    Nothing,
    /// The head of the first request; later ones of the connection go to the same server.
    FirstHead,
}

/// A server of a service with its weight, as schedulers see it.
#[derive(Clone)]
pub struct Member {
    pub(crate) server: Arc<Server>,
    pub(crate) weight: u16,
}

impl balance::Server for Member {
    fn weight(&self) -> u32 {
        self.weight.into()
    }

    fn relays(&self) -> u32 {
        self.server.relays()
    }

    fn is_down(&self) -> bool {
        self.server.down() != 0
    }
}

/// A choice that a scheduler has to make.
pub struct Choice<'a> {
    pub(crate) members: &'a [Member],
    /// All servers, by their index.
    pub(crate) everyone: &'a [u16],
    /// The servers of the first rule that matches.
    pub(crate) matched: Option<&'a [u16]>,
    pub(crate) turn: usize,
    pub(crate) tried: &'a [Option<Arc<Server>>],
}

impl<'a> Choice<'a> {
    /// All servers of the service, by their index.
    pub fn everyone(&self) -> &'a [u16] {
        self.everyone
    }

    /// The servers of the first rule that matches, if one does.
    pub fn matched(&self) -> Option<&'a [u16]> {
        self.matched
    }

    /// The one of these servers with the fewest relays for its weight that was not tried for this request.
    pub fn least_loaded(&self, candidates: Option<&[u16]>) -> Option<u16> {
        rules::choose(candidates, self.members, self.turn, |index| {
            let member = self.members.get(usize::from(index));
            member.is_some_and(|member| is_in(self.tried, &member.server))
        })
    }
}

fn is_in(tried: &[Option<Arc<Server>>], server: &Arc<Server>) -> bool {
    tried
        .iter()
        .any(|it| it.as_ref().is_some_and(|it| it.ptr_eq(server)))
}

/// A way to choose the server of a relay.
pub trait Scheduler: 'static {
    /// What users call it, at most 15 bytes.
    const NAME: &'static str;
    /// What it reads.
    const READS: Reads;

    /// The index of the server. Called in bottom halves, on several CPUs at once.
    fn choose(choice: &Choice<'_>) -> Option<u16>;
}

/// A scheduler, of any type.
pub(crate) trait Choose: Named {
    fn reads(&self) -> Reads;
    fn choose(&self, choice: &Choice<'_>) -> Option<u16>;
}

/// A [`Scheduler`] as a [`Choose`].
struct Adapter<S: Scheduler>(PhantomData<fn(S)>);

impl<S: Scheduler> Named for Adapter<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }
}

impl<S: Scheduler> Choose for Adapter<S> {
    fn reads(&self) -> Reads {
        S::READS
    }

    fn choose(&self, choice: &Choice<'_>) -> Option<u16> {
        S::choose(choice)
    }
}

/// A scheduler whose module stays loaded.
pub(crate) type Handle = Held<dyn Choose>;
/// A scheduler in what relays find.
pub(crate) type Weak = Unheld<dyn Choose>;

static SCHEDULERS: Registry<dyn Choose> = Registry::new();

/// The list of schedulers is open as long as this exists.
pub struct Open(#[expect(dead_code, reason = "it is for its drop")] Opened<dyn Choose>);

/// Opens the list of schedulers. The module struct of `ktcpvs` holds it.
///
/// # Errors
///
/// `ENOMEM`.
pub fn open() -> Result<Open> {
    let opened = SCHEDULERS.open(c_str!("ktcpvs_schedulers"), static_lock_class!())?;
    Ok(Open(opened))
}

/// Finds a scheduler by name, and loads its module if it is not there. May sleep.
///
/// # Errors
///
/// `ENOENT` if there is none of that name.
pub(crate) fn find(name: &[u8]) -> Result<Handle> {
    if let Some(found) = SCHEDULERS.find(name) {
        return Ok(found);
    }
    // An unsuccessful attempt shows in the next line.
    let _ = module::request_module(fmt!("ktcpvs_{}", BStr::from_bytes(name)));
    SCHEDULERS.find(name).ok_or(ENOENT)
}

/// A scheduler's place among the registered ones; its module struct holds it.
pub struct Registration<S: Scheduler>(PhantomData<fn(S)>);

impl<S: Scheduler> Registration<S> {
    /// Lets services use the scheduler.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one of that name, `ENOMEM`.
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
fn register(scheduler: &'static dyn Choose, module: &'static ThisModule) -> Result {
    SCHEDULERS.insert(scheduler, module, || Ok(()))
}

/// Takes [`register`] back, and waits for those who still use the scheduler.
#[inline(never)]
fn unregister(name: &str) {
    SCHEDULERS.remove(name, || {});
}

/// Makes a module of a [`Scheduler`].
///
/// Takes what [`module!`] takes, without the type and with the scheduler in its place.
#[macro_export]
macro_rules! scheduler_module {
    (scheduler: $scheduler:ty, $($rest:tt)*) => {
        struct SchedulerModule {
            _registration: $crate::scheduler::Registration<$scheduler>,
        }

        impl ::kernel::Module for SchedulerModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                Ok(Self {
                    _registration: $crate::scheduler::Registration::new(module)?,
                })
            }
        }

        $crate::scheduler::rcu_module! {
            type: SchedulerModule,
            $($rest)*
        }
    };
}
