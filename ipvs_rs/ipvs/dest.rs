// SPDX-License-Identifier: GPL-2.0

//! A real server of one virtual service.
//!
//! ```text
//!              attach                  detach                 60 s rounds
//!   new ─────────────────> available ──────────> in the trash ───────────> freed
//!                              ^    (its connections stay)  │ (none left)
//!                              └──────── revived ───────────┘
//! ```

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use ipvs_core::{
    addr::Addr,
    config::{DestKey, DestSpec, ServiceKey, Tunnel},
    conn::{ConnFlags, Method},
    plan::overload::{self, Thresholds},
    tunnel::Wrapping,
};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use knet::{
    percpu::Counters,
    rcu::{Arc, Guard, Slot},
};

use crate::{
    servers,
    stats::{self, Stats},
    xmit::route::Routes,
};

/// The bit of a weight, which has 31, that says that the server has reached its upper threshold.
const OVERLOADED: u32 = 1 << 31;

/// How many servers were ever attached to a service.
static ATTACHED: AtomicU64 = AtomicU64::new(0);

/// A real server.
#[pin_data]
pub struct Dest {
    pub(crate) key: DestKey,
    /// The service that the server is, or was, part of.
    pub(crate) service: ServiceKey,
    /// Not deleted.
    available: AtomicBool,
    /// How many servers had been attached when this one was. Lists of servers are in falling
    /// order of it.
    attached: AtomicU64,
    /// The weight, and [`OVERLOADED`]: schedulers look at both for every server.
    weight: AtomicU32,
    /// The last weight that was not 0.
    last_weight: AtomicU32,
    /// What a connection to this server starts with.
    conn_flags: AtomicU32,
    upper: AtomicU32,
    lower: AtomicU32,
    /// How packets are wrapped if they go through a tunnel, in one word.
    tunnel: AtomicU64,
    active: AtomicU32,
    total: AtomicU32,
    persistent: AtomicU32,
    /// What it was configured to; packets look at the fields above.
    #[pin]
    spec: SpinLock<DestSpec>,
    #[pin]
    pub(crate) stats: Stats,
    /// The statistics of the service. Another service object may have revived the server.
    pub(crate) service_stats: Slot<Stats>,
    pub(crate) routes: Routes,
    /// By which packets find the server, while it is not deleted.
    pub(crate) entry: Slot<servers::Entry>,
}

impl Dest {
    /// A server that no service has yet.
    pub(crate) fn new(
        key: DestKey,
        service: ServiceKey,
        spec: &DestSpec,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> impl PinInit<Self> {
        let spec = *spec;
        let flags = ConnFlags::for_destination(spec.conn_flags());
        pin_init!(Self {
            key,
            service,
            available: AtomicBool::new(false),
            attached: AtomicU64::new(0),
            weight: AtomicU32::new(spec.weight()),
            last_weight: AtomicU32::new(spec.weight()),
            conn_flags: AtomicU32::new(flags.bits()),
            upper: AtomicU32::new(spec.upper()),
            lower: AtomicU32::new(spec.lower()),
            tunnel: AtomicU64::new(spec.tunnel().to_bits()),
            active: AtomicU32::new(0),
            total: AtomicU32::new(0),
            persistent: AtomicU32::new(0),
            spec <- new_spinlock!(spec),
            stats <- Stats::new(counters),
            service_stats: Slot::empty(),
            routes: Routes::new(),
            entry: Slot::empty(),
        })
    }

    /// What a connection has in place of a server whose packets go on to where they are addressed
    /// to. It is never available, and of no account.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn nobody(service: ServiceKey) -> Result<Arc<Self>> {
        let key = DestKey {
            family: service.family(),
            addr: Addr::ZERO,
            port: 0,
        };
        let tunnel = Tunnel::from_bits(0);
        let spec = DestSpec::new(Method::Bypass, 1, 0, 0, tunnel).map_err(|_| EINVAL)?;
        let new = Self::new(key, service, &spec, Counters::new()?);
        let dest = Arc::pin_init(new, GFP_KERNEL)?;
        let flags = ConnFlags::without_destination();
        dest.conn_flags.store(flags.bits(), Relaxed);
        Ok(dest)
    }

    /// Whether this stands for there being no server.
    pub(crate) fn is_nobody(&self) -> bool {
        // No server can be configured to have the address of nobody.
        self.key.addr == Addr::ZERO
    }

    /// Gives the server new settings. Existing connections keep their forwarding method.
    pub(crate) fn configure(&self, spec: &DestSpec) {
        let flags = ConnFlags::for_destination(spec.conn_flags());
        let reweigh = |weight| Some(weight & OVERLOADED | spec.weight());
        let _ = self.weight.fetch_update(Relaxed, Relaxed, reweigh);
        if spec.weight() != 0 {
            self.last_weight.store(spec.weight(), Relaxed);
        }
        self.conn_flags.store(flags.bits(), Relaxed);
        self.upper.store(spec.upper(), Relaxed);
        self.lower.store(spec.lower(), Relaxed);
        self.tunnel.store(spec.tunnel().to_bits(), Relaxed);
        *self.spec.lock() = *spec;
        self.routes.clear();
        let was = self.is_overloaded();
        let now = overload::after_configuration(was, self.total(), self.thresholds());
        self.set_overloaded(now);
    }

