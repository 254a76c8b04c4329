// SPDX-License-Identifier: GPL-2.0

//! A virtual service.
//!
//! ```text
//!   Index ──> Service ─┐
//!                      ├──> SharedService ─┬─ ServiceIdentity
//!   Index ──> Service ─┘                   └─ PublishedPool
//! ```
//!
//! A hash table node can be in one index only. When all services of a namespace are replaced at one moment, the
//! services that stay get a new [`Service`] in the new index, which shares everything else with the old one.

use core::{
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use ipvs_core::config::{NominalTarget, ServiceKey};
use kernel::prelude::*;
use knet::{hashtable::Node, percpu::Counters, rcu::Arc};

mod index;
mod services;

use super::{
    dest::Dest,
    pool::{OwnedPool, PublishedPool},
    stats::{self, Stats},
};

pub(crate) use index::{Cursor, Index};
pub(crate) use services::Services;

/// The number of services that were ever made, in all namespaces.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A virtual service in one [`Index`].
pub(crate) struct Service {
    node: Node<Service>,
    shared: Arc<SharedService>,
}

impl Deref for Service {
    type Target = SharedService;

    #[inline]
    fn deref(&self) -> &SharedService {
        &self.shared
    }
}

/// The part of a virtual service that does not change while the service exists.
#[derive(Clone)]
pub(crate) struct ServiceIdentity {
    /// The number of the service, from 1 on. Orders services with the same hash in walks over all services.
    serial: u64,
    pub(crate) key: ServiceKey,
    nominal: NominalTarget,
    pub(crate) stats: Arc<Stats>,
    /// The [`Dest::nobody`] of a service of a firewall mark: connections that bypass the servers have it. [`None`]
    /// for other services, whose packets are always addressed to the director.
    pub(crate) nobody: Option<Arc<Dest>>,
}

impl Deref for SharedService {
    type Target = ServiceIdentity;

    #[inline]
    fn deref(&self) -> &ServiceIdentity {
        &self.identity
    }
}

/// A virtual service without its place in an [`Index`]. Several indexes share it.
#[pin_data]
pub(crate) struct SharedService {
    identity: ServiceIdentity,
    #[pin]
    pub(crate) pool: PublishedPool,
}

impl Service {
    /// A new service that is in no index yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `ENOPROTOOPT` if the module is being unloaded.
    pub(crate) fn new(
        key: ServiceKey,
        nominal: NominalTarget,
        pool: OwnedPool,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> Result<Arc<Self>> {
        let identity = ServiceIdentity {
            serial: MADE.fetch_add(1, Relaxed).wrapping_add(1),
            key,
            nominal,
            stats: Arc::pin_init(Stats::new(counters), GFP_KERNEL_ACCOUNT)?,
            nobody: match key {
                ServiceKey::Mark { .. } => Some(Dest::nobody(key)?),
                ServiceKey::Address { .. } => None,
            },
        };
        Self::from_shared(SharedService::new(identity, pool)?)
    }

    fn from_shared(shared: Arc<SharedService>) -> Result<Arc<Self>> {
        let node = Node::new(0);
        Arc::new(Self { node, shared }, GFP_KERNEL_ACCOUNT)
    }

    /// The same service for another index. Both have one pool: a change of the pool is seen in both.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn for_another_index(&self) -> Result<Arc<Self>> {
        Self::from_shared(self.shared.clone())
    }

    /// The service with another pool, for another index. It keeps its key, serial number and statistics; the
    /// service in the present index keeps its own pool.
    ///
    /// # Errors
    ///
    /// As for [`Service::new`].
    pub(crate) fn with_pool(&self, pool: OwnedPool) -> Result<Arc<Self>> {
        Self::from_shared(SharedService::new(self.identity.clone(), pool)?)
    }
}

impl SharedService {
    fn new(identity: ServiceIdentity, pool: OwnedPool) -> Result<Arc<Self>> {
        let published = PublishedPool::new(pool)?;
        let shared = pin_init!(Self {
            identity,
            pool <- published,
        });
        let shared = Arc::pin_init(shared, GFP_KERNEL_ACCOUNT)?;
        shared.pool.publish();
        Ok(shared)
    }

    /// The protocol, address and port that the service was configured with. See [`ServiceSpec::nominal`].
    pub(crate) fn nominal(&self) -> NominalTarget {
        match self.key {
            ServiceKey::Address {
                protocol,
                addr,
                port,
                ..
            } => NominalTarget {
                protocol,
                addr,
                port,
            },
            ServiceKey::Mark { .. } => self.nominal,
        }
    }

    /// Whether the key of the service contains this port, in host order. False for a service of a firewall mark.
    #[inline]
    pub(crate) fn has_port(&self, port: u16) -> bool {
        matches!(self.key, ServiceKey::Address { port: own, .. } if own == port)
    }
}
