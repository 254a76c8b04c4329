// SPDX-License-Identifier: GPL-2.0

//! A pool together with the modules of its scheduler and its persistence engine.
//!
//! The module of the scheduler has the functions that drop its state. So the owner of a pool also holds a reference
//! to that module, and drops the pool first:
//!
//! ```text
//!   drop of an OwnedPool:  the pool (if this was the last reference: call_rcu), then the module (module_put)
//! ```
//!
//! The exit of the module begins when its last reference is gone. By then the callbacks that drop its pools are
//! queued, and the registry of plugins waits for them. A pool that waits for its grace period holds no reference to
//! the module, so a scheduler without users can be unloaded at once. The same holds for the engine, which packets find in
//! a pool, in their read-side sections.

use core::ops::Deref;
use kernel::prelude::*;
use knet::{list::List, net_namespace::Net, rcu::Arc, registry::Held};

use super::{Pool, ServiceSettings};
use crate::model::{
    engine::Finder,
    member::Member,
    scheduling::{Change, Plugins},
};

/// A pool and references to the modules of its scheduler and its engine, which stay loaded while this value exists.
///
/// Only this type and [`PublishedPool`](super::PublishedPool) own pools. The fields are dropped in their order: the
/// pool must stay before the plugins.
pub(crate) struct OwnedPool {
    pub(super) pool: Arc<Pool>,
    pub(super) plugins: Plugins,
}

impl OwnedPool {
    /// Makes a pool of `members` for a service in `net`. `previous` is the pool before `change`, if there is one.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error that the scheduler returns for these servers.
    pub(crate) fn new(
        members: List<Member>,
        plugins: Plugins,
        change: Change,
        previous: Option<&Pool>,
        settings: ServiceSettings,
        net: &Net,
    ) -> Result<Self> {
        let pool = Pool::new(members, &plugins, change, previous, settings, net)?;
        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL_ACCOUNT)?,
            plugins,
        })
    }

    /// Makes a pool of the same servers and scheduler with another engine and other settings.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn with_settings(
        &self,
        engine: Option<Held<dyn Finder>>,
        settings: ServiceSettings,
    ) -> Result<Self> {
        let pool = self.pool.with_settings(engine.as_ref(), settings)?;
        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL_ACCOUNT)?,
            plugins: Plugins {
                scheduler: self.plugins.scheduler.clone(),
                engine,
            },
        })
    }
}

impl Deref for OwnedPool {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}
