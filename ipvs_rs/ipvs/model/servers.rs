// SPDX-License-Identifier: GPL-2.0

//! The servers of a namespace, found by what packets tell of them.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    addr::{Addr, Family},
    config::{DestSpec, ServiceKey},
    conn::{ConnFlags, Method},
    hash::{self, HashKey},
    icmp::tunnel::Layer,
    tunnel::Wrapping,
};
use kernel::prelude::*;
use knet::{
    field::field,
    hashtable::{Node, Table},
    rcu::{self, Arc, Guard, Ref},
};

use super::{dest::Dest, duties::Resize, sizing::Sizing, Ipvs};

/// The number of buckets is 2 to a power in this range, and about twice that of servers.
const BITS: RangeInclusive<u32> = 4..=20;
const LOAD_FACTOR: i32 = -1;

/// What packets tell of a server, besides its address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// With NAT: the port that its packets come from, and their protocol unless it is any.
    Source(u16, Option<u16>),
    /// With a tunnel: how packets to it are wrapped.
    Tunnel(Wrapping),
}

impl Sign {
    /// A kind of sign, and the port that packets show.
    fn words(self) -> (u16, u16) {
        match self {
            Self::Source(port, _) => (0, port),
            Self::Tunnel(Wrapping::Gue { port, .. }) => (1, port),
            Self::Tunnel(Wrapping::Ip | Wrapping::Gre { .. }) => (1, 0),
        }
    }
}

/// Servers with the same address and sign, which are those of many services perhaps. One that gets
/// another sign gets another entry, so that who walks along a bucket stays in it.
pub(crate) struct Entry {
    node: Node<Entry>,
    family: Family,
    addr: Addr,
    sign: Sign,
    /// How many they are; changed under the configuration lock, as is the next.
    servers: AtomicUsize,
    /// How many they are and may become: see [`Place`].
    expected: AtomicUsize,
}

impl Entry {
    fn is(&self, family: Family, addr: Addr) -> bool {
        self.family == family && self.addr == addr
    }
}

/// Where a server will be, with all the memory that this takes. Packets do not see it yet.
pub(crate) enum Place {
    /// Where it is.
    Same,
    /// In an entry, which expects it, or in none.
    Other(Option<Arc<Entry>>),
}

/// The servers of all services of a namespace, but those that packets tell nothing of.
#[pin_data]
pub(crate) struct Servers {
    key: HashKey,
    #[pin]
    table: Table<Entry>,
    sizing: Sizing,
    /// How many entries there are.
    count: AtomicUsize,
    /// How many servers have an address of IPv4 or of IPv6, and serve the other: from the way to them comes
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

    fn hash(&self, family: Family, addr: Addr, (kind, port): (u16, u16)) -> u32 {
        hash::service(self.key, family, kind, addr, port)
    }

