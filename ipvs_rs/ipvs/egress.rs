// SPDX-License-Identifier: GPL-2.0

//! Packets of servers to their clients.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    addr::Family,
    conn::Method,
    flow::{Flow, Fragment, NotOurs},
    plan,
    proto::Direction,
};
use kernel::prelude::*;
use knet::{
    netfilter::{Context, Point, Verdict},
    rcu::Ref,
    skbuff::{IcmpError, Skb},
};

use crate::{
    conn::{table::Way, Conn},
    drops::Reason,
    icmp,
    ingress::{parse, Headers, Unparsed},
    ipsec,
    netns::Ipvs,
    track,
    xmit::{leave::answer, nat},
};

/// Decides about a packet on its way through.
#[inline]
pub(crate) fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
    if skb.ipvs_property() || !skb.has_route() {
        return Verdict::Accept(skb);
    }
    let (skb, flow) = match parse(ipvs.get(), skb, context) {
        Ok(parsed) => parsed,
        Err(Unparsed::Mine(skb, NotOurs::Icmp)) => return icmp::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, NotOurs::Ipsec)) => return ipsec::handle(ipvs, skb, context),
        Err(Unparsed::Mine(skb, _)) => return Verdict::Accept(skb),
        Err(Unparsed::Taken) => return Verdict::Stolen,
    };
    match ipvs.get().conns.find(&flow.tuple(), context.rcu) {
        Some((conn, Way::Reply)) => reply(ipvs.get(), conn.get(), skb, &flow, context),
        _ if refuses(ipvs.get(), &skb, &flow, context) => refuse(ipvs.get(), skb, &flow, context),
        _ => Verdict::Accept(skb),
    }
}

/// Whether a packet that is no reply is not let through either: with the sysctl `nat_icmp_send`
/// that of a server, which would give away the server's address.
#[inline]
pub(crate) fn refuses(ipvs: &Ipvs, skb: &Skb, flow: &Flow, context: &Context<'_>) -> bool {
    ipvs.settings.nat_icmp_send.load(Relaxed) != 0 && is_unasked(ipvs, skb, flow, context)
}

/// Whether a packet comes from a server, and does not say itself that there is no connection.
#[cold]
fn is_unasked(ipvs: &Ipvs, skb: &Skb, flow: &Flow, context: &Context<'_>) -> bool {
    let (protocol, src) = (flow.protocol, flow.src);
    let servers = &ipvs.servers;
    flow.fragment != Fragment::Later
        && servers.has_source(flow.family, protocol, src, flow.sport, context.rcu)
        && !plan::denies(flow, &Headers(skb))
}

/// Tells a server that nobody waits for its packet.
#[cold]
pub(crate) fn refuse(ipvs: &Ipvs, mut skb: Skb, flow: &Flow, context: &Context<'_>) -> Verdict {
    answer(
        &mut skb,
        flow.family,
        IcmpError::PortUnreachable,
        context.net,
    );
    ipvs.drop_packet(skb, Reason::Unasked)
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
        let translated = nat::from_server(conn, &mut skb, flow);
        if translated.is_err() || reroute(ipvs, &mut skb, flow.family, context).is_err() {
            return ipvs.drop_packet(skb, Reason::NotSent);
        }
    }
    count(ipvs, conn, &skb, context);
    conn.follow(&ipvs.settings, Direction::Output, flow, &Headers(&skb));
    pass(conn, skb)
}

/// Looks up the way of a packet that has got another source address.
///
/// # Errors
///
/// There is none: drop it.
#[inline]
pub(crate) fn reroute(ipvs: &Ipvs, skb: &mut Skb, family: Family, context: &Context<'_>) -> Result {
    if context.point == Point::LocalIn || ipvs.settings.snat_reroute.load(Relaxed) == 0 {
        return Ok(());
    }
    match family {
        Family::V4 if !skb.route_is_local() => skb.reroute_v4(context.net),
        Family::V6 if !skb.route_is_by_loopback() => skb.reroute_v6(context.net),
        Family::V4 | Family::V6 => Ok(()),
    }
}

/// Counts a packet of a server.
#[inline]
pub(crate) fn count(ipvs: &Ipvs, conn: &Conn, skb: &Skb, context: &Context<'_>) {
    if conn.dest.is_available() {
        let length = skb.len();
        conn.dest
            .each_stats(context.rcu, |stats| stats.count_out(length));
        ipvs.stats.count_out(length);
    }
}

/// Lets a packet of a server go on, past IPVS.
#[inline]
pub(crate) fn pass(conn: &Conn, mut skb: Skb) -> Verdict {
    skb.set_ipvs_property();
    track::reply(conn, &mut skb);
    Verdict::Accept(skb)
}
