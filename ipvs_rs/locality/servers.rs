// SPDX-License-Identifier: GPL-2.0

//! The servers of one destination.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ipvs::plugin::scheduler::Member;
use ipvs_core::config::DestKey;
use kernel::{
    alloc::{flags::__GFP_NOWARN, KVec},
    prelude::*,
};
use knet::{rcu::Arc, time::Jiffies, vec};

/// A set of servers never changes; each change makes a new one.
pub(crate) struct Servers {
    /// The newest one.
    pub(crate) first: Reference,
    pub(crate) others: KVec<Reference>,
    pub(crate) since: Jiffies,
}

/// A server by its name: should it be deleted and come back, it is the same.
pub(crate) struct Reference {
    key: DestKey,
    /// Where it was in the pool when last looked for.
    index: AtomicUsize,
}

impl Reference {
    fn to(members: &[Member], index: usize) -> Option<Self> {
        Some(Self {
            key: members.get(index)?.key(),
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
    pub(crate) fn index(&self, members: &[Member]) -> Option<usize> {
        let index = self.index.load(Relaxed);
        if members
            .get(index)
            .is_some_and(|member| member.key() == self.key)
        {
            return Some(index);
        }
        let index = vec::position(members, |member| member.key() == self.key)?;
        self.index.store(index, Relaxed);
        Some(index)
    }
}

impl Servers {
    /// All servers, the newest one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Reference> {
        Iterator::chain(core::iter::once(&self.first), &self.others)
    }

    /// The server at `index`, then the `others`.
    pub(crate) fn new(
        members: &[Member],
        index: usize,
        others: Option<&Self>,
    ) -> Option<Arc<Self>> {
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
    pub(crate) fn without(&self, members: &[Member], index: usize) -> Option<Arc<Self>> {
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

/// The indices of the servers of a destination: see [`Destination::servers`](crate::destination::Destination::servers).
pub struct Indices<'a> {
    pub(crate) first: Option<&'a Reference>,
    pub(crate) others: core::slice::Iter<'a, Reference>,
    pub(crate) members: &'a [Member],
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