    /// The entry of servers with this address for whose sign, which has these words, `is_it` holds.
    fn find<'g>(
        &'g self,
        family: Family,
        addr: Addr,
        words: (u16, u16),
        guard: &'g Guard,
        is_it: impl Fn(Sign) -> bool,
    ) -> Option<Ref<'g, Entry>> {
        let hash = self.hash(family, addr, words);
        let is_it = |entry: &Entry, _| entry.is(family, addr) && is_it(entry.sign);
        Some(self.table.find(hash, guard, is_it)?.0)
    }

    /// Whether there is a server with this address for whose sign, which has these words, `is_it`
    /// holds.
    fn is_there(
        &self,
        family: Family,
        addr: Addr,
        words: (u16, u16),
        guard: &Guard,
        is_it: impl Fn(Sign) -> bool,
    ) -> bool {
        let entry = self.find(family, addr, words, guard, is_it);
        entry.is_some_and(|entry| entry.servers.load(Relaxed) != 0)
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
        let serves = |sign| match sign {
            Sign::Source(own, served) => {
                own == port && served.is_none_or(|served| served == u16::from(protocol))
            }
            Sign::Tunnel(_) => false,
        };
        let words = Sign::Source(port, None).words();
        self.is_there(family, addr, words, guard, serves)
    }

    /// Whether packets to this address in this layer go through a tunnel to a server.
    pub(crate) fn has_tunnel(
        &self,
        family: Family,
        addr: Addr,
        layer: Layer,
        guard: &Guard,
    ) -> bool {
        let port = match layer {
            Layer::Gue { port } => port,
            Layer::Ip | Layer::Gre => 0,
        };
        let leads_there = |sign| match sign {
            Sign::Source(..) => false,
            Sign::Tunnel(wrapping) => layer.is_of(wrapping),
        };
        self.is_there(family, addr, (1, port), guard, leads_there)
    }

    /// The place that a server is to have when it is configured to `spec`; `before` is what it is
    /// configured to, if it is one of these. It is to be given to [`Self::enter`] or
    /// [`Self::discard`].
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn prepare(
        &self,
        ipvs: &Arc<Ipvs>,
        dest: &Dest,
        before: Option<&DestSpec>,
        spec: &DestSpec,
    ) -> Result<Place> {
        let new = sign(dest, spec);
        if before.is_some_and(|before| sign(dest, before) == new) {
            return Ok(Place::Same);
        }
        let entry = new
            .map(|sign| self.entry(ipvs, dest, sign))
            .transpose()?
            .inspect(|entry| {
                entry.expected.fetch_add(1, Relaxed);
            });
        Ok(Place::Other(entry))
    }

    /// Gives a server its place: by that packets find it from now on, and by no other.
    pub(crate) fn enter(&self, dest: &Dest, place: Place) {
        let Place::Other(entry) = place else {
            return;
        };
        if let Some(entry) = &entry {
            entry.servers.fetch_add(1, Relaxed);
            if let Some(mixed) = self.mixed(dest) {
                mixed.fetch_add(1, Relaxed);
            }
        }
        self.remove(dest, entry);
    }

    /// Gives a place up that is not needed.
    pub(crate) fn discard(&self, place: Place) {
        if let Place::Other(Some(entry)) = place {
            self.expect_less(&entry);
        }
    }

    /// Takes the entry out for which there is no server any more.
    fn expect_less(&self, entry: &Entry) {
        if entry.expected.fetch_sub(1, Relaxed) == 1 && self.table.remove(&entry.node).is_some() {
            self.count.fetch_sub(1, Relaxed);
        }
    }

    /// The entry of servers like this one, which may be new.
    fn entry(&self, ipvs: &Arc<Ipvs>, dest: &Dest, sign: Sign) -> Result<Arc<Entry>> {
        let (family, addr) = (dest.key.family, dest.key.addr);
        if self.table.bits().is_none() {
            self.resize()?;
        }
        let known = {
            let guard = rcu::read_lock();
            let known = self.find(family, addr, sign.words(), &guard, |other| other == sign);
            known.and_then(Ref::try_clone)
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let entry = Arc::new(
            Entry {
                node: Node::new(0),
                family,
                addr,
                sign,
                servers: AtomicUsize::new(0),
                expected: AtomicUsize::new(0),
            },
            GFP_KERNEL_ACCOUNT,
        )?;
        let hash = self.hash(family, addr, sign.words());
        let guard = rcu::read_lock();
        self.table
            .insert(&entry, field!(Entry, node), hash, &guard, |_, _| false)
            .map_err(|_| ENOMEM)?;
        drop(guard);
        let count = self.count.fetch_add(1, Relaxed).wrapping_add(1);
        if self.sizing.is_outgrown(count) {
            Resize::plan(ipvs);
        }
        Ok(entry)
    }

    /// Takes a server out.
    pub(crate) fn leave(&self, dest: &Dest) {
        self.remove(dest, None);
    }

    /// Takes a server out of the entry that it is in, and gives it another one.
    fn remove(&self, dest: &Dest, other: Option<Arc<Entry>>) {
        let Some(entry) = dest.entry.replace(other) else {
            return;
        };
        if let Some(mixed) = self.mixed(dest) {
            mixed.fetch_sub(1, Relaxed);
        }
        entry.servers.fetch_sub(1, Relaxed);
        self.expect_less(&entry);
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

/// What packets tell of a server that is configured to `spec`.
fn sign(dest: &Dest, spec: &DestSpec) -> Option<Sign> {
    let protocol = match dest.service {
        ServiceKey::Address { protocol, .. } => Some(protocol),
        ServiceKey::Mark { .. } => None,
    };
    match ConnFlags::for_server(spec.conn_flags()).method() {
        Method::Nat => Some(Sign::Source(dest.key.port, protocol)),
        Method::Tunnel => Some(Sign::Tunnel(Wrapping::of(spec.tunnel()))),
        _ => None,
    }
}
