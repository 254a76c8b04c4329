// SPDX-License-Identifier: GPL-2.0

//! The pool of a service: packets load it, and the owner of its lock replaces it.
//!
//! ```text
//!   PublishedPool::new(OwnedPool) ──> PublishedPool ──load(&Guard)──> &Pool, for one read-side section
//!                             │    ^
//!                             lock └── LockedPool: renew, replace
//! ```

use kernel::{
    new_mutex,
    prelude::*,
    sync::{Mutex, MutexGuard},
};
use knet::{
    errno::enoprotoopt,
    list::List,
    module::ModuleRef,
    net_namespace::Net,
    rcu::{self, Arc, Guard, Slot},
};

use super::{Member, OwnedPool, Pool};
use crate::model::scheduling::Change;

/// The pool of a service as packets see it.
///
/// The fields are dropped in their order, as those of an [`OwnedPool`].
#[pin_data]
pub(crate) struct PublishedPool {
    /// Empty once the service is deleted.
    pool: Slot<Pool>,
    /// Taken inside the configuration lock.
    #[pin]
    owner: Mutex<Option<Owner>>,
}

/// The references that keep modules loaded until the service is deleted. Dropped in their order.
struct Owner {
    /// The pool in the slot.
    kept: OwnedPool,
    _own: ModuleRef,
}

impl PublishedPool {
    /// A place for the pool of a service, in which packets see nothing before [`publish`](Self::publish). It keeps
    /// this module loaded.
    ///
    /// The initializer captures the owner only: an initializer that is not used drops its captures in no fixed
    /// order, and the pool has to be dropped before the references to the modules.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT` if the module is being unloaded.
    pub(crate) fn new(kept: OwnedPool) -> Result<impl PinInit<Self>> {
        let _own = ModuleRef::own().ok_or_else(enoprotoopt)?;
        let owner = Some(Owner { kept, _own });
        Ok(pin_init!(Self {
            pool: Slot::empty(),
            owner <- new_mutex!(owner, "ip_vs_pool"),
        }))
    }

    /// Lets packets see the pool.
    pub(crate) fn publish(&self) {
        let owner = self.owner.lock();
        if let Some(owner) = &*owner {
            drop(self.pool.replace(Some(owner.kept.pool.clone())));
        }
    }

    /// The pool of now; [`None`] once the service is deleted.
    #[inline]
    pub(crate) fn load<'g>(&self, guard: &'g Guard) -> Option<&'g Pool> {
        Some(self.pool.load(guard)?.get())
    }

    /// The servers of now. A list needs no scheduler, so the module of the scheduler may go while somebody keeps
    /// the list.
    pub(crate) fn members(&self) -> Option<List<Member>> {
        Some(self.load(&rcu::read_lock())?.list())
    }

    /// Locks the pool for a change. May sleep.
    pub(crate) fn lock(&self) -> LockedPool<'_> {
        LockedPool {
            published: &self.pool,
            owner: self.owner.lock(),
        }
    }

    /// Lets packets see no pool any more; the modules may be unloaded.
    pub(crate) fn end(&self) {
        let mut owner = self.owner.lock();
        drop(self.pool.replace(None));
        *owner = None;
    }
}

/// A locked [`PublishedPool`]: its pool stays until the owner of this replaces it.
pub(crate) struct LockedPool<'a> {
    published: &'a Slot<Pool>,
    owner: MutexGuard<'a, Option<Owner>>,
}

impl LockedPool<'_> {
    /// The pool of now.
    ///
    /// # Errors
    ///
    /// `ESRCH` once the service is deleted.
    pub(crate) fn get(&self) -> Result<&OwnedPool> {
        Ok(&self.owner.as_ref().ok_or(ESRCH)?.kept)
    }

    /// Lets packets see a pool with other servers under the same scheduler, which the old pool becomes by
    /// `change`.
    ///
    /// `admit` does the last of the change that can fail, after the new pool is made and
    /// before packets see it.
    ///
    /// # Errors
    ///
    /// `ESRCH` once the service is deleted, `ENOMEM`, the error that the scheduler returns for these servers or
    /// that of `admit`. The old pool stays then.
    pub(crate) fn renew(
        &mut self,
        members: List<Member>,
        change: Change,
        net: &Net,
        admit: impl FnOnce() -> Result,
    ) -> Result {
        let kept = &mut (*self.owner).as_mut().ok_or(ESRCH)?.kept;
        let settings = *kept.settings();
        let previous = Some(&*kept.pool);
        let pool = Pool::new(members, &kept.plugins, change, previous, settings, net)?;
        let pool = Arc::new(pool, GFP_KERNEL_ACCOUNT)?;
        admit()?;
        drop(self.published.replace(Some(pool.clone())));
        kept.pool = pool;
        Ok(())
    }

    /// Lets packets see the pool without the server at `index`.
    ///
    /// # Errors
    ///
    /// See [`renew`](Self::renew). The server stays then.
    pub(crate) fn remove(&mut self, index: usize, net: &Net) -> Result {
        let kept = self.get()?;
        if kept.pool.shrink(index, &kept.plugins, net) {
            return Ok(());
        }
        let members = kept.list().without(index)?;
        self.renew(members, Change::Removed(index), net, || Ok(()))
    }

    /// Lets packets see another pool.
    ///
    /// # Errors
    ///
    /// `ESRCH` once the service is deleted.
    pub(crate) fn replace(&mut self, new: OwnedPool) -> Result {
        let kept = &mut (*self.owner).as_mut().ok_or(ESRCH)?.kept;
        drop(self.published.replace(Some(new.pool.clone())));
        *kept = new;
        Ok(())
    }
}
