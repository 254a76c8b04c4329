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
    way_to_server,
};
use crate::{
    model::{conn::Conn, route::Purpose},
    packet::{early, track},
};

/// Sends a client's packet to the server.
#[inline]
pub(super) fn to_server(conn: &Conn, skb: Skb, flow: &Flow, context: &HookState<'_>) -> Verdict {
    let (skb, way) = match way_to_server(conn, skb, flow, Purpose::NextHop, context) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let limit = |_: &Skb| Some(Limit::of(&way.route));
    match leave(skb, flow, limit, ipv4::HEADER_LEN, context.net) {
        Some(mut skb) => {
            track::request(conn, &mut skb);
            early::keep_request(conn, &skb, flow, &way.route, context);
            depart(skb, &way.route, context)
        }
        None => conn.not_sent(),
    }
}
