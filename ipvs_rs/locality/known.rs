// SPDX-License-Identifier: GPL-2.0

//! The table of the destinations of one service.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    flow::Flow,
    hash::{self, HashKey},
    sched::locality,
};
use kernel::{alloc::flags::__GFP_NOWARN, prelude::*};
use knet::{
    field::field,
    hashtable::{Cursor, Node, Table},
    random,
    rcu::{Arc, Guard, Slot},
    spinlock::{new_spinlock_bh, SpinLockBh},
    time::{Jiffies, HZ},
};

use crate::{destination::Destination, expiration::Seconds, servers::Servers};

/// The number of buckets is 2 to this power, that of locks to the other.
const BITS: u32 = 10;
const LOCK_BITS: u32 = 4;

/// The number of destinations that are looked at when one is added.
const LOOKS: usize = 8;

/// The destinations of one service.
#[pin_data]
pub(crate) struct Known {
    key: HashKey,
    #[pin]
    pub(crate) table: Table<Destination>,
    count: AtomicUsize,
    pub(crate) expiration: Arc<Seconds>,
    /// The place where the next look begins.
    #[pin]
    cursor: SpinLockBh<Cursor>,
}

impl Known {
    /// No destinations, which are forgotten after the time of `expiration`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(expiration: Arc<Seconds>) -> Result<Arc<Self>> {
        let key = HashKey::new([random::number(), random::number()]);
        let known = Arc::pin_init(
            pin_init!(Self {
                key,
                table <- Table::new(LOCK_BITS),
                count: AtomicUsize::new(0),
                expiration,
                cursor <- new_spinlock_bh!(Cursor::default(), "ip_vs_destinations"),
            }),
            GFP_KERNEL_ACCOUNT,
        )?;
        known.table.resize(BITS)?;
        Ok(known)
    }

    /// The hash of the destination of a packet.
    pub(crate) fn hash(&self, flow: &Flow) -> u32 {
        hash::address(self.key, flow.family, flow.dst)
    }

    /// Remembers a new destination, if there is room and memory.
    #[cold]
    pub(crate) fn insert(&self, flow: &Flow, servers: Arc<Servers>, guard: &Guard) {
        self.look_around(guard);
        if self.count.fetch_add(1, Relaxed) >= locality::MOST
            || self.try_insert(flow, servers, guard).is_err()
        {
            self.count.fetch_sub(1, Relaxed);
        }
    }

    fn try_insert(&self, flow: &Flow, servers: Arc<Servers>, guard: &Guard) -> Result {
        let destination = Destination {
            node: Node::new(0),
            addr: flow.dst,
            used: AtomicUsize::new(Jiffies::now().ticks()),
            servers: Slot::new(servers),
        };
        let destination = Arc::new(destination, GFP_ATOMIC | __GFP_NOWARN)?;
        let hash = self.hash(flow);
        let is_same = |other: &Destination, _| other.addr == flow.dst;
        self.table
            .insert(
                &destination,
                field!(Destination, node),
                hash,
                guard,
                is_same,
            )
            .map_err(|_| EEXIST)
    }

    /// Looks at a few destinations, and forgets those whose time is over.
    fn look_around(&self, guard: &Guard) {
        let Some(mut cursor) = self.cursor.try_lock() else {
            return;
        };
        let expiration = self.expiration.get();
        for _ in 0..LOOKS {
            let Some((destination, _)) = self.table.next(&mut cursor, guard) else {
                *cursor = Cursor::default();
                return;
            };
            let used = Jiffies::from_ticks(destination.used.load(Relaxed));
            let count = self.count.load(Relaxed);
            if locality::is_forgotten(seconds_since(used), expiration, count)
                && self.table.remove(&destination.node).is_some()
            {
                self.count.fetch_sub(1, Relaxed);
            }
        }
    }
}

/// Whole seconds from a point in time until now.
pub(crate) fn seconds_since(time: Jiffies) -> u32 {
    let ticks = usize::try_from(Jiffies::now().since(time)).unwrap_or(0);
    u32::try_from(ticks / HZ).unwrap_or(u32::MAX)
}
