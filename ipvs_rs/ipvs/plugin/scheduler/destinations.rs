// SPDX-License-Identifier: GPL-2.0

//! Which servers the packets to each destination go to, as far as a service remembers.
//!
//! For the schedulers that care for the locality of destinations. Found without a lock; only what
//! was not seen before takes the lock of a part of the table. There is no timer: whoever adds a
//! destination looks at a few others, and forgets those whose time is over. So there are never
//! more than [`MOST`](locality::MOST), and what is not used any more makes room for what is.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    addr::Addr,
    config::DestKey,
    flow::Flow,
    hash::{self, HashKey},
    sched::locality,
};
use kernel::{
    alloc::{flags::__GFP_NOWARN, KBox, KVec},
    prelude::*,
};
use knet::{
    field::field,
    hashtable::{Cursor, Node, Table},
    random,
    rcu::{Arc, Guard, Ref, Slot},
    spinlock::{new_spinlock_bh, SpinLockBh},
    time::{Jiffies, HZ},
    vec,
};

use super::{
    expiration::{self, Owner, Seconds},
    Setup,
};
use crate::model::member::Member;

/// The number of buckets is 2 to this power, that of locks to the other.
const BITS: u32 = 10;
const LOCK_BITS: u32 = 4;

/// How many destinations are looked at when one is added.
const LOOKS: usize = 8;

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

#[pin_data]
struct Known {
    key: HashKey,
    #[pin]
    table: Table<Destination>,
    count: AtomicUsize,
    expiration: Arc<Seconds>,
    /// Where the next look begins.
    #[pin]
    cursor: SpinLockBh<Cursor>,
}

/// A destination, and the servers that its packets go to.
pub struct Destination {
    node: Node<Destination>,
    addr: Addr,
    /// When a packet came last.
    used: AtomicUsize,
    servers: Slot<Servers>,
}

/// A set of servers never changes; each change makes a new one.
struct Servers {
    /// The newest one.
    first: Reference,
    others: KVec<Reference>,
    since: Jiffies,
}

/// A server by its name: should it be deleted and come back, it is the same.
struct Reference {
    key: DestKey,
    /// Where it was in the pool when last looked for.
    index: AtomicUsize,
}

impl Reference {
    fn to(members: &[Member], index: usize) -> Option<Self> {
        Some(Self {
            key: members.get(index)?.key,
            index: AtomicUsize::new(index),
        })
    }

    fn copy(&self) -> Self {
        Self {
            key: self.key,
            index: AtomicUsize::new(self.index.load(Relaxed)),
        }
    }

    /// The index of the server, if it is there.
    fn index(&self, members: &[Member]) -> Option<usize> {
        let index = self.index.load(Relaxed);
        if members
            .get(index)
            .is_some_and(|member| member.key == self.key)
        {
            return Some(index);
        }
        let index = vec::position(members, |member| member.key == self.key)?;
        self.index.store(index, Relaxed);
        Some(index)
    }
}

impl Destination {
    /// The indices of the servers that are still there, the newest one first.
    #[inline(never)]
    pub fn servers<'a>(&self, members: &'a [Member], guard: &'a Guard) -> Indices<'a> {
        let servers = self.servers.load(guard).map(Ref::get);
        Indices {
            first: servers.map(|servers| &servers.first),
            others: servers.map_or_else(Default::default, |servers| servers.others.iter()),
            members,
        }
    }

    /// The index of the only server, if it is still there; [`None`] if there are more.
    #[inline(never)]
    pub fn only_server(&self, members: &[Member], guard: &Guard) -> Option<usize> {
        self.only(members, guard)
    }

    #[inline]
    fn only(&self, members: &[Member], guard: &Guard) -> Option<usize> {
        let servers = self.servers.load(guard)?.get();
        match servers.others.is_empty() {
            true => servers.first.index(members),
            false => None,
        }
    }
}

/// See [`Destination::servers`].
pub struct Indices<'a> {
    first: Option<&'a Reference>,
    others: core::slice::Iter<'a, Reference>,
    members: &'a [Member],
}

