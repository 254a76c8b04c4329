// SPDX-License-Identifier: GPL-2.0

//! A virtual service.

use core::{
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use ipvs_core::config::{NominalTarget, ServiceKey};
use kernel::prelude::*;
use knet::{hashtable::Node, percpu::Counters, rcu::Arc};

mod index;

use super::{
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
    nominal: NominalTarget,
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
        nominal: NominalTarget,
        pool: Kept,
        counters: Counters<{ stats::COUNTERS }>,
    ) -> Result<Arc<Self>> {
        let lasting = Lasting {
            serial: MADE.fetch_add(1, Relaxed).wrapping_add(1),
            key,
            nominal,
            stats: Arc::pin_init(Stats::new(counters), GFP_KERNEL_ACCOUNT)?,
            nobody: match key {
                ServiceKey::Mark { .. } => Some(Dest::nobody(key)?),
                ServiceKey::Address { .. } => None,
            },
        };
        Self::with_body(Body::new(lasting, pool)?)
    }

    fn with_body(body: Arc<Body>) -> Result<Arc<Self>> {
        let node = Node::new(0);
        Arc::new(Self { node, body }, GFP_KERNEL_ACCOUNT)
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
    pub(crate) fn become_anew(&self, pool: Kept) -> Result<Arc<Self>> {
        Self::with_body(Body::new(self.lasting.clone(), pool)?)
    }
}

impl Body {
    fn new(lasting: Lasting, pool: Kept) -> Result<Arc<Self>> {
        let published = Published::new(pool)?;
        let body = pin_init!(Self {
            lasting,
            pool <- published,
        });
        Arc::pin_init(body, GFP_KERNEL_ACCOUNT)
    }

    /// What it was configured for, see [`ServiceSpec::nominal`].
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

    /// Whether it is known by a port, and that is `port`.
    #[inline]
    pub(crate) fn has_port(&self, port: u16) -> bool {
        matches!(self.key, ServiceKey::Address { port: own, .. } if own == port)
    }
}
