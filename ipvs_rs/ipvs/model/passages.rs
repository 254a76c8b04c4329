// SPDX-License-Identifier: GPL-2.0

//! The ways of packets, kept for those that follow on the same connection.
//!
//! ```text
//!   conn ── PassageId ──> position ──> Kept { passage, id }       the same id: the way is still there
//!                        (all conns of a namespace share these)
//!   packet ── fingerprint ──> RecentFlows ──> conn                no bit: no packet of this flow has kept its way of late
//! ```
//!
//! Many connections have the same way: the same next hop, device, mark and class of service. So a namespace has one
//! [`Passage`] for all of them, and a connection the number of one for each direction. The number is never given twice in the
//! life of a connection: it is made of a position and of how often there was another passage before.
//!
//! A packet keeps its way at the second time that one like it is met in the slow path, so that conversations of one packet each
//! way keep none.
//!
//! # Locks
//!
//! None. What packets put in while others take it out is in a [`Place`]: a passage whose routes have changed
//! ([`clear`](Passages::clear): a device goes, and is not to be kept), and a connection that has ended.

mod gate;
mod place;
mod recent;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use ipvs_core::{
    addr::Family,
    early::{fingerprint, Outcome},
    flow::{Flow, FlowDirection, Tuple},
};
use kernel::{
    alloc::{flags::__GFP_NOWARN, KVVec},
    prelude::*,
};
use knet::{
    net_namespace::Net,
    passage::Passage,
    percpu::Counters,
    rcu::{self, Arc, Guard, Ref, Slot},
    route::Route,
    skbuff::Skb,
    vec::room,
};

use super::{conn::Conn, family::netfilter_family};
use gate::Gate;
use place::Place;
use recent::RecentFlows;

/// The positions of the first namespace, as a power of two.
const FIRST_BITS: u32 = 11;
/// The positions of another one.
const OTHER_BITS: u32 = 8;
/// The lower bits of a [`PassageId`] are the position.
const POSITION_BITS: u32 = FIRST_BITS;
/// A passage may be in so many positions, one behind the other.
const PROBES: usize = 8;

/// The number of the passage that packets of a connection may take in one direction.
pub(crate) struct PassageId(AtomicU32);

impl PassageId {
    /// No packet has come yet.
    const NONE: u32 = 0;
    /// A packet has come. Numbers of passages are larger.
    const SEEN: u32 = 1;

    /// That of a new connection.
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::NONE))
    }

    /// Whether a packet has come before, and notes that one has come now.
    #[inline]
    pub(crate) fn was_seen(&self) -> bool {
        let was_seen = self.0.load(Relaxed) != Self::NONE;
        if !was_seen {
            self.0.store(Self::SEEN, Relaxed);
        }
        was_seen
    }

    /// Whether it is the number of a passage.
    #[inline]
    fn is_set(&self) -> bool {
        self.0.load(Relaxed) > Self::SEEN
    }
}

/// A passage in its position.
struct Kept {
    passage: Passage,
    id: u32,
}

/// Where a passage may be.
struct Position {
    kept: Place<Kept>,
    /// How many passages were here.
    made: AtomicU32,
}

/// What a namespace with services has.
pub(crate) struct Tables {
    positions: KVVec<Position>,
    recent: RecentFlows,
}

/// The ways that packets of a namespace have taken of late.
pub(crate) struct Passages {
    tables: Slot<Tables>,
    v4: Gate,
    v6: Gate,
    outcomes: Counters<{ Outcome::ALL.len() }>,
}