impl Iterator for Indices<'_> {
    type Item = usize;

    #[inline(never)]
    fn next(&mut self) -> Option<usize> {
        while let Some(server) = self.first.take().or_else(|| self.others.next()) {
            let index = server.index(self.members);
            if index.is_some() {
                return index;
            }
        }
        None
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
        let expiration = expiration::of(setup.net, owner).ok_or(ENOENT)?;
        let key = HashKey::new([random::number(), random::number()]);
        let known = Arc::pin_init(
            pin_init!(Known {
                key,
                table <- Table::new(LOCK_BITS),
                count: AtomicUsize::new(0),
                expiration,
                cursor <- new_spinlock_bh!(Cursor::default(), "ip_vs_destinations"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        known.table.resize(BITS)?;
        Ok(Self(KBox::new(known, GFP_KERNEL_ACCOUNT)?))
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

impl Servers {
    fn all(&self) -> impl Iterator<Item = &Reference> {
        Iterator::chain(core::iter::once(&self.first), &self.others)
    }

    /// The server at `index`, then the `others`.
    fn new(members: &[Member], index: usize, others: Option<&Self>) -> Option<Arc<Self>> {
        let first = Reference::to(members, index)?;
        match others {
            None => Self::collect(first, 0, core::iter::empty()),
            Some(others) => {
                let count = others.others.len().saturating_add(1);
                Self::collect(first, count, others.all().map(Reference::copy))
            }
        }
    }

    /// All but the server at `index`.
    fn without(&self, members: &[Member], index: usize) -> Option<Arc<Self>> {
        let stays = |server: &&Reference| server.index(members) != Some(index);
        let mut others = self.all().filter(stays).map(Reference::copy);
        let first = others.next()?;
        Self::collect(first, self.others.len(), others)
    }

    fn collect(
        first: Reference,
        most: usize,
        all: impl Iterator<Item = Reference>,
    ) -> Option<Arc<Self>> {
        let mut others = KVec::with_capacity(most, GFP_ATOMIC | __GFP_NOWARN).ok()?;
        for server in all {
            others.push_within_capacity(server).ok()?;
        }
        let since = Jiffies::now();
        let servers = Self {
            first,
            others,
            since,
        };
        Arc::new(servers, GFP_ATOMIC | __GFP_NOWARN).ok()
    }
}

impl Known {
    fn hash(&self, flow: &Flow) -> u32 {
        hash::address(self.key, flow.family, flow.dst)
    }

    /// Remembers a new destination, if there is room and memory.
    #[cold]
    fn insert(&self, flow: &Flow, servers: Arc<Servers>, guard: &Guard) {
        self.look_around(guard);
        if self.count.fetch_add(1, Relaxed) >= locality::MOST
            || self.try_insert(flow, servers, guard).is_err()
        {
            self.count.fetch_sub(1, Relaxed);
        }
    }

    fn try_insert(&self, flow: &Flow, servers: Arc<Servers>, guard: &Guard) -> Result {
        let destination = Destination {
            node: Node::new(0),
            addr: flow.dst,
            used: AtomicUsize::new(Jiffies::now().ticks()),
            servers: Slot::new(servers),
        };
        let destination = Arc::new(destination, GFP_ATOMIC | __GFP_NOWARN)?;
        let hash = self.hash(flow);
        let is_same = |other: &Destination, _| other.addr == flow.dst;
        self.table
            .insert(
                &destination,
                field!(Destination, node),
                hash,
                guard,
                is_same,
            )
            .map_err(|_| EEXIST)
    }

    /// Looks at a few destinations, and forgets those whose time is over.
    fn look_around(&self, guard: &Guard) {
        let Some(mut cursor) = self.cursor.try_lock() else {
            return;
        };
        let expiration = self.expiration.get();
        for _ in 0..LOOKS {
            let Some((destination, _)) = self.table.next(&mut cursor, guard) else {
                *cursor = Cursor::default();
                return;
            };
            let used = Jiffies::from_ticks(destination.used.load(Relaxed));
            let count = self.count.load(Relaxed);
            if locality::is_forgotten(seconds_since(used), expiration, count)
                && self.table.remove(&destination.node).is_some()
            {
                self.count.fetch_sub(1, Relaxed);
            }
        }
    }
}

/// Whole seconds from a point in time until now.
fn seconds_since(time: Jiffies) -> u32 {
    let ticks = usize::try_from(Jiffies::now().since(time)).unwrap_or(0);
    u32::try_from(ticks / HZ).unwrap_or(u32::MAX)
}
