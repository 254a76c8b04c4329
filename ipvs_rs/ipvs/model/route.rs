// SPDX-License-Identifier: GPL-2.0

//! The ways to a server, looked up once and kept with it.
//!
//! ```text
//!            first packet                 tables changed: looked up again
//!   nothing ──────────────> kept route ──────────────────────────────────> kept route
//!      ^  │                     │
//!      │  └─ there is none ─> kept failure ──(next tick)──> looked up again
//!      └── a device goes, server edited or deleted
//! ```
//!
//! # Locks
//!
//! None. Who stores a route looks afterwards whether it may be kept; who forbids that (deletes the
//! server, or [outdates](outdate) what is being looked up) says so first and clears the place
//! afterwards. One of the two sees what the other did.

use core::sync::atomic::{
    fence, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use ipvs_core::addr::{Addr, Family};
use kernel::{alloc::flags::__GFP_NOWARN, prelude::*};
use knet::{
    net_namespace::Net,
    rcu::{Arc, Guard, Slot},
    route::{Query, Route},
    time::Jiffies,
};

use super::dest::Dest;

/// How often [`outdate`] was called. A number for all namespaces, as devices seldom go.
static OUTDATED: AtomicUsize = AtomicUsize::new(0);

/// Lets no route be kept whose lookup has begun before this. The kernel's tables must have changed already; who
/// calls this clears the places afterwards.
pub(crate) fn outdate() {
    // ORDERING: Release, paired with the first load in `look_up`: who sees the new number looks up
    // in the tables as they are now. The fence is that of `Routes::clear`.
    OUTDATED.fetch_add(1, Release);
    // ORDERING: Partner of the fence in `look_up`, for the services and pools that are loaded to be cleared.
    fence(SeqCst);
}

/// What a route is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Packets that bear the server's address.
    Address,
    /// Packets that do not, so that the server itself must be the next hop.
    NextHop,
    /// Packets in which others travel.
    Tunnel,
}

/// A route, and the address that packets made here would have on it.
pub(crate) struct OutputRoute {
    pub(crate) route: Route,
    /// Known for [`Purpose::Tunnel`].
    pub(crate) source: Addr,
}

/// The outcome of a lookup, shared by packets.
struct Outcome {
    way: Option<OutputRoute>,
    at: Jiffies,
}

/// The routes to a server.
pub(crate) struct Routes {
    address: Slot<Outcome>,
    next_hop: Slot<Outcome>,
    tunnel: Slot<Outcome>,
}

impl Routes {
    /// No routes.
    pub(crate) const fn new() -> Self {
        Self {
            address: Slot::empty(),
            next_hop: Slot::empty(),
            tunnel: Slot::empty(),
        }
    }

    #[inline]
    fn slot(&self, purpose: Purpose) -> &Slot<Outcome> {
        match purpose {
            Purpose::Address => &self.address,
            Purpose::NextHop => &self.next_hop,
            Purpose::Tunnel => &self.tunnel,
        }
    }

    /// Forgets all routes.
    pub(crate) fn clear(&self) {
        // ORDERING: Partner of the fence in `look_up`.
        fence(SeqCst);
        for slot in [&self.address, &self.next_hop, &self.tunnel] {
            drop(slot.replace(None));
        }
    }
}

/// The way to `dest`.
///
/// # Errors
///
/// There is none, or no memory.
#[inline]
pub(crate) fn to_server<'g>(
    dest: &Dest,
    purpose: Purpose,
    net: &Net,
    guard: &'g Guard,
) -> Result<&'g OutputRoute> {
    let kept = dest.routes.slot(purpose).load(guard);
    match kept.and_then(|outcome| outcome.get().way.as_ref()) {
        Some(way) if way.route.is_valid() => Ok(way),
        _ => look_up(dest, purpose, net, guard),
    }
}

#[cold]
fn look_up<'g>(
    dest: &Dest,
    purpose: Purpose,
    net: &Net,
    guard: &'g Guard,
) -> Result<&'g OutputRoute> {
    let slot = dest.routes.slot(purpose);
    let at = Jiffies::now();
    if let Some(outcome) = slot.load(guard) {
        if outcome.way.is_none() && outcome.at == at {
            return Err(ENOENT);
        }
    }
    // ORDERING: Acquire, paired with the addition in `outdate`.
    let outdated = OUTDATED.load(Acquire);
    let way = find(dest.key.family, dest.key.addr, purpose, net).ok();
    let outcome = Arc::new(Outcome { way, at }, GFP_ATOMIC | __GFP_NOWARN)?;
    drop(slot.replace(Some(outcome.clone())));
    // ORDERING: Partner of the fence in `clear`: if that did not see what was just stored, the loads
    // below see what forbids it.
    fence(SeqCst);
    if !dest.is_available() || OUTDATED.load(Relaxed) != outdated {
        drop(slot.replace(None));
    }
    let outcome = outcome.until_end_of(guard);
    outcome.get().way.as_ref().ok_or(ENOENT)
}

/// Looks up the way to an address.
///
/// # Errors
///
/// There is none, or no memory.
pub(crate) fn find(family: Family, to: Addr, purpose: Purpose, net: &Net) -> Result<OutputRoute> {
    let known_next_hop = purpose == Purpose::NextHop;
    match family {
        Family::V4 => {
            let (route, source) = Route::output_v4(
                net,
                &Query {
                    destination: to.v4(),
                    source: None,
                    known_next_hop,
                },
            )?;
            Ok(OutputRoute {
                route,
                source: Addr::from_v4(source),
            })
        }
        Family::V6 => {
            let query = Query {
                destination: to.octets(),
                source: None,
                known_next_hop,
            };
            let route = Route::output_v6(net, &query)?;
            if purpose != Purpose::Tunnel || route.is_local() {
                let source = Addr::ZERO;
                return Ok(OutputRoute { route, source });
            }
            let source = route.source_v6(net, query.destination)?;
            Ok(OutputRoute {
                route: route.xfrm_lookup_v6(net, source, query.destination)?,
                source: Addr::from_v6(source),
            })
        }
    }
}
