// SPDX-License-Identifier: GPL-2.0

//! The table of the services of a namespace, which can be replaced as a whole.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};
use ipvs_core::{
    addr::Family,
    config::ServiceKey,
    flow::Flow,
    hash::{self, HashKey},
    plan::lookup::{self, FTP},
};
use kernel::prelude::*;
use knet::{
    field::field,
    hashtable::{self, BucketLengths, Table},
    net_namespace::Net,
    rcu::{self, Arc, Guard, Ref, Slot},
};

use super::Service;
use crate::model::sizing::Sizing;

/// The number of buckets is 2 to a power in this range.
const BITS: RangeInclusive<u32> = 4..=20;

/// The services of a namespace: all of them are replaced at one moment by replacing the index.
pub(crate) struct Services {
    key: HashKey,
    /// Never empty.
    index: Slot<Index>,
}

/// The services of a namespace at one time, or for as long as they change one by one.
#[pin_data]
pub(crate) struct Index {
    key: HashKey,
    #[pin]
    table: Table<Service>,
    sizing: Sizing,
    count: AtomicU32,
    /// How many are for IPv6.
    count_v6: AtomicU32,
    /// How many are known by a firewall mark; packets need not be looked up if none is.
    marks: AtomicU32,
    /// How many have the port of FTP.
    ftp: AtomicU32,
    /// How many are for all ports of an address.
    all_ports: AtomicU32,
}

/// A place in the order of all services, which stays meaningful whatever becomes of them: a walk
/// that follows it meets each service that was there all the time once.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cursor {
    hash: u32,
    /// Of the services with this hash, those up to this serial number are done.
    serial: u64,
}

impl Services {
    /// No services.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(key: HashKey) -> Result<Self> {
        let index = Slot::new(Arc::pin_init(Index::new(key), GFP_KERNEL_ACCOUNT)?);
        Ok(Self { key, index })
    }

    /// Another index, still empty, with buckets for so many services.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new_index(&self, count: usize, factor: i32) -> Result<Arc<Index>> {
        let index = Arc::pin_init(Index::new(self.key), GFP_KERNEL_ACCOUNT)?;
        index.sizing.apply(&index.table, count, factor)?;
        Ok(index)
    }

    /// Lets packets and listings see the services of another index, and no others.
    pub(crate) fn publish(&self, index: Arc<Index>) {
        drop(self.index.replace(Some(index)));
    }

    /// The services of now, which stay together for who keeps them: see [`Index::next`].
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.index.get()
    }

    /// The services of now.
    #[inline]
    fn now<'g>(&'g self, guard: &'g Guard) -> Option<&'g Index> {
        Some(self.index.load(guard)?.get())
    }

    /// The service of exactly this key.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        key: &ServiceKey,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.find(key, guard)
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

    /// Takes a service out.
    pub(crate) fn remove(&self, service: &Service) {
        if let Some(index) = self.now(&rcu::read_lock()) {
            index.remove(service);
        }
    }

    /// The next service of a walk over all.
    pub(crate) fn next<'g>(
        &'g self,
        cursor: &mut Cursor,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        self.now(guard)?.next(cursor, guard)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.now(&rcu::read_lock()).map_or(0, Index::count)
    }

    /// How many there are for packets of `family`.
    pub(crate) fn count_of(&self, family: Family) -> u32 {
        let guard = rcu::read_lock();
        self.now(&guard).map_or(0, |index| index.count_of(family))
    }

    /// How many of the buckets are how long.
    pub(crate) fn lengths(&self) -> BucketLengths {
        let index = self.index.get();
        index.map_or(BucketLengths::default(), |index| index.table.lengths())
    }

    /// The number of buckets is 2 to this power, once there are any.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.now(&rcu::read_lock())?.table.bits()
    }

    /// Whether the table should have another size.
    pub(crate) fn are_ill_sized(&self) -> bool {
        let guard = rcu::read_lock();
        self.now(&guard).is_some_and(|index| {
            // CAST: A u32 fits.
            let count = index.count() as usize;
            index.sizing.is_outgrown(count) || index.sizing.is_oversized(count)
        })
    }

    /// Gives the table the size that it should have with this load factor. May sleep.
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