    /// Gives the server new settings, and another past: as it was before a change that failed, or
    /// as a new server, which has none.
    pub(crate) fn configure_anew(&self, spec: &DestSpec, last_weight: u32) {
        self.configure(spec);
        self.last_weight.store(last_weight, Relaxed);
    }

    /// Makes the server one of the service that counts into `stats`.
    pub(crate) fn attach(&self, stats: &Arc<Stats>) {
        let before = self.service_stats.replace(Some(stats.clone()));
        if !before.is_some_and(|before| before.ptr_eq(stats)) {
            self.stats.zero();
        }
        let attached = ATTACHED.fetch_add(1, Relaxed);
        self.attached.store(attached, Relaxed);
        self.available.store(true, Relaxed);
    }

    /// A number that is greater for servers which were attached later, to whatever service.
    pub(crate) fn attached(&self) -> u64 {
        self.attached.load(Relaxed)
    }

    /// Takes the server out of use. Its connections stay.
    pub(crate) fn detach(&self) {
        self.available.store(false, Relaxed);
        self.routes.clear();
    }

    /// Whether the server was not deleted.
    #[inline]
    pub fn is_available(&self) -> bool {
        self.available.load(Relaxed)
    }

    /// Whether it has reached its upper threshold.
    #[inline]
    pub fn is_overloaded(&self) -> bool {
        self.weight.load(Relaxed) & OVERLOADED != 0
    }

    fn set_overloaded(&self, overloaded: bool) {
        match overloaded {
            true => self.weight.fetch_or(OVERLOADED, Relaxed),
            false => self.weight.fetch_and(!OVERLOADED, Relaxed),
        };
    }

    /// Its share of new connections; 0 means none.
    #[inline]
    pub fn weight(&self) -> u32 {
        self.weight.load(Relaxed) & !OVERLOADED
    }

    /// The weight, or 0 if it has reached its upper threshold.
    #[inline]
    pub fn effective_weight(&self) -> u32 {
        let weight = self.weight.load(Relaxed);
        match weight & OVERLOADED {
            0 => weight,
            _ => 0,
        }
    }

    /// The last weight that was not 0; 0 if there never was one.
    #[inline]
    pub fn last_weight(&self) -> u32 {
        self.last_weight.load(Relaxed)
    }

    /// What a connection to this server starts with, the forwarding method included.
    #[inline]
    pub fn conn_flags(&self) -> ConnFlags {
        ConnFlags::from_bits(self.conn_flags.load(Relaxed))
    }

    /// The numbers of connections at which it becomes and ceases to be overloaded.
    #[inline]
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            upper: self.upper.load(Relaxed),
            lower: self.lower.load(Relaxed),
        }
    }

    /// How packets are wrapped if they go through a tunnel.
    #[inline]
    pub(crate) fn wrapping(&self) -> Wrapping {
        Wrapping::of(Tunnel::from_bits(self.tunnel.load(Relaxed)))
    }

    /// What it was configured to.
    pub(crate) fn spec(&self) -> DestSpec {
        *self.spec.lock()
    }

    /// Connections in a state that counts as active.
    #[inline]
    pub fn active(&self) -> u32 {
        self.active.load(Relaxed)
    }

    /// All its connections.
    #[inline]
    pub fn total(&self) -> u32 {
        self.total.load(Relaxed)
    }

    /// Its persistence templates.
    #[inline]
    pub fn persistent(&self) -> u32 {
        self.persistent.load(Relaxed)
    }

    /// Whether no connection refers to the server.
    pub(crate) fn is_idle(&self) -> bool {
        self.total() == 0 && self.persistent() == 0
    }

    /// Counts a new connection, inactive as all are at first.
    #[inline]
    pub(crate) fn bind(&self) {
        let total = self.total.fetch_add(1, Relaxed).wrapping_add(1);
        if overload::after_bind(total, self.thresholds()) && !self.is_overloaded() {
            self.set_overloaded(true);
        }
    }

    /// Counts a connection out. `was_active` tells which count it was in.
    #[inline]
    pub(crate) fn unbind(&self, was_active: bool) {
        if was_active {
            self.active.fetch_sub(1, Relaxed);
        }
        let total = self.total.fetch_sub(1, Relaxed).wrapping_sub(1);
        if self.is_overloaded() && !overload::after_unbind(total, self.thresholds()) {
            self.set_overloaded(false);
        }
    }

    /// Counts a new template.
    pub(crate) fn bind_template(&self) {
        self.persistent.fetch_add(1, Relaxed);
    }

    /// Counts a template out.
    pub(crate) fn unbind_template(&self) {
        self.persistent.fetch_sub(1, Relaxed);
    }

    /// Counts a connection that became active, or ceased to be.
    #[inline]
    pub(crate) fn count_active(&self, became_active: bool) {
        match became_active {
            true => self.active.fetch_add(1, Relaxed),
            false => self.active.fetch_sub(1, Relaxed),
        };
    }

    /// Calls `count` for the statistics of the server and those of its service.
    #[inline]
    pub(crate) fn each_stats(&self, guard: &Guard, count: impl Fn(&Stats)) {
        count(&self.stats);
        if let Some(service) = self.service_stats.load(guard) {
            count(service.get());
        }
    }
}
