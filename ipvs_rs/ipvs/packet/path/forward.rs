// SPDX-License-Identifier: GPL-2.0

//! Packets that this host passes on: those of servers go back to their clients.

use ipvs_core::flow::NotOurs;
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use crate::{
    model::{conn::table::FlowDirection, Ipvs},
    packet::{
        headers::{parse, Unparsed},
        icmp, ipsec, refuse, reply,
    },
};

/// Decides about a packet on its way through.
#[inline]
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(skb, context) {
        Ok(parsed) => parsed,
        Err(Unparsed::Mine(skb, NotOurs::Icmp)) => return icmp::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, NotOurs::Ipsec)) => return ipsec::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, _)) => return Verdict::Accept(skb),
        Err(Unparsed::NotWhole(error)) => return ipvs.not_whole(error),
    };
    match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
        Some((conn, FlowDirection::Reply)) => {
            reply::forward(ipvs.get(), conn.get(), skb, &flow, context)
        }
        _ if refuse::refuses(ipvs.get(), &skb, &flow, context) => {
            refuse::refuse(ipvs.get(), skb, &flow, context)
        }
        _ => Verdict::Accept(skb),
    }
}
