// SPDX-License-Identifier: GPL-2.0

//! The hash table of virtual services.

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
    hashtable,
    net_namespace::Net,
    rcu::{Arc, Guard, Ref},
};

use super::Service;
use crate::model::sizing::Sizing;

/// The number of buckets is 2 to a power in this range.
const BITS: RangeInclusive<u32> = 4..=20;

/// The services of a namespace, by key. Single services are added and removed in place; `Services` publishes another
/// index to replace all. All fields are changed under the configuration lock.
#[pin_data]
pub(crate) struct Index {
    key: HashKey,
    #[pin]
    pub(super) table: hashtable::Table<Service>,
    pub(super) sizing: Sizing,
    /// The number of services.
    count: AtomicU32,
    /// The number of services for IPv6.
    count_v6: AtomicU32,
    /// The number of services of a firewall mark. Packets do not search for one while it is 0.
    marks: AtomicU32,
    /// The number of services with the port of FTP. Packets do not search for one while it is 0.
    ftp: AtomicU32,
    /// The number of services for all ports of an address. Packets do not search for one while it is 0.
    all_ports: AtomicU32,
}

/// A position in a walk over all services. It stays valid when services are added or removed: the walk meets each
/// service that exists from its beginning to its end once.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cursor {
    hash: u32,
    /// The walk has met the services with this hash whose serial numbers are not above this one.
    serial: u64,
}

impl Cursor {
    /// The hash of the service that the walk met last.
    pub(crate) fn hash(&self) -> u32 {
        self.hash
    }
}

impl Index {
    /// An index without services and without buckets. `key` is the secret of its hashes.
    pub(super) fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- hashtable::Table::new(*BITS.start()),
            sizing: Sizing::new(BITS),
            count: AtomicU32::new(0),
            count_v6: AtomicU32::new(0),
            marks: AtomicU32::new(0),
            ftp: AtomicU32::new(0),
            all_ports: AtomicU32::new(0),
        })
    }

    #[inline]
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

    /// The service that has this key.
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

    /// The service with this hash that `is_it` accepts.
    pub(crate) fn find_at<'g>(
        &'g self,
        hash: u32,
        guard: &'g Guard,
        is_it: impl Fn(&Service) -> bool,
    ) -> Option<Ref<'g, Service>> {
        let (service, _) = self.table.find(hash, guard, |service, _| is_it(service))?;
        Some(service)
    }

    /// The service that a packet of `flow` with the firewall mark `mark` is for.
    ///
    /// The first of these that exists: the service of the mark; the service of the address and port; the service of
    /// FTP at the address, if the packet may open an FTP data connection; the service of all ports of the address.
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

    /// The counter of services of the kind of `key`; [`None`] for a kind that is always searched for.
    fn counter(&self, key: &ServiceKey) -> Option<&AtomicU32> {
        match *key {
            ServiceKey::Mark { .. } => Some(&self.marks),
            ServiceKey::Address { port: FTP, .. } => Some(&self.ftp),
            ServiceKey::Address { port: 0, .. } => Some(&self.all_ports),
            ServiceKey::Address { .. } => None,
        }
    }

    /// Adds a service, so that packets find it if this index is published.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is a service of the same key, or if the table has no buckets.
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

    /// Takes a service out of the index.
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

    /// The next service of a walk over all services. See [`Cursor`].
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

    /// The number of services.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// The number of services for packets of `family`.
    pub(crate) fn count_of(&self, family: Family) -> u32 {
        let v6 = self.count_v6.load(Relaxed);
        match family {
            Family::V4 => self.count().saturating_sub(v6),
            Family::V6 => v6,
        }
    }
}
