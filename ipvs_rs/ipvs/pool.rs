// SPDX-License-Identifier: GPL-2.0

//! The servers of a service and the scheduler's view of them, published as one.

use core::ops::Deref;
use ipvs_core::{
    addr::{Addr, Family},
    sched,
};
use kernel::{
    alloc::{KBox, KVec},
    prelude::*,
};
use knet::{net_namespace::Net, rcu::Arc};

use crate::{
    dest::Dest,
    scheduler::{Change, Kind, Picker, Request, Setup},
};

/// A server in a [`Pool`].
#[derive(Clone)]
pub struct Member(pub(crate) Arc<Dest>);

impl Deref for Member {
    type Target = Dest;

    #[inline]
    fn deref(&self) -> &Dest {
        &self.0
    }
}

impl sched::Server for Member {
    #[inline]
    fn weight(&self) -> u32 {
        self.0.weight()
    }

    #[inline]
    fn is_overloaded(&self) -> bool {
        self.0.is_overloaded()
    }

    #[inline]
    fn effective_weight(&self) -> u32 {
        self.0.effective_weight()
    }

    #[inline]
    fn active(&self) -> u32 {
        self.0.active()
    }

    #[inline]
    fn total(&self) -> u32 {
        self.0.total()
    }

    #[inline]
    fn last_weight(&self) -> u32 {
        self.0.last_weight()
    }

    #[inline]
    fn family(&self) -> Family {
        self.0.key.family
    }

    #[inline]
    fn addr(&self) -> Addr {
        self.0.key.addr
    }

    #[inline]
    fn port(&self) -> u16 {
        self.0.key.port
    }
}

/// A pool never changes: each change of the servers or the scheduler makes a new one.
pub(crate) struct Pool {
    /// The newest server first, which is the order of listings and of searches.
    members: KVec<Member>,
    scheduling: Option<Scheduling>,
}

struct Scheduling {
    picker: KBox<dyn Picker>,
    scheduler: Kind,
}

impl Pool {
    /// The pool of `members` under `scheduler`, which `previous` became by `change`, of a service
    /// in `net`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or what the scheduler says about these servers.
    pub(crate) fn new(
        members: KVec<Member>,
        scheduler: Option<Kind>,
        change: Change,
        previous: Option<&Pool>,
        net: &Net,
    ) -> Result<Self> {
        let previous = previous.and_then(|pool| pool.scheduling.as_ref());
        let scheduling = match scheduler {
            None => None,
            Some(scheduler) => Some(Scheduling {
                picker: scheduler.prepare(
                    &Setup {
                        members: &members,
                        change,
                        net,
                    },
                    previous.map(|scheduling| &*scheduling.picker),
                )?,
                scheduler,
            }),
        };
        Ok(Self {
            members,
            scheduling,
        })
    }

    /// The servers, the newest first.
    #[inline]
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// A copy of the list of servers, with room for one more.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn copy_members(&self) -> Result<KVec<Member>> {
        let mut members = KVec::with_capacity(self.members.len().saturating_add(1), GFP_KERNEL)?;
        for member in &self.members {
            members
                .push_within_capacity(member.clone())
                .map_err(|_| ENOMEM)?;
        }
        Ok(members)
    }

    /// The scheduler, unless there is none.
    pub(crate) fn scheduler(&self) -> Option<Kind> {
        self.scheduling
            .as_ref()
            .map(|scheduling| scheduling.scheduler)
    }

    /// The server for a new connection.
    #[inline]
    pub(crate) fn schedule(&self, request: &Request<'_>) -> Option<&Member> {
        let picker = &self.scheduling.as_ref()?.picker;
        self.members.get(picker.pick(&self.members, request)?)
    }
}
