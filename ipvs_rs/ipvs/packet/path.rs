// SPDX-License-Identifier: GPL-2.0

//! The path of a packet: [`ipvs_core::plan`] decides about it, and here the decision is carried out.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    flow::{Flow, NotOurs},
    plan::{self, FlowlessPlan, Plan, Point, Stay},
};
use knet::{
    netfilter::{HookState, InetHook, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use super::{
    begin, bypass,
    headers::{parse, Unparsed},
    icmp, ipsec, refuse, reply, request, schedule,
    situation::PacketSituation,
};
use crate::model::{
    conn::{table::TableKey, Conn},
    Ipvs,
};

/// Handles a packet at `point`.
#[inline]
pub(super) fn handle(
    point: Point,
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    context: &HookState<'_>,
) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(skb, context) {
        Ok(parsed) => parsed,
        Err(Unparsed::Mine(skb, reason)) => return flowless(point, ipvs, skb, reason, context),
        Err(Unparsed::NotWhole(error)) => return ipvs.not_whole(error),
    };
    let key = ipvs.get().conns.key(flow.tuple());
    let found = ipvs.get().conns.find(&key, context.rcu);
    let situation = PacketSituation::new(ipvs.get(), &skb, &flow, context);
    let plan = plan::inbound(point, found, &flow, &situation);
    carry_out(plan, ipvs, skb, (&flow, &key), context)
}

/// Carries out the plan for a packet.
#[inline(always)]
fn carry_out(
    plan: Plan<Ref<'_, Conn>>,
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    (flow, key): (&Flow, &TableKey),
    context: &HookState<'_>,
) -> Verdict {
    match plan {
        Plan::ToServer(conn) => request::forward(ipvs.get(), conn, skb, flow, context),
        Plan::ToClient(conn) => {
            reply::forward(ipvs.get(), conn.get(), Some(conn), skb, flow, context)
        }
        Plan::Open => schedule::opened_by_packet(ipvs, skb, (flow, key), context),
        Plan::Onward(conn) => bypass::request(ipvs.get(), conn, skb, flow, context),
        Plan::Begin => begin(ipvs, skb, (flow, key), context),
        Plan::Refuse => refuse::refuse(ipvs.get(), skb, flow, context),
        Plan::Drop(reason) => ipvs.drop_packet(skb, reason),
        Plan::Pass => Verdict::Accept(skb),
        Plan::Replace(conn, stay) => replace(conn, stay, ipvs, skb, (flow, key), context),
    }
}

/// Opens a connection for a packet of a server, or carries out the plan for a packet that begins no conversation.
#[cold]
fn begin(
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    (flow, key): (&Flow, &TableKey),
    context: &HookState<'_>,
) -> Verdict {
    match begin::opened_by_server(ipvs, skb, flow, context) {
        Ok(verdict) => verdict,
        Err(skb) => {
            let point = match context.hook {
                InetHook::Forward => Point::Forward,
                _ => Point::Local,
            };
            let situation = PacketSituation::new(ipvs.get(), &skb, flow, context);
            let plan = plan::not_begun(point, flow, &situation);
            carry_out(plan, ipvs, skb, (flow, key), context)
        }
    }
}

/// Ends the connection of a packet that may open another one, and carries out the plan for the packet then.
#[cold]
fn replace(
    conn: Ref<'_, Conn>,
    stay: Stay,
    ipvs: Ref<'_, Ipvs>,
    skb: Skb,
    (flow, key): (&Flow, &TableKey),
    context: &HookState<'_>,
) -> Verdict {
    let is_confirmed = skb.is_ct_confirmed();
    if conn.is_tracked() && !is_confirmed {
        // The entry that connection tracking has just made for the packet is the next connection's.
        conn.leave_tracking();
    }
    let plan = match conn.end().has_ended() {
        true => {
            let situation = PacketSituation::new(ipvs.get(), &skb, flow, context);
            plan::successor(conn.is_tracked() && is_confirmed, flow, &situation)
        }
        false => stay.plan(conn),
    };
    carry_out(plan, ipvs, skb, (flow, key), context)
}

/// Handles a packet that has no flow.
#[cold]
fn flowless(
    point: Point,
    ipvs: Ref<'_, Ipvs>,
    mut skb: Skb,
    reason: NotOurs,
    context: &HookState<'_>,
) -> Verdict {
    match plan::without_flow(point, reason) {
        FlowlessPlan::Icmp => icmp::handle(ipvs, skb, context),
        FlowlessPlan::Ipsec => ipsec::handle(ipvs, skb, context),
        FlowlessPlan::Drop(reason) => ipvs.drop_packet(skb, reason),
        FlowlessPlan::PassTunnel => {
            if ipvs.settings.ignore_tunneled.load(Relaxed) != 0 {
                skb.set_ipvs_property();
            }
            Verdict::Accept(skb)
        }
        FlowlessPlan::Pass => Verdict::Accept(skb),
    }
}
