// SPDX-License-Identifier: GPL-2.0

//! Direct routing: the packet goes to the server as it is, only its link-layer address is the
//! server's.

use ipvs_core::{flow::Flow, wire::ipv4};
use knet::{
    netfilter::{HookState, Verdict},
    skbuff::Skb,
};

use super::{
    depart,
    leave::{leave, Limit},
    may_stay, may_travel, to_this_host,
};
use crate::{
    model::{
        conn::Conn,
        route::{self, Purpose},
    },
    packet::track,
};

/// Sends a client's packet to the server.
#[inline]
pub(super) fn to_server(
    conn: &Conn,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    let Ok(way) = route::to_server(conn, Purpose::NextHop, context.net, context.rcu) else {
        skb.link_failure();
        return Verdict::Drop(skb);
    };
    if way.route.is_local() {
        return match may_stay(&skb) {
            true => to_this_host(conn, skb),
            false => Verdict::Drop(skb),
        };
    }
    if !may_travel(flow) {
        return Verdict::Drop(skb);
    }
    let limit = |_: &Skb| Some(Limit::of(&way.route));
    match leave(skb, flow, limit, ipv4::HEADER_LEN, context.net) {
        Some(mut skb) => {
            track::request(conn, &mut skb);
            depart(skb, &way.route, context)
        }
        None => conn.not_sent(),
    }
}