impl Index {
    fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- Table::new(*BITS.start()),
            sizing: Sizing::new(BITS),
            count: AtomicU32::new(0),
            count_v6: AtomicU32::new(0),
            marks: AtomicU32::new(0),
            ftp: AtomicU32::new(0),
            all_ports: AtomicU32::new(0),
        })
    }

    fn hash(&self, key: &ServiceKey) -> u32 {
        match *key {
            ServiceKey::Address {
                family,
                protocol,
                addr,
                port,
            } => hash::service(self.key, family, protocol, addr, port),
            ServiceKey::Mark { family, mark } => hash::mark(self.key, family, mark),
        }
    }

    /// The service of exactly this key.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        key: &ServiceKey,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        let is_it = |service: &Service, _| service.key == *key;
        let (service, _) = self.table.find(self.hash(key), guard, is_it)?;
        Some(service)
    }

    /// The service that a packet of `flow` with `mark` is for: that of the mark, that of its
    /// address and port, that of FTP if this may be a data connection, that of all ports.
    #[inline]
    pub(crate) fn of_packet<'g>(
        &'g self,
        flow: &Flow,
        mark: u32,
        net: &Net,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        let family = flow.family;
        if mark != 0 && self.marks.load(Relaxed) != 0 {
            let by_mark = self.find(&ServiceKey::Mark { family, mark }, guard);
            if by_mark.is_some() {
                return by_mark;
            }
        }
        let by_port = |port| {
            let key = ServiceKey::Address {
                family,
                protocol: flow.protocol.into(),
                addr: flow.dst,
                port,
            };
            self.find(&key, guard)
        };
        by_port(flow.dport)
            .or_else(|| {
                let there_are = self.ftp.load(Relaxed) != 0;
                let may_be = |first| lookup::may_be_ftp_data(flow.protocol, flow.dport, first);
                (there_are && may_be(net.first_unprivileged_port())).then(|| by_port(FTP))?
            })
            .or_else(|| (self.all_ports.load(Relaxed) != 0).then(|| by_port(0))?)
    }

    /// The number that tells whether services of this kind are to be looked for.
    fn counter(&self, key: &ServiceKey) -> Option<&AtomicU32> {
        match *key {
            ServiceKey::Mark { .. } => Some(&self.marks),
            ServiceKey::Address { port: FTP, .. } => Some(&self.ftp),
            ServiceKey::Address { port: 0, .. } => Some(&self.all_ports),
            ServiceKey::Address { .. } => None,
        }
    }

    /// Makes a service one of this namespace.
    ///
    /// # Errors
    ///
    /// `EEXIST`; `ENOMEM` if there is no table yet, and no memory for it.
    pub(crate) fn insert(&self, service: &Arc<Service>, guard: &Guard) -> Result {
        let key = service.key;
        let hash = self.hash(&key);
        self.table
            .insert(service, field!(Service, node), hash, guard, |other, _| {
                other.key == key
            })
            .map_err(|_| EEXIST)?;
        self.count.fetch_add(1, Relaxed);
        if key.family() == Family::V6 {
            self.count_v6.fetch_add(1, Relaxed);
        }
        if let Some(counter) = self.counter(&key) {
            counter.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Takes a service out.
    pub(crate) fn remove(&self, service: &Service) {
        if self.table.remove(&service.node).is_some() {
            self.count.fetch_sub(1, Relaxed);
            if service.key.family() == Family::V6 {
                self.count_v6.fetch_sub(1, Relaxed);
            }
            if let Some(counter) = self.counter(&service.key) {
                counter.fetch_sub(1, Relaxed);
            }
        }
    }

    /// The next service of a walk over all.
    pub(crate) fn next<'g>(
        &'g self,
        cursor: &mut Cursor,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Service>> {
        let mut ahead = hashtable::Cursor::before(cursor.hash);
        let mut next: Option<Ref<'g, Service>> = None;
        while let Some((service, _)) = self.table.next(&mut ahead, guard) {
            if ahead.hash() != cursor.hash {
                if next.is_some() {
                    break;
                }
                (cursor.hash, cursor.serial) = (ahead.hash(), 0);
            }
            let is_before = |other: Ref<'_, Service>| service.serial < other.serial;
            if service.serial > cursor.serial && next.is_none_or(is_before) {
                next = Some(service);
            }
        }
        cursor.serial = next?.serial;
        next
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// How many there are for packets of `family`.
    pub(crate) fn count_of(&self, family: Family) -> u32 {
        let v6 = self.count_v6.load(Relaxed);
        match family {
            Family::V4 => self.count().saturating_sub(v6),
            Family::V6 => v6,
        }
    }
}
