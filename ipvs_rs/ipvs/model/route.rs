// SPDX-License-Identifier: GPL-2.0

//! Cached routes to a server.
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
//! None. A packet first stores its route in the slot and then checks whether the route may be kept. A task that
//! forbids this (it deletes the server, or [outdates](outdate) running lookups) first marks that and then clears the
//! slot. So either the packet sees the mark, or the task clears the route.

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
    skbuff::Identifications,
    time::Jiffies,
};

use super::conn::Conn;

/// The number of calls of [`outdate`]. One number serves all namespaces, as devices seldom go.
static OUTDATED: AtomicUsize = AtomicUsize::new(0);

/// Outdates the routes whose lookups began before this call, so that they are not cached. The caller has changed the
/// kernel's routing tables already, and calls [`Routes::clear`] afterwards.
pub(crate) fn outdate() {
    // ORDERING: Release, paired with the first load in `look_up`: a lookup that sees the new number also sees the
    // changed tables.
    OUTDATED.fetch_add(1, Release);
    // ORDERING: Partner of the fence in `look_up`, as the fence in `Routes::clear`. It stands here too because the
    // caller loads services and pools before it clears their routes.
    fence(SeqCst);
}

/// The packets that a route is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Packets whose destination is the server's address.
    Address,
    /// Packets with another destination. The server itself must be the next hop.
    NextHop,
    /// Outer packets of a tunnel.
    Tunnel,
}

/// A route, and the source address of packets that this host would send on it.
pub(crate) struct OutputRoute {
    pub(crate) route: Route,
    /// Only meaningful for [`Purpose::Tunnel`].
    pub(crate) source: Addr,
    /// For outer packets of IPv4 from `source` to the server.
    pub(crate) identifications: Identifications,
}

impl OutputRoute {
    fn new(route: Route, source: Addr) -> Self {
        Self {
            route,
            source,
            identifications: Identifications::new(),
        }
    }
}

/// The result of a lookup at the tick `at`. `way` is [`None`] if the lookup failed.
struct CachedLookup {
    way: Option<OutputRoute>,
    at: Jiffies,
}

/// The routes to a server.
pub(crate) struct Routes {
    address: Slot<CachedLookup>,
    next_hop: Slot<CachedLookup>,
    tunnel: Slot<CachedLookup>,
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
    fn slot(&self, purpose: Purpose) -> &Slot<CachedLookup> {
        match purpose {
            Purpose::Address => &self.address,
            Purpose::NextHop => &self.next_hop,
            Purpose::Tunnel => &self.tunnel,
        }
    }

    /// Clears all cached routes.
    pub(crate) fn clear(&self) {
        // ORDERING: Partner of the fence in `look_up`.
        fence(SeqCst);
        self.address.clear();
        self.next_hop.clear();
        self.tunnel.clear();
    }
}

/// The route to the server of `conn`: the cached route if it is valid, else the result of a lookup.
///
/// # Errors
///
/// The error of the lookup if there is no route, or `ENOMEM`.
#[inline]
pub(crate) fn to_server<'g>(
    conn: &Conn,
    purpose: Purpose,
    net: &Net,
    guard: &'g Guard,
) -> Result<&'g OutputRoute> {
    let kept = conn.dest.routes.slot(purpose).load(guard);
    match kept.and_then(|lookup| lookup.get().way.as_ref()) {
        Some(way) if way.route.is_valid() => Ok(way),
        _ => look_up(conn, purpose, net, guard),
    }
}

#[cold]
fn look_up<'g>(
    conn: &Conn,
    purpose: Purpose,
    net: &Net,
    guard: &'g Guard,
) -> Result<&'g OutputRoute> {
    let dest = &conn.dest;
    let slot = dest.routes.slot(purpose);
    let at = Jiffies::now();
    if let Some(lookup) = slot.load(guard) {
        if lookup.way.is_none() && lookup.at == at {
            return Err(ENOENT);
        }
    }
    // ORDERING: Acquire, paired with the addition in `outdate`.
    let outdated = OUTDATED.load(Acquire);
    let way = find(dest.key.family, conn.server, purpose, net).ok();
    let lookup = Arc::new(CachedLookup { way, at }, GFP_ATOMIC | __GFP_NOWARN)?;
    // A place holder stands for servers with several addresses, so it keeps no route.
    if !dest.is_unbound() {
        drop(slot.replace(Some(lookup.clone())));
        // ORDERING: Partner of the fences in `clear` and `outdate`: if `clear` did not see the lookup that was just
        // stored, the loads below see the mark that forbids to keep it.
        fence(SeqCst);
        if !dest.is_available() || OUTDATED.load(Relaxed) != outdated {
            drop(slot.replace(None));
        }
    }
    let lookup = lookup.until_end_of(guard);
    lookup.get().way.as_ref().ok_or(ENOENT)
}

/// Looks up the route to an address. The result is not cached.
///
/// # Errors
///
/// `ENETUNREACH` and the like if there is no route, or `ENOMEM`.
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
            Ok(OutputRoute::new(route, Addr::from_v4(source)))
        }
        Family::V6 => {
            let query = Query {
                destination: to.octets(),
                source: None,
                known_next_hop,
            };
            let route = Route::output_v6(net, &query)?;
            if purpose != Purpose::Tunnel || route.is_local() {
                return Ok(OutputRoute::new(route, Addr::ZERO));
            }
            let source = route.source_v6(net, query.destination)?;
            let route = route.xfrm_lookup_v6(net, source, query.destination)?;
            Ok(OutputRoute::new(route, Addr::from_v6(source)))
        }
    }
}
