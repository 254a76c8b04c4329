// SPDX-License-Identifier: GPL-2.0

//! A virtual service.

use core::{
    ops::Deref,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};
use ipvs_core::{
    config::{Netmask, Said, ServiceKey, ServiceSpec},
    proto,
    uapi::service_flags,
};
use kernel::prelude::*;
use knet::{
    hashtable::Node,
    percpu::Counters,
    rcu::{Arc, Guard},
    time::HZ,
};

mod index;

use crate::{
    dest::Dest,
    pool::{Kept, Published},
    stats::{self, Stats},
};

pub(crate) use index::{Cursor, Index, Services};

/// How many services there ever were.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A virtual service in an [`Index`].
///
/// What it is is in its [`Body`], which the same service of another index may share.
pub(crate) struct Service {
    node: Node<Service>,
    body: Arc<Body>,
}

impl Deref for Service {
    type Target = Body;

    #[inline]
    fn deref(&self) -> &Body {
        &self.body
    }
}

/// What stays as long as a service does, whatever it is changed to.
#[derive(Clone)]
pub(crate) struct Lasting {
    /// Tells services of one hash apart, in walks over all. From 1 on.
    serial: u64,
    pub(crate) key: ServiceKey,
    said: Said,
    pub(crate) stats: Arc<Stats>,
    /// In place of a server, where packets may go on without one: those with a mark, which may be
    /// addressed to others.
    pub(crate) nobody: Option<Arc<Dest>>,
}

impl Deref for Body {
    type Target = Lasting;

    #[inline]
    fn deref(&self) -> &Lasting {
        &self.lasting
    }
}

/// A virtual service.
#[pin_data]
pub(crate) struct Body {
    lasting: Lasting,
    flags: AtomicU32,
    timeout: AtomicU32,
    netmask: AtomicU32,
    #[pin]
    pub(crate) pool: Published,
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
        pool: Kept,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> Result<Arc<Self>> {
        let lasting = Lasting {
            serial: MADE.fetch_add(1, Relaxed).wrapping_add(1),
            key,
            said: spec.said,
            stats: Arc::pin_init(Stats::new(counters), GFP_KERNEL)?,
            nobody: match key {
                ServiceKey::Mark { .. } => Some(Dest::nobody(key)?),
                ServiceKey::Address { .. } => None,
            },
        };
        Self::with_body(Body::new(lasting, spec, pool)?)
    }

    fn with_body(body: Arc<Body>) -> Result<Arc<Self>> {
        let node = Node::new(0);
        Arc::new(Self { node, body }, GFP_KERNEL)
    }

    /// The same service for another index.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn again(&self) -> Result<Arc<Self>> {
        Self::with_body(self.body.clone())
    }

    /// What the service is to be in another index: it keeps its statistics.
    ///
    /// # Errors
    ///
    /// As for [`Service::new`].
    pub(crate) fn become_anew(&self, spec: &ServiceSpec, pool: Kept) -> Result<Arc<Self>> {
        Self::with_body(Body::new(self.lasting.clone(), spec, pool)?)
    }
}

impl Body {
    fn new(lasting: Lasting, spec: &ServiceSpec, pool: Kept) -> Result<Arc<Self>> {
        let published = Published::new()?;
        let body = pin_init!(Self {
            lasting,
            flags: AtomicU32::new(spec.flags.apply(0)),
            timeout: AtomicU32::new(spec.timeout),
            netmask: AtomicU32::new(u32::from_ne_bytes(spec.netmask.0)),
            pool <- published,
        });
        let body = Arc::pin_init(body, GFP_KERNEL)?;
        body.pool.publish(pool);
        Ok(body)
    }

    /// Whether the service was deleted by itself, not with the whole table.
    pub(crate) fn is_deleted(&self, guard: &Guard) -> bool {
        self.pool.load(guard).is_none()
    }

    /// Gives the service new settings; its scheduler and servers are the pool's.
    pub(crate) fn configure(&self, spec: &ServiceSpec) {
        self.flags.store(spec.flags.apply(self.flags()), Relaxed);
        self.timeout.store(spec.timeout, Relaxed);
        let netmask = u32::from_ne_bytes(spec.netmask.0);
        self.netmask.store(netmask, Relaxed);
    }

    /// What it is said to be for, see [`ServiceSpec::said`].
    pub(crate) fn said(&self) -> Said {
        match self.key {
            ServiceKey::Address {
                protocol,
                addr,
                port,
                ..
            } => Said {
                protocol,
                addr,
                port,
            },
            ServiceKey::Mark { .. } => self.said,
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
