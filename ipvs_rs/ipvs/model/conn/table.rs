// SPDX-License-Identifier: GPL-2.0

//! The connections of a namespace.
//!
//! A connection has a node under the hash of the client's end and the virtual one, which is the same
//! for packets of both directions. With NAT the server's packets have another end, so there is a
//! second node, under the hash of that and the client's. A packet of either direction needs one search.
//! A template has one node, with a tag that no packet looks for.

use core::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    flow::{FlowDirection, Tuple},
    hash::{self, HashKey},
};
use kernel::prelude::*;
use knet::{
    field::field,
    hashtable::{BucketLengths, Cursor, Table},
    memory,
    rcu::{self, Arc, Guard, Ref},
    timer::Timer,
};

use super::{Conn, CLIENT, SERVER, TEMPLATE};
use crate::model::{duties::Resize, sizing::Sizing};

/// The number of buckets is 2 to a power in this range.
const BITS: RangeInclusive<u32> = 8..=27;

/// The greatest power that is used, in all namespaces.
///
/// The C module does not go beyond 12 unless it is told to. Here memory and `conn_max` are the
/// bounds that count, unless the administrator sets another.
static MOST_BITS: AtomicU32 = AtomicU32::new(*BITS.end());

/// Memory for each bucket, as a power of two: so many connections fit at all.
const MEMORY_BITS: u32 = 9;

/// Bounds the tables of all namespaces, and tells the bound.
///
/// To be called before there are any. A number out of range counts as the nearest in it, and no
/// table has more buckets than connections fit into memory (rounded up, as the C module does).
pub(crate) fn set_most_bits(bits: i32) -> u32 {
    let bits = u32::try_from(bits).unwrap_or(0);
    let memory = memory::total().checked_next_power_of_two();
    let fitting = memory
        .and_then(u64::checked_ilog2)
        .unwrap_or(0)
        .saturating_sub(MEMORY_BITS);
    let bits = bits.min(*BITS.end()).min(fitting).max(*BITS.start());
    MOST_BITS.store(bits, Relaxed);
    bits
}

/// The connections of a namespace.
#[pin_data]
pub(crate) struct Conns {
    key: HashKey,
    #[pin]
    table: Table<Conn>,
    count: AtomicUsize,
    pub(crate) sizing: Sizing,
}

impl Conns {
    /// No connections, and no table for any.
    pub(crate) fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- Table::new(*BITS.start()),
            count: AtomicUsize::new(0),
            sizing: Sizing::new(*BITS.start()..=MOST_BITS.load(Relaxed)),
        })
    }

    /// The connection that a packet with these ends belongs to.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        packet: &Tuple,
        guard: &'g Guard,
    ) -> Option<(Ref<'g, Conn>, FlowDirection)> {
        let mut way = FlowDirection::Request;
        // Only what matches says which way: a packet and one against it have the same hash.
        let is_it = |conn: &Conn, tag| {
            way = match tag {
                CLIENT if conn.request() == *packet => FlowDirection::Request,
                CLIENT | SERVER if conn.reply() == *packet => FlowDirection::Reply,
                _ => return false,
            };
            true
        };
        let (conn, _) = self
            .table
            .find(hash::flow(self.key, packet), guard, is_it)?;
        Some((conn, way))
    }

    /// The template that is found under these ends, unless it was invalidated.
    pub(crate) fn template<'g>(&'g self, ends: &Tuple, guard: &'g Guard) -> Option<Ref<'g, Conn>> {
        let is_it =
            |conn: &Conn, tag| tag == TEMPLATE && conn.request() == *ends && !conn.is_invalidated();
        let (conn, _) = self.table.find(hash::flow(self.key, ends), guard, is_it)?;
        Some(conn)
    }

    /// Counts a connection that is about to be made, unless there are `most` already.
    pub(super) fn reserve(&self, most: usize) -> bool {
        let reserved = self.count.fetch_add(1, Relaxed) < most;
        if !reserved {
            self.count.fetch_sub(1, Relaxed);
        }
        reserved
    }

    /// Takes [`Conns::reserve`] back.
    pub(super) fn release(&self) {
        self.count.fetch_sub(1, Relaxed);
    }

    /// Lets packets find a connection, and starts its time.
    ///
    /// Returns [`None`] if there is another one with the same ends already.
    pub(super) fn insert(&self, conn: &Arc<Conn>, guard: &Guard) -> Option<()> {
        // Before it can be found and ended, so that nobody cancels a timer that is armed later.
        Timer::arm(conn, conn.deadline());
        // The node of the client comes last, as it is the one by which a connection is ended:
        // whoever takes that out finds both in the table.
        //
        // Two clients' connections never share the ends of replies; those of one client to two
        // virtual services may, and are told apart as little as by the C module.
        if conn.has_server_node() {
            let hash = hash::flow(self.key, &conn.reply());
            let node = field!(Conn, server_node);
            let _ = self.table.insert(conn, node, hash, guard, |_, _| false);
        }
        let (request, tag) = (conn.request(), conn.client_node.tag());
        let is_same = |other: &Conn, other_tag| {
            other_tag == tag && other.request() == request && !other.is_invalidated()
        };
        let hash = hash::flow(self.key, &request);
        let node = field!(Conn, client_node);
        if self.table.insert(conn, node, hash, guard, is_same).is_err() {
            self.remove_server_node(conn);
            Timer::<Conn>::cancel(conn);
            return None;
        }
        if self.sizing.is_outgrown(self.count()) {
            Resize::plan(&conn.ipvs);
        }
        Some(())
    }

    /// Takes a connection out. Returns whether this call did it.
    pub(super) fn remove(&self, conn: &Conn) -> bool {
        if self.table.remove(&conn.client_node).is_none() {
            return false;
        }
        self.remove_server_node(conn);
        self.count.fetch_sub(1, Relaxed);
        if self.sizing.is_oversized(self.count()) {
            Resize::plan(&conn.ipvs);
        }
        true
    }

    fn remove_server_node(&self, conn: &Conn) {
        if conn.has_server_node() {
            drop(self.table.remove(&conn.server_node));
        }
    }

    /// The next connection or template of a walk over all, each once.
    pub(crate) fn next<'g>(
        &'g self,
        cursor: &mut Cursor,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Conn>> {
        loop {
            match self.table.next(cursor, guard)? {
                (_, SERVER) => continue,
                (conn, _) => return Some(conn),
            }
        }
    }

    /// Ends all connections. May sleep.
    pub(crate) fn flush(&self) {
        let mut cursor = Cursor::default();
        loop {
            let guard = rcu::read_lock();
            let Some(conn) = self.next(&mut cursor, &guard) else {
                return;
            };
            conn.finish();
        }
    }

    /// How many there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// The number of buckets, 0 before there are any.
    pub(crate) fn buckets(&self) -> u32 {
        self.bits().map_or(0, |bits| 1_u32.wrapping_shl(bits))
    }

    /// How many of the buckets are how long.
    pub(crate) fn lengths(&self) -> BucketLengths {
        self.table.lengths()
    }

    /// The number of buckets is 2 to this power, once there are any.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.table.bits()
    }

    /// Gives the table the size that it should have with this load factor. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table stays as it was.
    pub(crate) fn resize(&self, factor: i32) -> Result {
        self.sizing.apply(&self.table, self.count(), factor)
    }
}