impl Passages {
    /// Without memory for any: see [`Passages::make`].
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            tables: Slot::empty(),
            v4: Gate::new(),
            v6: Gate::new(),
            outcomes: Counters::new()?,
        })
    }

    /// Makes room for passages, unless there is some. The first namespace has more. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn make(&self, is_first: bool) -> Result {
        if self.tables.load(&rcu::read_lock()).is_some() {
            return Ok(());
        }
        let bits = match is_first {
            true => FIRST_BITS,
            false => OTHER_BITS,
        };
        let count = 1_usize.wrapping_shl(bits);
        let mut positions = room(count)?;
        for _ in 0..count {
            let position = Position {
                kept: Place::empty(),
                made: AtomicU32::new(0),
            };
            positions
                .push_within_capacity(position)
                .map_err(|_| ENOMEM)?;
        }
        let recent = RecentFlows::new(bits)?;
        let tables = Arc::new(Tables { positions, recent }, GFP_KERNEL_ACCOUNT)?;
        // If another task was faster, its tables are as good.
        let _ = self.tables.replace_if(None, Some(tables));
        Ok(())
    }

    /// The passages, and the flows that have kept theirs of late; [`None`] before there was a service.
    #[inline]
    pub(crate) fn tables<'g>(&'g self, guard: &'g Guard) -> Option<&'g Tables> {
        self.tables.load(guard).map(Ref::get)
    }

    /// The same tables; [`None`] also if no packet may leave early.
    #[inline]
    pub(crate) fn armed<'g>(&'g self, family: Family, guard: &'g Guard) -> Option<&'g Tables> {
        self.gate(family).tables(guard)
    }

    /// Lets packets leave early that have a way.
    pub(crate) fn arm(&self, family: Family, guard: &Guard) {
        if let Some(tables) = self.tables.load(guard) {
            self.gate(family).arm(tables, guard);
        }
    }

    #[inline]
    fn gate(&self, family: Family) -> &Gate {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// The way that packets with this number may take.
    #[inline]
    pub(crate) fn get<'g>(&'g self, id: &PassageId, guard: &'g Guard) -> Option<&'g Passage> {
        if !id.is_set() {
            return None;
        }
        self.tables(guard)?.get(id, guard)
    }

    /// Keeps the way of a packet of `flow`, which is about to leave by the route that `route` gives, for the packets that
    /// follow on its connection. Returns whether it is kept.
    #[inline]
    pub(crate) fn keep(
        &self,
        id: &PassageId,
        route: impl FnOnce() -> Option<Route>,
        (skb, flow): (&Skb, &Flow),
        net: &Net,
        guard: &Guard,
    ) -> bool {
        let number = route().and_then(|it| self.share(it, skb, flow, net, guard));
        if let Some(number) = number {
            id.0.store(number, Relaxed);
        }
        number.is_some()
    }

    /// The number of a passage for a packet on this route: of one that is there, or of a new one.
    #[cold]
    fn share(&self, route: Route, skb: &Skb, flow: &Flow, net: &Net, guard: &Guard) -> Option<u32> {
        let tables = self.tables(guard)?;
        let mask = tables.positions.len().wrapping_sub(1);
        let start = (route.number() >> 6).wrapping_add(skb.mark() as usize);
        let mut free = None;
        for probe in 0..PROBES {
            let index = start.wrapping_add(probe) & mask;
            let position = tables.positions.get(index)?;
            match position.kept.load(guard).map(|kept| kept.get()) {
                Some(kept) if kept.passage.is_over(net, guard) => {}
                Some(kept)
                    if kept.passage.route().is_same(&route)
                        && kept.passage.follows(net, skb, guard) =>
                {
                    return Some(kept.id);
                }
                Some(_) => continue,
                None => {}
            }
            free = free.or(Some((index, position)));
        }
        let Some((index, position)) = free else {
            self.count(Outcome::Full);
            return None;
        };
        let passage = Passage::new(net, skb, netfilter_family(flow.family), route, guard)?;
        let id = position.next_id(index);
        let kept = Arc::new(Kept { passage, id }, GFP_ATOMIC | __GFP_NOWARN).ok()?;
        position
            .kept
            .put(kept, |kept| kept.passage.is_over(net, guard));
        Some(id)
    }

    /// Takes all passages out. The caller has changed the routes of those that are not to be there any more.
    pub(crate) fn clear(&self) {
        place::orderly();
        let guard = rcu::read_lock();
        if let Some(tables) = self.tables(&guard) {
            for position in tables.positions.iter() {
                position.kept.clear();
            }
        }
    }

    /// Takes everything out. The caller has ended all connections, and no packet finds the namespace.
    pub(crate) fn end(&self) {
        self.clear();
        if let Some(tables) = self.tables(&rcu::read_lock()) {
            tables.recent.clear();
        }
    }

    /// Remembers that packets with these two ends, which are of `conn`, may leave early.
    pub(crate) fn remember(&self, tuple: &Tuple, conn: Ref<'_, Conn>, guard: &Guard) {
        if let Some(tables) = self.tables(guard) {
            let fingerprint = fingerprint(tuple);
            tables.recent.add(fingerprint);
            tables.recent.put(fingerprint, conn, guard);
            self.arm(tuple.family, guard);
        }
    }

    /// Forgets a connection that was just taken out of the table of connections.
    #[inline]
    pub(crate) fn forget(&self, conn: &Conn) {
        // Before the look at its ways, too: a packet keeps the way first, and puts the connection at hand then.
        place::orderly();
        if conn.to_server.is_set() || conn.to_client.is_set() {
            self.forget_ways(conn);
        }
    }

    #[inline(never)]
    fn forget_ways(&self, conn: &Conn) {
        let guard = rcu::read_lock();
        if let Some(tables) = self.tables(&guard) {
            for tuple in [conn.request(), conn.reply()] {
                tables.recent.take_out(fingerprint(&tuple), conn, &guard);
            }
        }
    }

    /// Whether somebody else was found to have hooks in the last second.
    #[inline]
    pub(crate) fn is_closed(&self, family: Family) -> bool {
        self.gate(family).is_closed()
    }

    /// Remembers for a second that somebody else has hooks. No packet leaves early before another way is kept.
    #[cold]
    pub(crate) fn close(&self, family: Family) {
        self.gate(family).close();
    }

    /// Whether there is a hook for packets that were just received.
    #[inline]
    pub(crate) fn is_hooked(&self, family: Family) -> bool {
        self.gate(family).is_hooked.load(Relaxed)
    }

    /// Takes note of whether there is such a hook. The caller has the configuration lock.
    pub(crate) fn set_hooked(&self, family: Family, is_hooked: bool) {
        self.gate(family).is_hooked.store(is_hooked, Relaxed);
    }

    /// Counts a packet that might have left early.
    #[inline]
    pub(crate) fn count(&self, outcome: Outcome) {
        // CAST: The type of the enum is usize.
        self.outcomes.increment(outcome as usize);
    }

    /// The name and the count of each outcome.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Outcome::ALL.iter().map(|outcome| outcome.name());
        names.zip(self.outcomes.sums())
    }
}

