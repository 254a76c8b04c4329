// SPDX-License-Identifier: GPL-2.0

//! A packet of a server on a connection: it gets the address of the virtual service, and goes on to the client.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{addr::Family, conn::Method, flow::Flow, proto::Direction};
use kernel::prelude::*;
use knet::{
    netfilter::{HookState, InetHook, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use super::{account, early, headers::Headers, help, track, xmit::nat};
use crate::model::{
    conn::{
        announce::{announce_controllers, announce_reply},
        Conn,
    },
    drops::Reason,
    Ipvs,
};

/// Gives a server's packet the address of its virtual service, and lets it go on. `stored` is the connection again, or [`None`] if
/// it is for this packet only.
#[inline]
pub(super) fn forward(
    ipvs: &Ipvs,
    conn: &Conn,
    stored: Option<Ref<'_, Conn>>,
    mut skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    if conn.method() == Method::Nat {
        if conn.is_helped() {
            if let Err(reason) = help::look(conn, &mut skb, flow, Direction::Output, context.rcu) {
                return ipvs.drop_packet(skb, reason);
            }
        }
        let translated = nat::from_server(conn, &mut skb, flow);
        if translated.is_err() || to_client(ipvs, conn, &mut skb, flow, context).is_err() {
            return ipvs.drop_packet(skb, Reason::NotSent);
        }
    }
    account::count_out(ipvs, conn, &skb, context);
    match stored {
        Some(stored) => {
            conn.follow(&ipvs.settings, Direction::Output, flow, &Headers(&skb));
            announce_reply(ipvs, stored, context.rcu);
        }
        None => follow_once(ipvs, conn, context),
    }
    pass(conn, skb)
}

/// Finds the way of a server's packet to the client, which has got the address of the virtual service.
///
/// # Errors
///
/// There is none: drop it.
#[inline]
fn to_client(
    ipvs: &Ipvs,
    conn: &Conn,
    skb: &mut Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Result {
    if context.hook != InetHook::Forward {
        return reroute(ipvs, skb, flow.family, context);
    }
    if !early::route_as_before(conn, skb, flow, context) {
        reroute(ipvs, skb, flow.family, context)?;
        early::keep_reply(conn, skb, flow, context);
    }
    Ok(())
}

/// Takes account of the only packet of a connection.
#[cold]
fn follow_once(ipvs: &Ipvs, conn: &Conn, context: &HookState<'_>) {
    conn.assure_template();
    announce_controllers(ipvs, conn, context.rcu);
}

/// Looks up the way of a packet that has got another source address.
///
/// # Errors
///
/// There is none: drop it.
#[inline]
pub(crate) fn reroute(
    ipvs: &Ipvs,
    skb: &mut Skb,
    family: Family,
    context: &HookState<'_>,
) -> Result {
    if context.hook == InetHook::LocalIn || ipvs.settings.snat_reroute.load(Relaxed) == 0 {
        return Ok(());
    }
    match family {
        Family::V4 if !skb.route_is_local() => skb.route_me_harder_v4(context.net),
        Family::V6 if !skb.route_is_by_loopback() => skb.route_me_harder_v6(context.net),
        Family::V4 | Family::V6 => Ok(()),
    }
}

/// Lets a packet of a server go on, past IPVS.
#[inline]
pub(crate) fn pass(conn: &Conn, mut skb: Skb) -> Verdict {
    skb.set_ipvs_property();
    track::reply(conn, &mut skb);
    Verdict::Accept(skb)
}
