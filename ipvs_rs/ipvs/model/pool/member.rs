// SPDX-License-Identifier: GPL-2.0

//! A server in a pool.

use core::ops::Deref;
use ipvs_core::{
    addr::{Addr, Family},
    config::{DestKey, DestSpec},
    conn::ConnFlags,
    sched,
};
use knet::rcu::Arc;

use crate::model::dest::Dest;

/// A server in a [`Pool`], and what it is configured to there.
#[derive(Clone)]
pub struct Member {
    dest: Arc<Dest>,
    /// See [`sketch`].
    pub(super) sketch: u64,
    spec: DestSpec,
    /// The last weight that was not 0; 0 if there never was one.
    last_weight: u32,
    conn_flags: ConnFlags,
}

impl Member {
    /// A server that is new, or was away.
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

    /// What it is configured to.
    #[inline]
    pub(crate) fn spec(&self) -> &DestSpec {
        &self.spec
    }

    /// What a connection to it starts with, the forwarding method included.
    #[inline]
    pub(crate) fn conn_flags(&self) -> ConnFlags {
        self.conn_flags
    }

    /// The server, to be kept.
    #[inline]
    pub(crate) fn dest(&self) -> &Arc<Dest> {
        &self.dest
    }
}

/// A number that seldom is the same for two servers. With it in the list itself, a search for a
/// server looks at no other.
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
