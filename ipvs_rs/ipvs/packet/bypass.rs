// SPDX-License-Identifier: GPL-2.0

//! Packets to a service without a server that go on to where they are addressed to, as through a
//! cache that is down (`cache_bypass`).
//!
//! As the C module does: they are counted nowhere.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    flow::{Flow, FlowDirection},
    proto::Direction,
};
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    route::{self, AddressType},
    skbuff::Skb,
};

use super::{
    choice::{connect, ChosenServer},
    headers::Headers,
    xmit,
};
use crate::model::{
    conn::{announce::announce, table::TableKey, Conn, FirstPacket, Refused, Target},
    drops::Reason,
    pool::ServiceSettings,
    service::Service,
    Ipvs,
};

/// The choice of no server, if the packet may do without.
#[cold]
pub(super) fn choose<'g>(
    ipvs: &Ipvs,
    service: Ref<'g, Service>,
    flow: &Flow,
    context: &HookState<'_>,
) -> Option<ChosenServer<'g>> {
    let dest = service.get().nobody.as_ref()?;
    if ipvs.settings.cache_bypass.load(Relaxed) == 0 {
        return None;
    }
    let is_of_others = match flow.family {
        Family::V4 => route::address_type_v4(context.net, flow.dst.v4()) == AddressType::Unicast,
        Family::V6 => route::is_unicast_v6(flow.dst.octets()),
    };
    is_of_others.then_some(ChosenServer {
        target: Target {
            dest,
            port: 0,
            flags: dest.conn_flags(),
        },
        control: None,
    })
}

/// Makes a connection without a server, and lets its first packet go on.
pub(super) fn first_packet(
    ipvs: Ref<'_, Ipvs>,
    settings: &ServiceSettings,
    choice: ChosenServer<'_>,
    skb: Skb,
    (flow, key): (&Flow, &TableKey),
    context: &HookState<'_>,
) -> Verdict {
    if settings.is_one_packet(flow.protocol) {
        return ipvs.count_unsent(xmit::bypass::to_destination(skb, flow, context, || {
            ipvs.drops.count(Reason::NotSent);
            Verdict::Stolen
        }));
    }
    let first = FirstPacket {
        key,
        mark: skb.mark(),
    };
    match connect(ipvs, choice, &first, context) {
        Ok(conn) => request(ipvs.get(), conn.as_ref(), skb, flow, context),
        Err(Refused::Exists) => match ipvs.get().conns.find(key, context.rcu) {
            Some((conn, FlowDirection::Request)) => request(ipvs.get(), conn, skb, flow, context),
            // It has ended meanwhile.
            _ => ipvs.drop_packet(skb, Reason::NoServer),
        },
        Err(Refused::Drop(reason)) => ipvs.drop_packet(skb, reason),
    }
}

/// Lets a packet of a connection without a server go on.
pub(super) fn request(
    ipvs: &Ipvs,
    conn: Ref<'_, Conn>,
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    conn.follow(&ipvs.settings, Direction::Input, flow, &Headers(&skb));
    announce(ipvs, conn, conn.count_packet(), context.rcu);
    ipvs.count_unsent(xmit::to_server(conn.get(), skb, flow, context))
}
