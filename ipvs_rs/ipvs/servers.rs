// SPDX-License-Identifier: GPL-2.0

//! The servers of a namespace, found by what packets tell of them.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    addr::{Addr, Family},
    config::ServiceKey,
    conn::Method,
    hash::{self, HashKey},
    icmp::tunnel::Layer,
    tunnel::Wrapping,
};
use kernel::prelude::*;
use knet::{
    hashtable::{Node, Table},
    rcu::{self, Arc, Guard, Ref},
};

use crate::{
    dest::Dest,
    netns::Ipvs,
    resize::{Resize, Sizing},
};

/// The number of buckets is 2 to a power in this range, and about twice that of servers.
const BITS: RangeInclusive<u32> = 4..=20;
const LOAD_FACTOR: i32 = -1;

/// What packets tell of a server, besides its address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// With NAT: the port that its packets come from.
    Source(u16),
    /// With a tunnel: the UDP port of its end, 0 if it has none.
    Tunnel(u16),
}

/// A server in the table. One that gets another sign gets another entry, so that who walks along
/// a bucket stays in it.
pub(crate) struct Entry {
    node: Node<Entry>,
    sign: Sign,
    dest: Arc<Dest>,
}

/// The servers of all services of a namespace, but those that packets tell nothing of.
#[pin_data]
pub(crate) struct Servers {
    key: HashKey,
    #[pin]
    table: Table<Entry>,
    sizing: Sizing,
    count: AtomicUsize,
    /// How many have an address of IPv4 or of IPv6, and serve the other: from the way to them comes
    /// what no service is for.
    mixed_v4: AtomicUsize,
    mixed_v6: AtomicUsize,
}

impl Servers {
    /// No servers.
    pub(crate) fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- Table::new(*BITS.start()),
            sizing: Sizing::new(BITS),
            count: AtomicUsize::new(0),
            mixed_v4: AtomicUsize::new(0),
            mixed_v6: AtomicUsize::new(0),
        })
    }

    fn hash(&self, family: Family, addr: Addr, sign: Sign) -> u32 {
        let (kind, port) = match sign {
            Sign::Source(port) => (0, port),
            Sign::Tunnel(port) => (1, port),
        };
        hash::service(self.key, family, kind, addr, port)
    }

    /// The server with this address and sign for which `is_it` holds.
    fn find<'g>(
        &'g self,
        family: Family,
        addr: Addr,
        sign: Sign,
        guard: &'g Guard,
        is_it: impl Fn(&Dest) -> bool,
    ) -> Option<Ref<'g, Entry>> {
        let is_it = |entry: &Entry, _| {
            let dest = &entry.dest;
            let is_there = dest.key.family == family && dest.key.addr == addr;
            is_there && entry.sign == sign && is_it(dest)
        };
        let hash = self.hash(family, addr, sign);
        Some(self.table.find(hash, guard, is_it)?.0)
    }

    /// Whether packets from this address and port are those of a server.
    pub(crate) fn has_source(
        &self,
        family: Family,
        protocol: u8,
        addr: Addr,
        port: u16,
        guard: &Guard,
    ) -> bool {
        let serves = |dest: &Dest| match dest.service {
            ServiceKey::Address {
                protocol: served, ..
            } => served == u16::from(protocol),
            ServiceKey::Mark { .. } => true,
        };
        self.find(family, addr, Sign::Source(port), guard, serves)
            .is_some()
    }

    /// Whether packets to this address in this layer go through a tunnel to a server.
    pub(crate) fn has_tunnel(
        &self,
        family: Family,
        addr: Addr,
        layer: Layer,
        guard: &Guard,
    ) -> bool {
        let sign = Sign::Tunnel(match layer {
            Layer::Gue { port } => port,
            Layer::Ip | Layer::Gre => 0,
        });
        self.find(family, addr, sign, guard, |dest| {
            layer.is_of(dest.wrapping())
        })
        .is_some()
    }

    /// Makes a server one of these, by the sign that it has now.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; it is as it was before.
    pub(crate) fn enter(&self, ipvs: &Arc<Ipvs>, dest: &Arc<Dest>) -> Result {
        let Some(sign) = sign(dest) else {
            self.leave(dest);
            return Ok(());
        };
        if dest.entry.get().is_some_and(|entry| entry.sign == sign) {
            return Ok(());
        }
        if self.table.bits().is_none() {
            self.resize()?;
        }
        let entry = Arc::new(
            Entry {
                node: Node::new(0),
                sign,
                dest: dest.clone(),
            },
            GFP_KERNEL,
        )?;
        let hash = self.hash(dest.key.family, dest.key.addr, sign);
        let guard = rcu::read_lock();
        self.table
            .insert(&entry, &entry.node, hash, &guard, |_, _| false)
            .map_err(|_| ENOMEM)?;
        drop(guard);
        let count = self.count.fetch_add(1, Relaxed).wrapping_add(1);
        if let Some(mixed) = self.mixed(dest) {
            mixed.fetch_add(1, Relaxed);
        }
        self.remove(dest.entry.replace(Some(entry)));
        if self.sizing.is_outgrown(count) {
            Resize::plan(ipvs);
        }
        Ok(())
    }

    /// Takes a server out.
    pub(crate) fn leave(&self, dest: &Dest) {
        self.remove(dest.entry.replace(None));
    }

    fn remove(&self, entry: Option<Arc<Entry>>) {
        let Some(entry) = entry else { return };
        if self.table.remove(&entry.node).is_some() {
            self.count.fetch_sub(1, Relaxed);
            if let Some(mixed) = self.mixed(&entry.dest) {
                mixed.fetch_sub(1, Relaxed);
            }
        }
    }

    /// The count of servers like this one, if it serves the other family.
    fn mixed(&self, dest: &Dest) -> Option<&AtomicUsize> {
        match (dest.key.family, dest.service.family()) {
            (Family::V4, Family::V6) => Some(&self.mixed_v4),
            (Family::V6, Family::V4) => Some(&self.mixed_v6),
            _ => None,
        }
    }

    /// How many have an address of `family`, and serve the other.
    pub(crate) fn count_mixed(&self, family: Family) -> usize {
        match family {
            Family::V4 => self.mixed_v4.load(Relaxed),
            Family::V6 => self.mixed_v6.load(Relaxed),
        }
    }

    /// Gives the table, if there is one, the size that it should have. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table stays as it was.
    pub(crate) fn resize_if_there(&self) -> Result {
        match self.table.bits() {
            Some(_) => self.resize(),
            None => Ok(()),
        }
    }

    fn resize(&self) -> Result {
        let count = self.count.load(Relaxed);
        self.sizing.apply(&self.table, count, LOAD_FACTOR)
    }
}

/// What packets tell of a server now.
fn sign(dest: &Dest) -> Option<Sign> {
    match (dest.conn_flags().method(), dest.wrapping()) {
        (Method::Nat, _) => Some(Sign::Source(dest.key.port)),
        (Method::Tunnel, Wrapping::Gue { port, .. }) => Some(Sign::Tunnel(port)),
        (Method::Tunnel, Wrapping::Ip | Wrapping::Gre { .. }) => Some(Sign::Tunnel(0)),
        _ => None,
    }
}
