// SPDX-License-Identifier: GPL-2.0

//! Sending a client's packet to the server of its connection, by each forwarding method.

pub(crate) mod bypass;
mod direct;
pub(crate) mod leave;
pub(crate) mod nat;
pub(crate) mod tunnel;

use ipvs_core::{
    addr::{Addr, Family},
    conn::Method,
    flow::Flow,
    icmp::Report,
};
use knet::{
    netfilter::{HookState, Verdict},
    route::Route,
    skbuff::Skb,
};

use super::track;
use crate::model::{
    conn::Conn,
    route::{self, OutputRoute, Purpose},
};

/// ::1.
const LOOPBACK_V6: Addr = Addr::from_v6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// Sends a client's packet to the server.
#[inline]
pub(crate) fn to_server(conn: &Conn, skb: Skb, flow: &Flow, context: &HookState<'_>) -> Verdict {
    match conn.method() {
        Method::Nat => nat::to_server(conn, skb, flow, context),
        Method::DirectRoute => direct::to_server(conn, skb, flow, context),
        Method::LocalNode => to_this_host(conn, skb),
        Method::Tunnel => tunnel::to_server(conn, skb, flow, context),
        Method::Bypass => bypass::to_destination(skb, flow, context, || conn.not_sent()),
        Method::Unassigned5 | Method::Unassigned6 | Method::Unassigned7 => Verdict::Accept(skb),
    }
}

/// Sends an ICMP error about a packet of a server to the server.
pub(crate) fn icmp_to_server(
    conn: &Conn,
    skb: Skb,
    report: &Report,
    context: &HookState<'_>,
) -> Verdict {
    match conn.method() {
        Method::Nat => nat::icmp_to_server(conn, skb, report, context),
        _ => to_server(conn, skb, &report.outer.without_ports(), context),
    }
}

/// Sends a packet whose transport header knows no addresses to the server.
pub(crate) fn bare_to_server(
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    match conn.method() {
        Method::Nat => nat::bare_to_server(conn, skb, flow, context),
        _ => to_server(conn, skb, flow, context),
    }
}

/// Lets a packet go on to this host itself, and past IPVS.
#[inline]
fn to_this_host(conn: &Conn, mut skb: Skb) -> Verdict {
    skb.set_ipvs_property();
    track::request(conn, &mut skb);
    Verdict::Accept(skb)
}

/// The route to the server of a packet that keeps its addresses.
///
/// # Errors
///
/// The verdict about a packet that does not leave this host: there is no route, the server is this host, or the packet
/// may not be seen on a link.
#[inline(always)]
fn way_to_server<'g>(
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    purpose: Purpose,
    context: &HookState<'g>,
) -> Result<(Skb, &'g OutputRoute), Verdict> {
    let Ok(way) = route::to_server(conn, purpose, context.net, context.rcu) else {
        return Err(unreachable(skb));
    };
    if way.route.is_local() {
        return Err(match may_stay(&skb) {
            true => to_this_host(conn, skb),
            false => Verdict::Drop(skb),
        });
    }
    match may_travel(flow) {
        true => Ok((skb, way)),
        false => Err(Verdict::Drop(skb)),
    }
}

/// Drops a packet for which there is no route, and tells its sender.
#[inline]
fn unreachable(mut skb: Skb) -> Verdict {
    skb.link_failure();
    Verdict::Drop(skb)
}

/// Whether a packet may be handed to this host, because the server is here, without bearing the
/// server's address: only if it is for this host anyway.
#[inline]
fn may_stay(skb: &Skb) -> bool {
    skb.route_is_local()
}

/// Whether a packet may be seen on a link.
#[inline]
fn may_travel(flow: &Flow) -> bool {
    !is_loopback(flow.family, flow.src)
}

/// Whether an address is one by which a host speaks with itself.
#[inline]
fn is_loopback(family: Family, addr: Addr) -> bool {
    match family {
        Family::V4 => matches!(addr.v4(), [127, ..]),
        Family::V6 => addr == LOOPBACK_V6,
    }
}

/// Sends a packet away by `route`, which is of its family.
#[inline]
fn depart(skb: Skb, route: &Route, context: &HookState<'_>) -> Verdict {
    skb.forward_by(route, context.net, context.rcu);
    Verdict::Stolen
}

/// Sends a packet of `family` away by the route that it has.
#[inline]
fn forward(skb: Skb, family: Family, context: &HookState<'_>) -> Verdict {
    match family {
        Family::V4 => skb.forward_v4(context.net),
        Family::V6 => skb.forward_v6(context.net),
    }
    Verdict::Stolen
}
