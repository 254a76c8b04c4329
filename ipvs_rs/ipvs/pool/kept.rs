// SPDX-License-Identifier: GPL-2.0

//! Who owns a pool, and the place where a service publishes its own.
//!
//! What a scheduler remembers is dropped by functions of its module. So a pool is owned together with a
//! reference to that module, and given up before it:
//!
//! ```text
//!   Kept::new ──> Kept ──publish──> Published ──load(&Guard)──> &Pool, for one read-side section
//!                  ^                    │ keep
//!                  └────────────────────┘
//!   drop of a Kept:  the pool (if it was the last: call_rcu), then the module (module_put)
//! ```
//!
//! The exit of the module begins when its last reference is gone; by then the callbacks that drop its
//! pools are queued, and [`scheduler::Registration`](crate::scheduler::Registration) waits for them. A
//! pool that waits for its grace period keeps no module, so a scheduler that is no longer used can be
//! unloaded at once.

use core::ops::Deref;
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use knet::{
    errno::enoprotoopt,
    list::List,
    module::ModuleRef,
    net_namespace::Net,
    rcu::{self, Arc, Guard, Ref, Slot},
};

use super::{Member, Pool, ServiceSettings};
use crate::scheduler::{Change, Handle};

/// A pool that is owned; the module of its scheduler stays loaded meanwhile.
///
/// No other type owns a pool. The fields are dropped in their order, which must stay as it is.
pub(crate) struct Kept {
    pool: Arc<Pool>,
    scheduler: Option<Handle>,
}

impl Kept {
    /// Owns a new pool: that of `members` under `scheduler`, which `previous` became by `change`, of a
    /// service in `net`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or what the scheduler says about these servers.
    pub(crate) fn new(
        members: List<Member>,
        scheduler: Option<Handle>,
        change: Change,
        previous: Option<&Pool>,
        settings: ServiceSettings,
        net: &Net,
    ) -> Result<Self> {
        let kind = scheduler.as_ref().map(Handle::kind);
        let pool = Pool::new(members, kind, change, previous, settings, net)?;
        Ok(Self {
            pool: Arc::new(pool, GFP_KERNEL_ACCOUNT)?,
            scheduler,
        })
    }

    /// Owns a pool of the same servers and scheduler with other settings.
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

    /// Owns a pool that was published at a moment of this read-side section; [`None`] if it or its
    /// module is on its way out.
    ///
    /// Its module has not gone before the section ends: [`Published`] held it at that moment, and its
    /// exit waits for a grace period.
    fn of(pool: Ref<'_, Pool>) -> Option<Self> {
        let scheduler = match pool.scheduler() {
            Some(kind) => Some(kind.hold()?),
            None => None,
        };
        Some(Self {
            pool: pool.try_clone()?,
            scheduler,
        })
    }

    /// The scheduler, for another pool.
    pub(crate) fn handle(&self) -> Option<Handle> {
        self.scheduler.clone()
    }
}

impl Deref for Kept {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}

/// The pool of a service as packets see it.
///
/// The fields are dropped in their order, as those of a [`Kept`].
#[pin_data]
pub(crate) struct Published {
    /// Empty once the service is deleted.
    pool: Slot<Pool>,
    #[pin]
    held: SpinLock<Held>,
}

/// What must stay loaded as long as the service is not deleted.
#[derive(Default)]
struct Held {
    _own: Option<ModuleRef>,
    /// That of the pool in the slot. A pool comes into the slot after its module was held, and leaves it
    /// before that is given up.
    scheduler: Option<Handle>,
}

impl Published {
    /// A place that is still empty, and keeps this module loaded.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT` if the module is being unloaded.
    pub(crate) fn new() -> Result<impl PinInit<Self>> {
        let held = Held {
            _own: Some(ModuleRef::own().ok_or_else(enoprotoopt)?),
            scheduler: None,
        };
        Ok(pin_init!(Self {
            pool: Slot::empty(),
            held <- new_spinlock!(held),
        }))
    }

    /// The pool of now; [`None`] once the service is deleted.
    #[inline]
    pub(crate) fn load<'g>(&self, guard: &'g Guard) -> Option<&'g Pool> {
        Some(self.pool.load(guard)?.get())
    }

    /// The servers of now, which stay together for who keeps them. They need no scheduler, so its
    /// module may go meanwhile.
    pub(crate) fn members(&self) -> Option<List<Member>> {
        Some(self.load(&rcu::read_lock())?.list().share())
    }

    /// The pool of now, owned.
    pub(crate) fn keep(&self) -> Option<Kept> {
        let guard = rcu::read_lock();
        let mut pool = self.pool.load(&guard)?;
        loop {
            let kept = Kept::of(pool);
            if kept.is_some() {
                return kept;
            }
            // It was replaced meanwhile, so there is another, unless its module is forced out.
            let before = core::mem::replace(&mut pool, self.pool.load(&guard)?);
            if core::ptr::eq(before.get(), pool.get()) {
                return None;
            }
        }
    }

    /// Lets packets see another pool.
    pub(crate) fn publish(&self, pool: Kept) {
        drop(self.replace(Some(pool)));
    }

    /// Lets packets see no pool any more; the modules may be unloaded.
    pub(crate) fn end(&self) {
        drop(self.replace(None));
        let before = core::mem::take(&mut *self.held.lock());
        drop(before);
    }

    fn replace(&self, new: Option<Kept>) -> Option<Kept> {
        let (pool, scheduler) = match new {
            Some(Kept { pool, scheduler }) => (Some(pool), scheduler),
            None => (None, None),
        };
        let mut held = self.held.lock();
        let pool = self.pool.replace(pool);
        let scheduler = core::mem::replace(&mut held.scheduler, scheduler);
        drop(held);
        Some(Kept {
            pool: pool?,
            scheduler,
        })
    }
}
