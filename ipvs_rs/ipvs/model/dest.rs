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
    addr::{Addr, Family},
    config::{DestKey, DestSpec, ServiceKey, Tunnel},
    conn::{ConnFlags, Method},
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
    trash::TrashState,
};

/// The bit of [`Dest::limits`] for a server that has reached its upper threshold of connections.
const OVERLOADED: u32 = 1;

/// The bit of [`Dest::limits`] for a server whose weight is 0.
const QUIESCED: u32 = 2;

/// A real server of one virtual service. Its connections share this object.
///
/// The configuration of the server is in its [`Member`](super::member::Member) of the pool, where listings and
/// schedulers read it. The packets of existing connections know no pool, so the settings that they need are copied
/// into this object with each new pool.
///
/// The order of the fields is the order in memory that the packet path was measured with.
#[pin_data]
pub struct Dest {
    /// Address in network order, port in host order. Never changes.
    pub(crate) key: DestKey,
    /// The key of the service that has or had the server. Never changes.
    pub(crate) service: ServiceKey,
    /// False before the server is attached and after it is deleted. Changed under the configuration lock.
    available: AtomicBool,
    /// Whether packets find the server by `entry`, which counts it. Changed under the configuration lock.
    pub(crate) is_found: AtomicBool,
    /// [`OVERLOADED`] and [`QUIESCED`]. Changed by packets and under the configuration lock.
    limits: AtomicU32,
    /// The [`ConnFlags`] of further connections of a persistent client. Changed under the configuration lock.
    conn_flags: AtomicU32,
    /// The upper threshold in connections, 0 for none. Changed under the configuration lock.
    upper: AtomicU32,
    /// The lower threshold in connections, 0 for the default. Changed under the configuration lock.
    lower: AtomicU32,
    /// The bits of [`Tunnel`], for packets that go through a tunnel. Changed under the configuration lock.
    tunnel: AtomicU64,
    /// The number of active connections. Changed by packets and timers.
    active: Active,
    /// The number of connections. Changed by packets and timers.
    total: AtomicU32,
    /// The number of persistence templates. Changed by packets and timers.
    persistent: AtomicU32,
    /// The statistics of the server. Changed by packets, and by a command that zeroes them.
    #[pin]
    pub(crate) stats: Stats,
    /// The statistics of the service. Changed under the configuration lock when a new service revives the server.
    pub(crate) service_stats: Slot<Stats>,
    /// The routes to the server. Changed by packets, under the configuration lock, and when a device goes.
    pub(crate) routes: Routes,
    /// The entry by which packets find the server until it is deleted. A deleted server keeps it. Changed under the
    /// configuration lock.
    pub(crate) entry: Slot<servers::ServerEntry>,
    /// The state of a deleted server in the trash. Changed under the configuration lock.
    pub(crate) trash_state: TrashState,
}