impl Tables {
    /// See [`Passages::get`].
    #[inline]
    pub(crate) fn get<'g>(&'g self, id: &PassageId, guard: &'g Guard) -> Option<&'g Passage> {
        let id = id.0.load(Relaxed);
        let kept = self.positions.get(position_of(id))?.kept.load(guard)?.get();
        (kept.id == id).then_some(&kept.passage)
    }

    /// The connection of packets with these two ends and this [`fingerprint`], if it is at hand.
    #[inline(always)]
    pub(crate) fn conn<'g>(
        &'g self,
        fingerprint: u32,
        tuple: &Tuple,
        guard: &'g Guard,
    ) -> Option<(Ref<'g, Conn>, FlowDirection)> {
        let conn = self.recent.conn(fingerprint, guard)?;
        let way = conn.get().direction_of(tuple)?;
        conn.is_in_table().then_some((conn, way))
    }

    /// Whether packets with this [`fingerprint`] may leave early: true for some that may not.
    #[inline]
    pub(crate) fn is_recent(&self, fingerprint: u32) -> bool {
        self.recent.has(fingerprint)
    }
}

impl Position {
    /// The number of the next passage in this position, which is at `index`: one of a million, and never one that means something
    /// else.
    fn next_id(&self, index: usize) -> u32 {
        loop {
            let made = self.made.fetch_add(1, Relaxed).wrapping_add(1);
            let upper = made.wrapping_shl(POSITION_BITS);
            if upper != 0 {
                // CAST: A position has as many bits.
                return upper | index as u32;
            }
        }
    }
}

/// The position in the number of a passage.
#[inline]
const fn position_of(id: u32) -> usize {
    // CAST: A small number.
    (id & ((1 << POSITION_BITS) - 1)) as usize
}
