// SPDX-License-Identifier: GPL-2.0

//! The way to a server, looked up once and kept with it.

use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    rcu::{Arc, Guard, Ref},
    route::{QueryV4, Route},
};

use crate::dest::Dest;

/// A route that packets share.
pub(crate) struct CachedRoute(pub(crate) Route);

/// The route to `dest`.
///
/// `known_next_hop` says that the server itself must be the next hop, as the packet will not bear
/// its address.
///
/// # Errors
///
/// There is none, or no memory.
#[inline]
pub(crate) fn to_server<'g>(
    dest: &Dest,
    known_next_hop: bool,
    net: &Net,
    guard: &'g Guard,
) -> Result<Ref<'g, CachedRoute>> {
    match dest.route.load(guard) {
        Some(cached) if cached.0.is_valid() => Ok(cached),
        _ => look_up(dest, known_next_hop, net, guard),
    }
}

#[cold]
fn look_up<'g>(
    dest: &Dest,
    known_next_hop: bool,
    net: &Net,
    guard: &'g Guard,
) -> Result<Ref<'g, CachedRoute>> {
    let query = QueryV4 {
        destination: dest.key.addr.v4(),
        source: None,
        known_next_hop,
    };
    let route = Arc::new(CachedRoute(Route::output_v4(net, &query)?), GFP_ATOMIC)?;
    dest.route.replace(Some(route));
    // If the server was edited meanwhile the route is gone again, and so is the packet.
    dest.route.load(guard).ok_or(ENOENT)
}
