// SPDX-License-Identifier: GPL-2.0

//! A server in a pool, with its configuration.

use core::ops::Deref;
use ipvs_core::{
    addr::{Addr, Family},
    config::{DestKey, DestSpec},
    conn::ConnFlags,
    sched,
};
use knet::rcu::Arc;

use super::dest::Dest;

/// A server in a pool, and its configuration there.
#[derive(Clone)]
pub struct Member {
    dest: Arc<Dest>,
    /// The [`sketch`] of the server's key.
    pub(super) sketch: u64,
    spec: DestSpec,
    /// The last weight that was not 0; 0 if the weight always was 0.
    last_weight: u32,
    conn_flags: ConnFlags,
}

impl Member {
    /// A server that was not in the pool before.
    pub(crate) fn new(dest: Arc<Dest>, spec: &DestSpec) -> Self {
        Self {
            sketch: sketch(&dest.key),
            dest,
            spec: *spec,
            last_weight: spec.weight(),
            conn_flags: ConnFlags::for_server(spec.conn_flags()),
        }
    }

    /// The same server with other settings.
    pub(crate) fn with(&self, spec: &DestSpec) -> Self {
        let mut other = Self::new(self.dest.clone(), spec);
        if spec.weight() == 0 {
            other.last_weight = self.last_weight;
        }
        other
    }

    /// The name of the server in its service.
    #[inline]
    pub fn key(&self) -> DestKey {
        self.dest.key
    }

    /// The configuration of the server.
    #[inline]
    pub(crate) fn spec(&self) -> &DestSpec {
        &self.spec
    }

    /// The flags of a new connection to the server, which include the forwarding method.
    #[inline]
    pub(crate) fn conn_flags(&self) -> ConnFlags {
        self.conn_flags
    }

    /// The server. The caller may clone the reference.
    #[inline]
    pub(crate) fn dest(&self) -> &Arc<Dest> {
        &self.dest
    }
}

/// A hash of a server's key, which seldom is the same for two servers. It is in the list itself, so a search for a
/// server reads the memory of no other server.
pub(super) fn sketch(key: &DestKey) -> u64 {
    let [upper, lower] = key.addr.words();
    upper ^ lower ^ u64::from(key.port).wrapping_shl(48)
}

impl Deref for Member {
    type Target = Dest;

    #[inline]
    fn deref(&self) -> &Dest {
        &self.dest
    }
}

impl sched::Server for Member {
    #[inline]
    fn weight(&self) -> u32 {
        self.spec.weight()
    }

    #[inline]
    fn is_overloaded(&self) -> bool {
        self.dest.is_overloaded()
    }

    #[inline]
    fn active(&self) -> u32 {
        self.dest.active()
    }

    #[inline]
    fn total(&self) -> u32 {
        self.dest.total()
    }

    #[inline]
    fn last_weight(&self) -> u32 {
        self.last_weight
    }

    #[inline]
    fn family(&self) -> Family {
        self.dest.key.family
    }

    #[inline]
    fn addr(&self) -> Addr {
        self.dest.key.addr
    }

    #[inline]
    fn port(&self) -> u16 {
        self.dest.key.port
    }
}
