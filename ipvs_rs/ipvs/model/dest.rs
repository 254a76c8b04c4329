// SPDX-License-Identifier: GPL-2.0

//! A real server of one virtual service.
//!
//! ```text
//!              attach                  detach                 60 s rounds
//!   new ─────────────────> available ──────────> in the trash ───────────> freed
//!                              ^    (its connections stay)  │ (none left)
//!                              └──────── revived ───────────┘
//! ```

mod active;

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use ipvs_core::{
    addr::Addr,
    config::{DestKey, DestSpec, ServiceKey, Tunnel},
    conn::ConnFlags,
    plan::overload::{self, Thresholds},
    tunnel::Wrapping,
};
use kernel::prelude::*;
use knet::{
    percpu::Counters,
    rcu::{Arc, Guard, Slot},
};

use active::Active;

use super::{
    route::Routes,
    servers,
    stats::{self, Stats},
    trash::Stay,
};

/// The bit of [`Dest::limits`] that says that the server has reached its upper threshold.
const OVERLOADED: u32 = 1;

/// The bit that says that its weight is 0.
const QUIESCED: u32 = 2;

/// A real server: what its connections share.
///
/// What it is configured to is in the pool that it is a [`Member`](super::pool::Member) of, and
/// seen with the pool by listings and by who chooses a server. What the packets of its connections
/// need of that is here too, and changes with each pool.
#[pin_data]
pub struct Dest {
    pub(crate) key: DestKey,
    /// The service that the server is, or was, part of.
    pub(crate) service: ServiceKey,
    /// Not deleted.
    available: AtomicBool,
    /// [`OVERLOADED`], [`QUIESCED`].
    limits: AtomicU32,
    /// What the connections of a client that comes back start with.
    conn_flags: AtomicU32,
    upper: AtomicU32,
    lower: AtomicU32,
    /// How packets are wrapped if they go through a tunnel, in one word.
    tunnel: AtomicU64,
    active: Active,
    total: AtomicU32,
    persistent: AtomicU32,
    #[pin]
    pub(crate) stats: Stats,
    /// The statistics of the service. Another service object may have revived the server.
    pub(crate) service_stats: Slot<Stats>,
    pub(crate) routes: Routes,
    /// By which packets find the server, while it is not deleted.
    pub(crate) entry: Slot<servers::Entry>,
    /// Once it is deleted.
    pub(crate) stay: Stay,
}

impl Dest {
    /// A server that no service has yet, to be configured and attached.
    pub(crate) fn new(
        key: DestKey,
        service: ServiceKey,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            service,
            available: AtomicBool::new(false),
            limits: AtomicU32::new(QUIESCED),
            conn_flags: AtomicU32::new(0),
            upper: AtomicU32::new(0),
            lower: AtomicU32::new(0),
            tunnel: AtomicU64::new(0),
            active: Active::none(),
            total: AtomicU32::new(0),
            persistent: AtomicU32::new(0),
            stats <- Stats::new(counters),
            service_stats: Slot::empty(),
            routes: Routes::new(),
            entry: Slot::empty(),
            stay: Stay::new(),
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
        let new = Self::new(key, service, Counters::new()?);
        let dest = Arc::pin_init(new, GFP_KERNEL_ACCOUNT)?;
        let flags = ConnFlags::without_server();
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
        let flags = ConnFlags::for_server(spec.conn_flags());
        self.limit(QUIESCED, spec.weight() == 0);
        self.conn_flags.store(flags.bits(), Relaxed);
        self.upper.store(spec.upper(), Relaxed);
        self.lower.store(spec.lower(), Relaxed);
        self.tunnel.store(spec.tunnel().to_bits(), Relaxed);
        self.routes.clear();
        let was = self.is_overloaded();
        let now = overload::after_configuration(was, self.total(), self.thresholds());
        self.limit(OVERLOADED, now);
    }

    /// Makes the server one of the service that counts into `stats`.
    pub(crate) fn attach(&self, stats: &Arc<Stats>) {
        let before = self.service_stats.replace(Some(stats.clone()));
        if !before.is_some_and(|before| before.ptr_eq(stats)) {
            self.stats.zero();
        }
        self.available.store(true, Relaxed);
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
        self.limits.load(Relaxed) & OVERLOADED != 0
    }

    /// Whether its weight is 0: it gets no new clients.
    #[inline]
    pub(crate) fn is_quiesced(&self) -> bool {
        self.limits.load(Relaxed) & QUIESCED != 0
    }

    fn limit(&self, limit: u32, is_reached: bool) {
        match is_reached {
            true => self.limits.fetch_or(limit, Relaxed),
            false => self.limits.fetch_and(!limit, Relaxed),
        };
    }

    /// What the connections of a client that comes back start with, the forwarding method
    /// included.
    #[inline]
    pub(crate) fn conn_flags(&self) -> ConnFlags {
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

    /// Connections in a state that counts as active.
    #[inline]
    pub fn active(&self) -> u32 {
        self.active.get()
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
            self.limit(OVERLOADED, true);
        }
    }

    /// Counts a connection out. `was_active` tells which count it was in.
    #[inline]
    pub(crate) fn unbind(&self, was_active: bool) {
        if was_active {
            self.active.count(false);
        }
        let total = self.total.fetch_sub(1, Relaxed).wrapping_sub(1);
        if self.is_overloaded() && !overload::after_unbind(total, self.thresholds()) {
            self.limit(OVERLOADED, false);
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
        self.active.count(became_active);
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
