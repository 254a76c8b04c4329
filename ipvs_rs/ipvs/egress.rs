// SPDX-License-Identifier: GPL-2.0

//! Packets of servers to their clients.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{conn::Method, flow::Flow, proto::Direction};
use knet::{
    netfilter::{Context, Point, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use crate::{
    conn::{table::Way, Conn},
    ingress::{parse, Headers, Unparsed},
    netns::Ipvs,
    xmit::nat,
};

/// Decides about a packet on its way through.
#[inline]
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(skb, context) {
        Ok(parsed) => parsed,
        Err(Unparsed::Mine(skb, _)) => return Verdict::Accept(skb),
        Err(Unparsed::Taken) => return Verdict::Stolen,
    };
    match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
        Some((conn, Way::Reply)) => reply(ipvs.get(), conn.get(), skb, &flow, context),
        _ => Verdict::Accept(skb),
    }
}

/// Gives a server's packet the address of its virtual service, and lets it go on.
#[inline]
pub(crate) fn reply(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    flow: &Flow,
    context: &Context<'_>,
) -> Verdict {
    if conn.method() == Method::Nat {
        if nat::from_server(conn, &mut skb, flow).is_err() {
            return Verdict::Drop(skb);
        }
        let reroute = context.point != Point::LocalIn
            && ipvs.settings.snat_reroute.load(Relaxed) != 0
            && !skb.route_is_local();
        if reroute && skb.reroute_v4(context.net).is_err() {
            return Verdict::Drop(skb);
        }
    }
    if conn.dest.is_available() {
        let length = skb.len();
        conn.dest
            .each_stats(context.rcu, |stats| stats.count_out(length));
        ipvs.stats.count_out(length);
    }
    conn.follow(&ipvs.settings, Direction::Output, flow, &Headers(&skb));
    skb.set_ipvs_property();
    skb.untrack();
    Verdict::Accept(skb)
}
