// SPDX-License-Identifier: GPL-2.0

//! Direct routing: the packet goes to the server as it is, only its link-layer address is the
//! server's.

use knet::{
    netfilter::{Context, Verdict},
    skbuff::Skb,
};

use super::{leave, route, to_this_host};
use crate::conn::Conn;

/// The IPv4 header without options, which is all that changes.
const HEADER: usize = 20;

/// Sends a client's packet to the server.
#[inline]
pub(super) fn to_server(conn: &Conn, skb: Skb, context: &Context<'_>) -> Verdict {
    let Ok(cached) = route::to_server(&conn.dest, true, context.net, context.rcu) else {
        skb.link_failure();
        return Verdict::Drop(skb);
    };
    let route = &cached.get().0;
    if route.is_local() {
        return to_this_host(skb);
    }
    let Some(mut skb) = leave(skb, route, HEADER) else {
        return conn.not_sent();
    };
    skb.set_cached_route(route, context.rcu);
    skb.forward_v4(context.net);
    Verdict::Stolen
}
