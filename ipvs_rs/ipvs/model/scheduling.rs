// SPDX-License-Identifier: GPL-2.0

//! A scheduler as a pool uses it: the type of the scheduler and of its state are not known here.

use core::{any::Any, ops::Deref};
use ipvs_core::config::Name;
use kernel::{prelude::*, sync};
use knet::{
    net_namespace::Net,
    rcu::Guard,
    registry::{Held, Named},
};

use super::pool::Member;
pub use ipvs_core::sched::{Arrival, Change};

/// What a scheduler is to prepare itself for.
pub struct Setup<'a> {
    /// The servers of the service, the newest first.
    pub members: &'a [Member],
    /// How they became what they are.
    pub change: Change,
    /// The namespace of the service.
    pub(crate) net: &'a Net,
}

/// The state of a scheduler for the servers of one service.
pub trait Picker: Any + Send + Sync {
    /// The index of the server that a new connection goes to.
    fn pick(&self, members: &[Member], arrival: &Arrival<'_>, guard: &Guard) -> Option<usize>;
    /// The text for the log where [`pick`](Self::pick) has just found no server.
    fn complaint(&self, arrival: &Arrival<'_>, guard: &Guard) -> Option<&'static str>;
    /// For the scheduler that made it.
    fn as_any(&self) -> &dyn Any;
}

/// A scheduler.
pub trait Factory: Named {
    /// Makes the state for the servers of `setup`; `previous` is that of the servers before the change.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error that the scheduler returns for these servers.
    fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&dyn Picker>,
    ) -> Result<sync::Arc<dyn Picker>>;
}

/// A scheduler in use; its module stays loaded meanwhile.
#[derive(Clone)]
pub(crate) struct Handle {
    factory: Held<dyn Factory>,
    name: Name,
}

impl Handle {
    /// The scheduler that was found by `name`.
    pub(crate) fn new(factory: Held<dyn Factory>, name: Name) -> Self {
        Self { factory, name }
    }

    /// The name by which users know it.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }
}

impl Deref for Handle {
    type Target = dyn Factory;

    fn deref(&self) -> &Self::Target {
        &*self.factory
    }
}
