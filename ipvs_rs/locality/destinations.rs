// SPDX-License-Identifier: GPL-2.0

//! Which servers the packets to each destination go to, as far as a service remembers.
//!
//! For the schedulers that care for the locality of destinations. Found without a lock; only what
//! was not seen before takes the lock of a part of the table. There is no timer: whoever adds a
//! destination looks at a few others, and forgets those whose time is over. So there are never
//! more than [`MOST`](ipvs_core::sched::locality::MOST), and what is not used any more makes room for what is.

use core::sync::atomic::Ordering::Relaxed;
use ipvs::plugin::scheduler::{Member, Setup};
use ipvs_core::flow::Flow;
use kernel::{alloc::KBox, prelude::*};
use knet::{
    rcu::{Arc, Guard, Ref},
    time::Jiffies,
};

use crate::{
    destination::Destination,
    expiration::{self, Owner},
    known::{seconds_since, Known},
    servers::Servers,
};

/// The destinations of one service.
pub struct Destinations(KBox<dyn Shared>);

/// What [`Destinations`] share. Behind a `dyn`, so that dropping it is compiled here: the functions
/// that free the objects stay when the module of the scheduler goes.
trait Shared: Send + Sync {
    fn get(&self) -> &Known;
    fn share(&self) -> Result<KBox<dyn Shared>>;
}

impl Shared for Arc<Known> {
    fn get(&self) -> &Known {
        self
    }

    fn share(&self) -> Result<KBox<dyn Shared>> {
        Ok(KBox::new(self.clone(), GFP_KERNEL_ACCOUNT)?)
    }
}

impl Destinations {
    /// The destinations of a service: those that it had, or none if it is new or had another
    /// scheduler. `owner` tells whose setting says when they are forgotten.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ENOENT` if the namespace goes away.
    #[inline(never)]
    pub fn of(setup: &Setup<'_>, previous: Option<&Self>, owner: Owner) -> Result<Self> {
        if let Some(previous) = previous {
            return previous.0.share().map(Self);
        }
        let expiration = expiration::of(setup.net(), owner).ok_or(ENOENT)?;
        Ok(Self(KBox::new(
            Known::new(expiration)?,
            GFP_KERNEL_ACCOUNT,
        )?))
    }

    /// The destination of a packet, if it is known.
    #[inline(never)]
    pub fn find<'g>(&'g self, flow: &Flow, guard: &'g Guard) -> Option<Ref<'g, Destination>> {
        self.look_up(flow, guard)
    }

    /// The index of the only server of a packet's destination, if both are known and it is still
    /// there: `find` and [`Destination::only_server`] in one.
    #[inline(never)]
    pub fn only_server(&self, flow: &Flow, members: &[Member], guard: &Guard) -> Option<usize> {
        self.look_up(flow, guard)?.get().only(members, guard)
    }

    #[inline]
    fn look_up<'g>(&'g self, flow: &Flow, guard: &'g Guard) -> Option<Ref<'g, Destination>> {
        let known = self.0.get();
        let is_it = |destination: &Destination, _| destination.addr == flow.dst;
        let (destination, _) = known.table.find(known.hash(flow), guard, is_it)?;
        let now = Jiffies::now().ticks();
        if destination.used.load(Relaxed) != now {
            destination.used.store(now, Relaxed);
        }
        Some(destination)
    }

    /// From now on packets like this one go to the server at `index` alone.
    ///
    /// If there is no memory or no room, or another packet was faster, nothing is remembered.
    #[inline(never)]
    pub fn assign(&self, flow: &Flow, members: &[Member], index: usize, guard: &Guard) {
        let Some(servers) = Servers::new(members, index, None) else {
            return;
        };
        match self.find(flow, guard) {
            Some(destination) => drop(destination.servers.replace(Some(servers))),
            None => self.0.get().insert(flow, servers, guard),
        }
    }

    /// From now on packets to `destination` go to the server at `index` too.
    #[inline(never)]
    pub fn add(&self, destination: &Destination, members: &[Member], index: usize, guard: &Guard) {
        let Some(old) = destination.servers.load(guard).and_then(Ref::try_clone) else {
            return;
        };
        let is_in = old.all().any(|server| server.index(members) == Some(index));
        if is_in {
            return;
        }
        if let Some(servers) = Servers::new(members, index, Some(&old)) {
            // Another packet may have been faster.
            let _ = destination.servers.replace_if(Some(&old), Some(servers));
        }
    }

    /// If the servers of `destination` have been the same for the time that is set, and are more
    /// than one, lets `choose` say which of them leaves.
    #[inline(never)]
    pub fn thin_out(
        &self,
        destination: &Destination,
        members: &[Member],
        guard: &Guard,
        choose: &dyn Fn() -> Option<usize>,
    ) {
        let Some(old) = destination.servers.load(guard) else {
            return;
        };
        let expiration = self.0.get().expiration.get();
        if old.others.is_empty() || seconds_since(old.since) <= expiration {
            return;
        }
        let Some(old) = old.try_clone() else {
            return;
        };
        if let Some(servers) = choose().and_then(|leaver| old.without(members, leaver)) {
            // Another packet may have been faster.
            let _ = destination.servers.replace_if(Some(&old), Some(servers));
        }
    }
}
