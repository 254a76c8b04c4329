// SPDX-License-Identifier: GPL-2.0

//! The real servers of a namespace, found by the addresses and ports of packets.
//!
//! A packet from a server (NAT) or an error about a packet to a server (tunnel) names the server by its own
//! address. This table tells whether any service has such a server.

mod entry;
mod packet_match;
mod reservation;

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    addr::{Addr, Family},
    hash::{self, HashKey},
    icmp::tunnel::Layer,
};
use kernel::prelude::*;
use knet::{
    hashtable,
    rcu::{Guard, Ref},
};

use super::{dest::Dest, sizing::Sizing};
use packet_match::{HashWords, PacketMatch};

pub(crate) use entry::ServerEntry;
pub(crate) use reservation::Reservation;

/// The number of buckets is 2 to a power in this range.
const BITS: RangeInclusive<u32> = 4..=20;

/// The table has about two buckets for each entry.
const LOAD_FACTOR: i32 = -1;

/// The servers of all services of a namespace. Servers with direct routing are not in it, as no packet names them.
#[pin_data]
pub(crate) struct Servers {
    key: HashKey,
    #[pin]
    table: hashtable::Table<ServerEntry>,
    sizing: Sizing,
    /// The number of entries. Changed under the configuration lock.
    count: AtomicUsize,
    /// The number of servers in the table that have an IPv4 address and are in an IPv6 service. Packets from such
    /// servers arrive although no service has their family. Changed under the configuration lock.
    mixed_v4: AtomicUsize,
    /// The number of servers in the table that have an IPv6 address and are in an IPv4 service. Changed under the
    /// configuration lock.
    mixed_v6: AtomicUsize,
}

impl Servers {
    /// An empty table.
    pub(crate) fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- hashtable::Table::new(*BITS.start()),
            sizing: Sizing::new(BITS),
            count: AtomicUsize::new(0),
            mixed_v4: AtomicUsize::new(0),
            mixed_v6: AtomicUsize::new(0),
        })
    }

    fn hash(&self, family: Family, addr: Addr, words: HashWords) -> u32 {
        hash::service(self.key, family, words.kind, addr, words.port)
    }

    /// The entry with this address and these hash words whose [`PacketMatch`] is accepted by `is_it`.
    fn find<'g>(
        &'g self,
        family: Family,
        addr: Addr,
        words: HashWords,
        guard: &'g Guard,
        is_it: impl Fn(PacketMatch) -> bool,
    ) -> Option<Ref<'g, ServerEntry>> {
        let hash = self.hash(family, addr, words);
        let is_it = |entry: &ServerEntry, _| entry.has(family, addr) && is_it(entry.packet_match);
        Some(self.table.find(hash, guard, is_it)?.0)
    }

    /// The entry that [`Self::find`] finds, if it stands for a server now.
    fn find_there<'g>(
        &'g self,
        family: Family,
        addr: Addr,
        words: HashWords,
        guard: &'g Guard,
        is_it: impl Fn(PacketMatch) -> bool,
    ) -> Option<Ref<'g, ServerEntry>> {
        let entry = self.find(family, addr, words, guard, is_it)?;
        (entry.servers.load(Relaxed) != 0).then_some(entry)
    }

    /// Whether a packet of `protocol` from this address and port comes from a server with NAT.
    pub(crate) fn has_source(
        &self,
        family: Family,
        protocol: u8,
        addr: Addr,
        port: u16,
        guard: &Guard,
    ) -> bool {
        self.source(family, protocol, addr, port, guard).is_some()
    }

    /// The entry of a server with NAT, from which a packet of `protocol` from this address and port comes.
    pub(crate) fn source<'g>(
        &'g self,
        family: Family,
        protocol: u8,
        addr: Addr,
        port: u16,
        guard: &'g Guard,
    ) -> Option<Ref<'g, ServerEntry>> {
        let serves = |packet_match| match packet_match {
            PacketMatch::Source(own, served) => {
                own == port && served.is_none_or(|served| served == u16::from(protocol))
            }
            PacketMatch::Tunnel(_) => false,
        };
        let words = HashWords::source(port);
        self.find_there(family, addr, words, guard, serves)
    }

    /// Whether a packet to this address with this outer layer goes through a tunnel to a server.
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
        let leads_there = |packet_match| match packet_match {
            PacketMatch::Source(..) => false,
            PacketMatch::Tunnel(wrapping) => layer.is_of(wrapping),
        };
        let words = HashWords::tunnel(port);
        self.find_there(family, addr, words, guard, leads_there)
            .is_some()
    }

    /// The counter of mixed servers that counts this server; [`None`] if the server has the family of its service.
    fn mixed(&self, dest: &Dest) -> Option<&AtomicUsize> {
        match (dest.key.family, dest.service.family()) {
            (Family::V4, Family::V6) => Some(&self.mixed_v4),
            (Family::V6, Family::V4) => Some(&self.mixed_v6),
            _ => None,
        }
    }

    /// The number of servers that have an address of `family` and are in a service of the other family.
    pub(crate) fn count_mixed(&self, family: Family) -> usize {
        match family {
            Family::V4 => self.mixed_v4.load(Relaxed),
            Family::V6 => self.mixed_v6.load(Relaxed),
        }
    }

    /// Gives the table, if it has buckets, the size that fits the number of entries. May sleep.
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

    /// Whether the table is much too large for its entries.
    pub(crate) fn are_oversized(&self) -> bool {
        self.sizing.is_oversized(self.count.load(Relaxed))
    }

    fn resize(&self) -> Result {
        let count = self.count.load(Relaxed);
        self.sizing.apply(&self.table, count, LOAD_FACTOR)
    }
}
