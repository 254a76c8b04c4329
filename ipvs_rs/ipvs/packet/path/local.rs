// SPDX-License-Identifier: GPL-2.0

//! Packets to this host, and packets that this host makes.

use ipvs_core::flow::NotOurs;
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use crate::{
    model::{conn::table::FlowDirection, drops::Reason, Ipvs},
    packet::{
        bypass,
        headers::{parse, Unparsed},
        icmp, ipsec, refuse, reply, request,
        reuse::{self, Fate},
        schedule,
    },
};

/// Decides about a packet.
#[inline]
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(skb, context) {
        Ok(parsed) => parsed,
        // A packet too short to tell whose it is, is not let through to a service.
        Err(Unparsed::Mine(skb, NotOurs::NoPorts { .. })) => {
            return ipvs.drop_packet(skb, Reason::Truncated)
        }
        Err(Unparsed::Mine(skb, NotOurs::Icmp)) => return icmp::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, NotOurs::Ipsec)) => return ipsec::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, _)) => return Verdict::Accept(skb),
        Err(Unparsed::NotWhole(error)) => return ipvs.not_whole(error),
    };
    match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
        Some((conn, FlowDirection::Request)) => {
            match reuse::fate(ipvs.get(), conn.get(), &skb, &flow) {
                Fate::GoesOn => request::forward(ipvs.get(), conn.get(), skb, &flow, context),
                Fate::GivesWay => schedule::first_packet(ipvs, skb, &flow, context),
                Fate::Bypasses => bypass::request(ipvs.get(), conn.get(), skb, &flow, context),
                Fate::Waits(reason) => ipvs.drop_packet(skb, reason),
            }
        }
        Some((conn, FlowDirection::Reply)) => {
            reply::forward(ipvs.get(), conn.get(), skb, &flow, context)
        }
        None if refuse::refuses(ipvs.get(), &skb, &flow, context) => {
            refuse::refuse(ipvs.get(), skb, &flow, context)
        }
        None => schedule::first_packet(ipvs, skb, &flow, context),
    }
}
