// SPDX-License-Identifier: GPL-2.0

//! AH and ESP. They open no connections, and change nothing of the connection that they ride on
//! but the time until its end. See [`ipvs_core::flow::ipsec`].

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    conn::Method,
    flow::{Flow, FlowDirection, Network},
};
use knet::{
    netfilter::{HookState, InetHook, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use super::{
    account,
    headers::Headers,
    reply,
    xmit::{self, nat},
};
use crate::model::{conn::Conn, drops::Reason, Ipvs};

/// Decides about a packet of AH or ESP.
#[cold]
pub(super) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &HookState<'_>) -> Verdict {
    let Ok(network) = Network::parse(&Headers(&skb)) else {
        return Verdict::Accept(skb);
    };
    let flow = network.with_key_exchange();
    let conns = &ipvs.get().conns;
    match conns.find(&conns.key(flow.key_exchange()), context.rcu) {
        Some((_, FlowDirection::Request)) if context.hook == InetHook::Forward => {
            Verdict::Accept(skb)
        }
        Some((conn, FlowDirection::Request)) => {
            to_server(ipvs.get(), conn.get(), skb, &flow, context)
        }
        Some((conn, FlowDirection::Reply)) => {
            from_server(ipvs.get(), conn.get(), skb, &flow, context)
        }
        None => Verdict::Accept(skb),
    }
}

fn to_server(ipvs: &Ipvs, conn: &Conn, skb: Skb, flow: &Flow, context: &HookState<'_>) -> Verdict {
    if !conn.dest.is_available() {
        // As the C module does: where a new connection would be opened, the packet passes.
        let ends = ipvs.settings.expire_nodest_conn.load(Relaxed) != 0 && conn.end().has_ended();
        return match ends {
            true => Verdict::Accept(skb),
            false => ipvs.drop_packet(skb, Reason::ServerDeleted),
        };
    }
    account::count_in(ipvs, conn, &skb, context);
    conn.count_packet();
    conn.restart_timeout();
    ipvs.count_unsent(xmit::bare_to_server(conn, skb, flow, context))
}

fn from_server(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    if conn.method() == Method::Nat {
        let translated = nat::bare_from_server(conn, &mut skb, flow);
        if translated.is_err() || reply::reroute(ipvs, &mut skb, flow.family, context).is_err() {
            return ipvs.drop_packet(skb, Reason::NotSent);
        }
    }
    account::count_out(ipvs, conn, &skb, context);
    conn.restart_timeout();
    reply::pass(conn, skb)
}