impl Dest {
    /// A server that is in no service yet. The caller configures and attaches it.
    pub(crate) fn new(
        key: DestKey,
        service: ServiceKey,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            service,
            available: AtomicBool::new(false),
            is_found: AtomicBool::new(false),
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
            trash_state: TrashState::new(),
        })
    }

    /// The place holder for a server in connections that bypass the servers: their packets go on to the address
    /// that they have. It is never available, and nobody lists its counts.
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

    /// The place holder for a server of `family` in connections that another director has sent a message about, and
    /// whose server is not configured here. It is never available, and nobody lists its counts.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn unbound(family: Family) -> Result<Arc<Self>> {
        let key = DestKey {
            family,
            addr: Addr::ZERO,
            port: 0,
        };
        let service = ServiceKey::Mark { family, mark: 0 };
        Arc::pin_init(
            Self::new(key, service, Counters::new()?),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Whether this is a place holder, and no server.
    fn is_place_holder(&self) -> bool {
        // A command cannot configure a server with this address.
        self.key.addr == Addr::ZERO
    }

    /// Whether this is the place holder of [`Self::nobody`].
    pub(crate) fn is_nobody(&self) -> bool {
        self.is_place_holder() && self.conn_flags().method() == Method::Bypass
    }

    /// Whether this is the place holder of [`Self::unbound`].
    pub(crate) fn is_unbound(&self) -> bool {
        self.is_place_holder() && self.conn_flags().method() != Method::Bypass
    }

    /// Copies new settings into the server. Existing connections keep their forwarding method.
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

    /// Puts the server into a service, whose statistics are `stats`. The statistics of the server start at zero if
    /// it comes from another service object.
    pub(crate) fn attach(&self, stats: &Arc<Stats>) {
        let before = self.service_stats.replace(Some(stats.clone()));
        if !before.is_some_and(|before| before.ptr_eq(stats)) {
            self.stats.zero();
        }
        self.available.store(true, Relaxed);
    }

    /// Takes the server out of its service. Its connections stay.
    pub(crate) fn detach(&self) {
        self.available.store(false, Relaxed);
        self.routes.clear();
    }

    /// Whether the server is in a service, and not deleted.
    #[inline]
    pub fn is_available(&self) -> bool {
        self.available.load(Relaxed)
    }

    /// Whether this is a server that was deleted.
    pub(crate) fn is_deleted(&self) -> bool {
        !self.is_available() && !self.is_place_holder()
    }

    /// Whether the server is overloaded: it reached its upper threshold and has not recovered.
    #[inline]
    pub fn is_overloaded(&self) -> bool {
        self.limits.load(Relaxed) & OVERLOADED != 0
    }

    /// Whether the server is quiesced: its weight is 0 and it gets no new clients.
    #[inline]
    pub(crate) fn is_quiesced(&self) -> bool {
        self.limits.load(Relaxed) & QUIESCED != 0
    }

    /// Sets or clears a bit of `limits`.
    fn limit(&self, limit: u32, is_reached: bool) {
        match is_reached {
            true => self.limits.fetch_or(limit, Relaxed),
            false => self.limits.fetch_and(!limit, Relaxed),
        };
    }

    /// The flags of further connections of a persistent client, which include the forwarding method.
    #[inline]
    pub(crate) fn conn_flags(&self) -> ConnFlags {
        ConnFlags::from_bits(self.conn_flags.load(Relaxed))
    }

    /// The numbers of connections at which the server becomes overloaded and recovers.
    #[inline]
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            upper: self.upper.load(Relaxed),
            lower: self.lower.load(Relaxed),
        }
    }

    /// The outer headers of packets that go to the server through a tunnel.
    #[inline]
    pub(crate) fn wrapping(&self) -> Wrapping {
        Wrapping::of(Tunnel::from_bits(self.tunnel.load(Relaxed)))
    }

    /// The number of connections in a state that counts as active.
    #[inline]
    pub fn active(&self) -> u32 {
        self.active.get()
    }

    /// The number of connections, active or not.
    #[inline]
    pub fn total(&self) -> u32 {
        self.total.load(Relaxed)
    }

    /// The number of persistence templates.
    #[inline]
    pub fn persistent(&self) -> u32 {
        self.persistent.load(Relaxed)
    }

    /// Whether the server has no connections and no templates.
    pub(crate) fn is_idle(&self) -> bool {
        self.total() == 0 && self.persistent() == 0
    }

    /// Counts a new connection. All connections start inactive.
    #[inline]
    pub(crate) fn bind(&self) {
        let total = self.total.fetch_add(1, Relaxed).wrapping_add(1);
        if overload::after_bind(total, self.thresholds()) && !self.is_overloaded() {
            self.limit(OVERLOADED, true);
        }
    }

    /// Takes a connection off the counts. `was_active` says whether it was counted as active.
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

    /// Takes a template off the count.
    pub(crate) fn unbind_template(&self) {
        self.persistent.fetch_sub(1, Relaxed);
    }

    /// Counts a connection that became active, or inactive.
    #[inline]
    pub(crate) fn count_active(&self, became_active: bool) {
        self.active.count(became_active);
    }

    /// Calls `count` with the statistics of the server and with the statistics of its service.
    #[inline]
    pub(crate) fn each_stats(&self, guard: &Guard, count: impl Fn(&Stats)) {
        count(&self.stats);
        if let Some(service) = self.service_stats.load(guard) {
            count(service.get());
        }
    }
}
