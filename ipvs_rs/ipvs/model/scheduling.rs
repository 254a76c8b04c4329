// SPDX-License-Identifier: GPL-2.0

//! The interface between a pool and its scheduler. Only the scheduler knows the type of its state.

use core::{any::Any, ops::Deref};
use ipvs_core::config::Name;
use kernel::{prelude::*, sync};
use knet::{
    net_namespace::Net,
    rcu::Guard,
    registry::{Held, Named},
};

use super::{engine::Finder, member::Member};
pub use ipvs_core::sched::{Arrival, Change};

/// The servers that a scheduler prepares its state for.
pub struct Setup<'a> {
    /// The servers of the service, the newest first.
    pub members: &'a [Member],
    /// The change that made this list of servers.
    pub change: Change,
    /// The namespace of the service.
    pub(crate) net: &'a Net,
}

impl<'a> Setup<'a> {
    /// The namespace of the service.
    #[inline]
    pub fn net(&self) -> &'a Net {
        self.net
    }
}

/// The state of a scheduler for the servers of one service.
pub trait Picker: Any + Send + Sync {
    /// The index of the server that a new connection goes to.
    fn pick(&self, members: &[Member], arrival: &Arrival<'_>, guard: &Guard) -> Option<usize>;
    /// The message for the log, after [`pick`](Self::pick) has found no server.
    fn complaint(&self, arrival: &Arrival<'_>, guard: &Guard) -> Option<&'static str>;
    /// The state as [`Any`], which its scheduler turns back into its own type.
    fn as_any(&self) -> &dyn Any;
}

/// A scheduler.
pub trait Factory: Named {
    /// Whether `previous`, the state before a change that removes a server, is right for the servers of `setup` as well. Packets go on
    /// using it, with the servers before and after the change.
    fn fits(&self, setup: &Setup<'_>, previous: &sync::Arc<dyn Picker>) -> bool;

    /// Makes the state for the servers of `setup`. `previous` is the state before the change, which may go on.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error that the scheduler returns for these servers.
    fn prepare(
        &self,
        setup: &Setup<'_>,
        previous: Option<&sync::Arc<dyn Picker>>,
    ) -> Result<sync::Arc<dyn Picker>>;
}

/// A scheduler in use. Its module stays loaded while this value exists.
#[derive(Clone)]
pub(crate) struct Handle {
    factory: Held<dyn Factory>,
    name: Name,
}

impl Handle {
    /// Names a scheduler that was found by `name`.
    pub(crate) fn new(factory: Held<dyn Factory>, name: Name) -> Self {
        Self { factory, name }
    }

    /// The name by which users select the scheduler.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }
}

/// The modules that a service uses, which stay loaded while this value exists.
#[derive(Clone, Default)]
pub(crate) struct Plugins {
    pub(crate) scheduler: Option<Handle>,
    pub(crate) engine: Option<Held<dyn Finder>>,
}

impl Deref for Handle {
    type Target = dyn Factory;

    fn deref(&self) -> &Self::Target {
        &*self.factory
    }
}
