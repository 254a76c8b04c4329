// SPDX-License-Identifier: GPL-2.0

//! A pool together with the module of its scheduler.
//!
//! The module has the functions that drop the state of the scheduler. So the owner of a pool also holds a reference
//! to the module, and drops the pool first:
//!
//! ```text
//!   drop of an OwnedPool:  the pool (if this was the last reference: call_rcu), then the module (module_put)
//! ```
//!
//! The exit of the module begins when its last reference is gone. By then the callbacks that drop its pools are
//! queued, and the registry of plugins waits for them. A pool that waits for its grace period holds no reference to
//! the module, so a scheduler without users can be unloaded at once.

use core::ops::Deref;
use kernel::prelude::*;
use knet::{list::List, net_namespace::Net, rcu::Arc};

use super::{Pool, ServiceSettings};
use crate::model::{
    member::Member,
    scheduling::{Change, Handle},
};

/// A pool and a reference to the module of its scheduler, which stays loaded while this value exists.
///
/// Only this type and [`PublishedPool`](super::PublishedPool) own pools. The fields are dropped in their order: the
/// pool must stay before the scheduler.
pub(crate) struct OwnedPool {
    pub(super) pool: Arc<Pool>,
    pub(super) scheduler: Option<Handle>,
}

impl OwnedPool {
    /// Makes a pool of `members` for a service in `net`. `previous` is the pool before `change`, if there is one.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error that the scheduler returns for these servers.
    pub(crate) fn new(
        members: List<Member>,
        scheduler: Option<Handle>,
        change: Change,
        previous: Option<&Pool>,
        settings: ServiceSettings,
        net: &Net,
    ) -> Result<Self> {
        let pool = Pool::new(members, scheduler.as_ref(), change, previous, settings, net)?;
        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL_ACCOUNT)?,
            scheduler,
        })
    }

    /// Makes a pool of the same servers and scheduler with other settings.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn with_settings(&self, settings: ServiceSettings) -> Result<Self> {
        Ok(Self {
            pool: Arc::new(self.pool.with_settings(settings), GFP_KERNEL_ACCOUNT)?,
            scheduler: self.scheduler.clone(),
        })
    }
}

impl Deref for OwnedPool {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}
