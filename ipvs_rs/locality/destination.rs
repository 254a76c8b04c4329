// SPDX-License-Identifier: GPL-2.0

//! A destination, and the servers that its packets go to.

use core::sync::atomic::AtomicUsize;
use ipvs::plugin::scheduler::Member;
use ipvs_core::addr::Addr;
use knet::{
    hashtable::Node,
    rcu::{Guard, Ref, Slot},
};

use crate::servers::{Indices, Servers};

/// A destination, and the servers that its packets go to.
pub struct Destination {
    pub(crate) node: Node<Destination>,
    pub(crate) addr: Addr,
    /// When a packet came last.
    pub(crate) used: AtomicUsize,
    pub(crate) servers: Slot<Servers>,
}

impl Destination {
    /// The indices of the servers that are still there, the newest one first.
    #[inline(never)]
    pub fn servers<'a>(&self, members: &'a [Member], guard: &'a Guard) -> Indices<'a> {
        let servers = self.servers.load(guard).map(Ref::get);
        Indices {
            first: servers.map(|servers| &servers.first),
            others: servers.map_or_else(Default::default, |servers| servers.others.iter()),
            members,
        }
    }

    /// The index of the only server, if it is still there; [`None`] if there are more.
    #[inline(never)]
    pub fn only_server(&self, members: &[Member], guard: &Guard) -> Option<usize> {
        self.only(members, guard)
    }

    #[inline]
    pub(crate) fn only(&self, members: &[Member], guard: &Guard) -> Option<usize> {
        let servers = self.servers.load(guard)?.get();
        match servers.others.is_empty() {
            true => servers.first.index(members),
            false => None,
        }
    }
}
