// SPDX-License-Identifier: GPL-2.0

//! A virtual service, and the table of those of a namespace.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};
use ipvs_core::{
    addr::Family,
    config::{Netmask, ServiceKey, ServiceSpec},
    flow::Flow,
    hash::{self, HashKey},
    plan::lookup::{self, FTP},
    proto,
    uapi::service_flags,
};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use knet::{
    errno::enoprotoopt,
    hashtable::{Cursor, Lengths, Node, Table},
    module::ModuleRef,
    net_namespace::Net,
    rcu::{Arc, Guard, Ref, Slot},
    time::HZ,
};

use crate::{dest::Dest, pool::Pool, resize::Sizing, scheduler::Handle, stats::Stats};

/// The number of buckets is 2 to a power in this range.
const BITS: RangeInclusive<u32> = 4..=20;

/// A virtual service.
#[pin_data]
pub(crate) struct Service {
    node: Node<Service>,
    pub(crate) key: ServiceKey,
    mark_protocol: u16,
    flags: AtomicU32,
    timeout: AtomicU32,
    netmask: AtomicU32,
    pub(crate) stats: Arc<Stats>,
    /// In place of a server, where packets may go on without one: those with a mark, which may be
    /// addressed to others.
    pub(crate) nobody: Option<Arc<Dest>>,
    /// Empty once the service is deleted.
    pub(crate) pool: Slot<Pool>,
    #[pin]
    held: SpinLock<Held>,
}

/// What must stay loaded as long as the service is not deleted.
#[derive(Default)]
struct Held {
    _own: Option<ModuleRef>,
    scheduler: Option<Handle>,
}

impl Service {
    /// A service that is not in the table yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `ENOPROTOOPT` if the module is being unloaded.
    pub(crate) fn new(
        key: ServiceKey,
        spec: &ServiceSpec,
        pool: Pool,
        scheduler: Option<Handle>,
    ) -> Result<Arc<Self>> {
        let held = Held {
            _own: Some(ModuleRef::own().ok_or_else(enoprotoopt)?),
            scheduler,
        };
        let stats = Arc::pin_init(Stats::new(), GFP_KERNEL)?;
        let nobody = match key {
            ServiceKey::Mark { .. } => Some(Dest::nobody(key)?),
            ServiceKey::Address { .. } => None,
        };
        let pool = Slot::new(Arc::new(pool, GFP_KERNEL)?);
        let service = pin_init!(Self {
            node: Node::new(0),
            key,
            mark_protocol: spec.mark_protocol,
            flags: AtomicU32::new(spec.flags.apply(0)),
            timeout: AtomicU32::new(spec.timeout),
            netmask: AtomicU32::new(u32::from_ne_bytes(spec.netmask.0)),
            stats,
            nobody,
            pool,
            held <- new_spinlock!(held),
        });
        Arc::pin_init(service, GFP_KERNEL)
    }

    /// Keeps the module of another scheduler loaded, instead of the present one.
    pub(crate) fn hold(&self, scheduler: Option<Handle>) {
        let before = core::mem::replace(&mut self.held.lock().scheduler, scheduler);
        drop(before);
    }

    /// Ends the service after it was taken out of the table: its modules may be unloaded.
    pub(crate) fn release(&self) {
        drop(self.pool.replace(None));
        let before = core::mem::take(&mut *self.held.lock());
        drop(before);
    }

    /// Gives the service new settings; its scheduler and servers are the pool's.
    pub(crate) fn configure(&self, spec: &ServiceSpec) {
        self.flags.store(spec.flags.apply(self.flags()), Relaxed);
        self.timeout.store(spec.timeout, Relaxed);
        let netmask = u32::from_ne_bytes(spec.netmask.0);
        self.netmask.store(netmask, Relaxed);
    }

    /// The protocol that it is said to be for, see [`ServiceSpec::mark_protocol`].
    pub(crate) fn protocol(&self) -> u16 {
        match self.key {
            ServiceKey::Address { protocol, .. } => protocol,
            ServiceKey::Mark { .. } => self.mark_protocol,
        }
    }

    /// Its flags, see [`uapi::service_flags`](ipvs_core::uapi::service_flags).
    #[inline]
    pub(crate) fn flags(&self) -> u32 {
        self.flags.load(Relaxed)
    }

    /// How long a persistence template lives, in seconds.
    pub(crate) fn timeout(&self) -> u32 {
        self.timeout.load(Relaxed)
    }

    /// The same in ticks. As the C module does: it is counted with 32 bits.
    pub(crate) fn timeout_ticks(&self) -> u32 {
        // CAST: It is a few hundred.
        self.timeout().wrapping_mul(HZ as u32)
    }

    /// Whether clients come back to the server they had.
    #[inline]
    pub(crate) fn is_persistent(&self) -> bool {
        self.flags() & service_flags::PERSISTENT != 0
    }

    /// Whether each UDP packet is scheduled on its own.
    #[inline]
    pub(crate) fn is_one_packet(&self, protocol: u8) -> bool {
        protocol == proto::UDP && self.flags() & service_flags::ONE_PACKET != 0
    }

    /// Whether it is known by a port, and that is `port`.
    #[inline]
    pub(crate) fn has_port(&self, port: u16) -> bool {
        matches!(self.key, ServiceKey::Address { port: own, .. } if own == port)
    }

    /// Which clients persistence takes for one.
    pub(crate) fn netmask(&self) -> Netmask {
        Netmask(self.netmask.load(Relaxed).to_ne_bytes())
    }
}

/// The services of a namespace.
#[pin_data]
pub(crate) struct Services {
    key: HashKey,
    #[pin]
    table: Table<Service>,
    pub(crate) sizing: Sizing,
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

impl Services {
    /// No services.
    pub(crate) fn new(key: HashKey) -> impl PinInit<Self> {
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
            .insert(service, &service.node, hash, guard, |other, _| {
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
        self.table.next(cursor, guard).map(|(service, _)| service)
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

    /// How many of the buckets are how long.
    pub(crate) fn lengths(&self) -> Lengths {
        self.table.lengths()
    }

    /// The number of buckets is 2 to this power, once there are any.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.table.bits()
    }

    /// Gives the table the size that it should have with this load factor. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table stays as it was.
    pub(crate) fn resize(&self, factor: i32) -> Result {
        // CAST: A u32 fits.
        self.sizing
            .apply(&self.table, self.count() as usize, factor)
    }
}
