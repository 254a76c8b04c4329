// SPDX-License-Identifier: GPL-2.0

//! The connections of a namespace.
//!
//! A connection has a node under the hash of the client's and the virtual address and port. This hash is
//! the same for both directions. With NAT the server's packets carry the server's address, so there is
//! a second node, under the hash of the server's and the client's address and port. A packet of either
//! direction needs one search. A template has one node, with a tag that no search for a packet accepts; with data of a
//! persistence engine it is under the hash of this data.

use core::{
    ops::RangeInclusive,
    ptr,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::{
    engine::EngineData,
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

/// The upper bound for the power of two, in all namespaces.
///
/// The C module does not go beyond 12 unless a module parameter sets more. Here the bounds are the memory and `conn_max`, unless
/// the administrator sets this bound.
static MOST_BITS: AtomicU32 = AtomicU32::new(*BITS.end());

/// The bytes of memory that one connection takes, as a power of two. There are no more buckets than connections fit.
const MEMORY_BITS: u32 = 9;

/// Sets the upper bound for the tables of all namespaces to 2 to the power `bits`, and returns the power in use.
///
/// The caller calls this before it makes a table. A number out of range counts as the nearest number in the range. No
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

/// The addresses and ports of a connection or a template, and their hash in the table of its namespace.
#[derive(Clone, Copy)]
pub(crate) struct TableKey {
    tuple: Tuple,
    hash: u32,
}

impl TableKey {
    /// The addresses and ports.
    #[inline]
    pub(crate) fn tuple(&self) -> &Tuple {
        &self.tuple
    }
}

/// The connections of a namespace.
#[pin_data]
pub(crate) struct Conns {
    key: HashKey,
    #[pin]
    table: Table<Conn>,
    count: AtomicUsize,
    /// How many of them have the flag [`NO_CLIENT_PORT`](ipvs_core::conn::ConnFlags::NO_CLIENT_PORT).
    expected: AtomicUsize,
    pub(crate) sizing: Sizing,
}

impl Conns {
    /// No connections, and no buckets yet.
    pub(crate) fn new(key: HashKey) -> impl PinInit<Self> {
        pin_init!(Self {
            key,
            table <- Table::new(*BITS.start()),
            count: AtomicUsize::new(0),
            expected: AtomicUsize::new(0),
            sizing: Sizing::new(*BITS.start()..=MOST_BITS.load(Relaxed)),
        })
    }

    /// The key of the connection of a packet with these addresses and ports.
    #[inline]
    pub(crate) fn key(&self, tuple: Tuple) -> TableKey {
        TableKey {
            hash: hash::flow(self.key, &tuple),
            tuple,
        }
    }

    /// The key of a template with these addresses, ports and data of an engine. The data tells templates of one client
    /// apart, so it decides alone about the hash.
    #[inline]
    pub(crate) fn template_key(
        &self,
        tuple: Tuple,
        engine_data: Option<EngineData<'_>>,
    ) -> TableKey {
        match engine_data {
            None => self.key(tuple),
            Some(engine) => TableKey {
                tuple,
                hash: hash::bytes(self.key, engine.data),
            },
        }
    }

    /// The connection of a packet with this key, and the direction of the packet.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        key: &TableKey,
        guard: &'g Guard,
    ) -> Option<(Ref<'g, Conn>, FlowDirection)> {
        let TableKey { tuple, hash } = key;
        let mut way = FlowDirection::Request;
        // Packets of both directions have the same hash, so the comparison tells the direction.
        let is_it = |conn: &Conn, tag| {
            way = match tag {
                CLIENT if conn.request() == *tuple => FlowDirection::Request,
                SERVER if conn.reply_by_nat() == *tuple => FlowDirection::Reply,
                CLIENT if conn.reply() == *tuple => FlowDirection::Reply,
                _ => return false,
            };
            true
        };
        let (conn, _) = self.table.find(*hash, guard, is_it)?;
        Some((conn, way))
    }

    /// The connection of a packet of a client that has left IPVS for the server, with these addresses and ports: with NAT the
    /// destination is that of the server.
    pub(crate) fn find_on_the_way<'g>(
        &'g self,
        tuple: &Tuple,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Conn>> {
        let reply = tuple.reversed();
        let is_it = |conn: &Conn, tag| tag != TEMPLATE && conn.reply() == reply;
        // Packets of both directions have the same hash.
        let hash = hash::flow(self.key, &reply);
        let (conn, _) = self.table.find(hash, guard, is_it)?;
        Some(conn)
    }

    /// The template with this key and data of an engine, unless it was invalidated.
    pub(crate) fn template<'g>(
        &'g self,
        key: &TableKey,
        engine_data: Option<EngineData<'_>>,
        guard: &'g Guard,
    ) -> Option<Ref<'g, Conn>> {
        let is_it = |conn: &Conn, tag| {
            tag == TEMPLATE
                && conn.request() == key.tuple
                && conn.engine_data() == engine_data
                && !conn.is_invalidated()
        };
        let (conn, _) = self.table.find(key.hash, guard, is_it)?;
        Some(conn)
    }

    /// Counts a connection that is about to be created. Returns false if there are `most` connections already.
    pub(super) fn reserve(&self, most: usize) -> bool {
        let reserved = self.count.fetch_add(1, Relaxed) < most;
        if !reserved {
            self.count.fetch_sub(1, Relaxed);
        }
        reserved
    }

    /// Undoes [`Conns::reserve`].
    pub(super) fn release(&self) {
        self.count.fetch_sub(1, Relaxed);
    }

    /// Counts a connection whose client's port is not known, once it is in the table. The number may be too small for a moment,
    /// and count as a very large one.
    #[cold]
    pub(crate) fn expect_one_more(&self) {
        self.expected.fetch_add(1, Relaxed);
    }

    /// Undoes [`Conns::expect_one_more`].
    pub(super) fn expect_one_less(&self) {
        self.expected.fetch_sub(1, Relaxed);
    }

    /// Whether there is a connection whose client's port is not known.
    #[inline]
    pub(crate) fn expects_any(&self) -> bool {
        self.expected.load(Relaxed) != 0
    }

    /// Inserts a connection with this key, so that packets find it, and arms its timer.
    ///
    /// Returns [`None`] if the table already has another connection with the same addresses and ports than `beside`.
    #[inline]
    pub(super) fn insert(
        &self,
        conn: &Arc<Conn>,
        key: &TableKey,
        beside: Option<&Conn>,
        guard: &Guard,
    ) -> Option<()> {
        // The timer is armed before the connection can be found and ended. Otherwise its timer could be
        // cancelled first and armed afterwards.
        Timer::arm(conn, conn.deadline());
        // The client node is inserted last. A connection is ended by the removal of its client node, so
        // both nodes are in the table then.
        //
        // Replies to two clients never have the same addresses and ports. Replies to one client of two
        // virtual services may have them; the table finds either connection, as the C module does.
        if conn.has_server_node() {
            let hash = hash::flow(self.key, &conn.reply());
            let node = field!(Conn, server_node);
            let _ = self.table.insert(conn, node, hash, guard, |_, _| false);
        }
        let (TableKey { tuple, hash }, tag) = (key, conn.client_node.tag());
        let is_same = |other: &Conn, other_tag| {
            other_tag == tag
                && other.request() == *tuple
                && other.engine_data() == conn.engine_data()
                && !other.is_invalidated()
                && !beside.is_some_and(|beside| ptr::eq(beside, other))
        };
        let node = field!(Conn, client_node);
        if self
            .table
            .insert(conn, node, *hash, guard, is_same)
            .is_err()
        {
            self.remove_server_node(conn);
            Timer::<Conn>::cancel(conn);
            return None;
        }
        if self.sizing.is_outgrown(self.count()) {
            Resize::plan(&conn.ipvs);
        }
        Some(())
    }

    /// Removes a connection. Returns false if another call did so before.
    pub(super) fn remove(&self, conn: &Conn) -> bool {
        if self.table.remove(&conn.client_node).is_none() {
            return false;
        }
        self.remove_server_node(conn);
        conn.ipvs.passages.forget(conn);
        let left = self.count.fetch_sub(1, Relaxed).wrapping_sub(1);
        if self.sizing.is_oversized(left) {
            Resize::plan(&conn.ipvs);
        }
        true
    }

    fn remove_server_node(&self, conn: &Conn) {
        if conn.has_server_node() {
            drop(self.table.remove(&conn.server_node));
        }
    }

    /// The next connection or template of a walk that yields each of them once.
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

    /// The number of connections and templates.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// The number of buckets, 0 before the table has buckets.
    pub(crate) fn buckets(&self) -> u32 {
        self.bits().map_or(0, |bits| 1_u32.wrapping_shl(bits))
    }

    /// The number of buckets of each length.
    pub(crate) fn lengths(&self) -> BucketLengths {
        self.table.lengths()
    }

    /// The number of buckets as a power of two; [`None`] before the table has buckets.
    pub(crate) fn bits(&self) -> Option<u32> {
        self.table.bits()
    }

    /// Resizes the table for the current number of connections and this load factor. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; the table keeps its size.
    pub(crate) fn resize(&self, factor: i32) -> Result {
        self.sizing.apply(&self.table, self.count(), factor)
    }
}
