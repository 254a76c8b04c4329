// SPDX-License-Identifier: GPL-2.0

//! The virtual services of a namespace.

use ipvs_core::{addr::Family, config::ServiceKey, flow::Flow, hash::HashKey};
use kernel::prelude::*;
use knet::{
    hashtable::BucketLengths,
    net_namespace::Net,
    rcu::{self, Arc, Guard, Ref, Slot},
};

use super::{Cursor, Index, Service};

/// The virtual services of a namespace. They are in an [`Index`], and replacing the index replaces all of them at
/// one moment. Changed under the configuration lock.
pub(crate) struct Services {
    /// The secret of the hashes in all indexes of this namespace.
    key: HashKey,
    /// Never empty.
    index: Slot<Index>,
}

impl Services {
    /// A namespace without services.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(key: HashKey) -> Result<Self> {
        let index = Slot::new(Arc::pin_init(Index::new(key), GFP_KERNEL_ACCOUNT)?);
        Ok(Self { key, index })
    }

    /// An empty index with buckets for `count` services, to be filled and published.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new_index(&self, count: usize, factor: i32) -> Result<Arc<Index>> {
        let index = Arc::pin_init(Index::new(self.key), GFP_KERNEL_ACCOUNT)?;
        index.sizing.apply(&index.table, count, factor)?;
        Ok(index)
    }

    /// Replaces all services at one moment: packets and listings see those of `index` from now on.
    pub(crate) fn publish(&self, index: Arc<Index>) {
        drop(self.index.replace(Some(index)));
    }

    /// Takes all services out at one moment, and returns the index that has them.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the services stay.
    pub(crate) fn take(&self, factor: i32) -> Result<Arc<Index>> {
        let empty = self.new_index(0, factor)?;
        self.index.replace(Some(empty)).ok_or(ENOMEM)
    }

    /// The present index. A caller that keeps it goes on to see the services of this index: see [`Index::next`].
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.index.get()
    }

    /// The present index, for one read-side section.
    #[inline]
    fn now<'g>(&'g self, guard: &'g Guard) -> Option<&'g Index> {
        Some(self.index.load(guard)?.get())
    }

    /// The service that has this key.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        key: &ServiceKey,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.find(key, guard)
    }

    /// See [`Index::find_at`].
    pub(crate) fn find_at<'g>(
        &'g self,
        hash: u32,
        guard: &'g Guard,
        is_it: impl Fn(&Service) -> bool,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.find_at(hash, guard, is_it)
    }

    /// See [`Index::of_packet`].
    #[inline]
    pub(crate) fn of_packet<'g>(
        &'g self,
        flow: &Flow,
        mark: u32,
        net: &Net,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.of_packet(flow, mark, net, guard)
    }

    /// See [`Index::insert`].
    ///
    /// # Errors
    ///
    /// See there.
    pub(crate) fn insert(&self, service: &Arc<Service>, guard: &Guard) -> Result {
        self.now(guard).ok_or(ENOMEM)?.insert(service, guard)
    }

    /// Takes a service out of the index.
    pub(crate) fn remove(&self, service: &Service) {
        if let Some(index) = self.now(&rcu::read_lock()) {
            index.remove(service);
        }
    }

    /// The next service of a walk over all services. See [`Cursor`].
    pub(crate) fn next<'g>(
        &'g self,
        cursor: &mut Cursor,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.next(cursor, guard)
    }

    /// The number of services.
    pub(crate) fn count(&self) -> u32 {
        self.now(&rcu::read_lock()).map_or(0, Index::count)
    }

    /// The number of services for packets of `family`.
    pub(crate) fn count_of(&self, family: Family) -> u32 {
        let guard = rcu::read_lock();
        self.now(&guard).map_or(0, |index| index.count_of(family))
    }

    /// The distribution of the lengths of the buckets.
    pub(crate) fn lengths(&self) -> BucketLengths {
        let index = self.index.get();
        index.map_or(BucketLengths::default(), |index| index.table.lengths())
    }

    /// The number of buckets as a power of two; [`None`] before there are any.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.now(&rcu::read_lock())?.table.bits()
    }

    /// Whether the table is too small or too large for its services.
    pub(crate) fn are_ill_sized(&self) -> bool {
        let guard = rcu::read_lock();
        self.now(&guard).is_some_and(|index| {
            // CAST: A u32 fits.
            let count = index.count() as usize;
            index.sizing.is_outgrown(count) || index.sizing.is_oversized(count)
        })
    }

    /// Gives the table the size that fits the number of services with the load factor `factor`. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table stays as it was.
    pub(crate) fn resize(&self, factor: i32) -> Result {
        let index = self.index.get().ok_or(ENOMEM)?;
        // CAST: A u32 fits.
        let count = index.count() as usize;
        index.sizing.apply(&index.table, count, factor)
    }
}
