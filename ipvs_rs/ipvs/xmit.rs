// SPDX-License-Identifier: GPL-2.0

//! Sending a client's packet to the server of its connection, by each forwarding method.

mod direct;
pub(crate) mod nat;
pub(crate) mod route;

use ipvs_core::{
    conn::Method,
    flow::Flow,
    icmp::Report,
    nat::{decrement_ttl, options_v4, renew_header_checksum, TtlError},
    proto::ICMP,
};
use kernel::prelude::*;
use knet::{
    log,
    netfilter::{Context, Verdict},
    route::Route,
    skbuff::{IcmpError, Skb},
};

use crate::conn::Conn;

/// Sends a client's packet to the server.
#[inline]
pub(crate) fn to_server(conn: &Conn, skb: Skb, flow: &Flow, context: &Context<'_>) -> Verdict {
    match conn.method() {
        Method::Nat => nat::to_server(conn, skb, flow, context),
        Method::DirectRoute => direct::to_server(conn, skb, context),
        Method::LocalNode => to_this_host(skb),
        Method::Tunnel => {
            if log::ratelimit() {
                pr_warn!("tunnels are not there yet, packet dropped\n");
            }
            Verdict::Drop(skb)
        }
        Method::Bypass | Method::Unassigned5 | Method::Unassigned6 | Method::Unassigned7 => {
            Verdict::Accept(skb)
        }
    }
}

/// Sends an ICMP error about a packet of a server to the server.
pub(crate) fn icmp_to_server(
    conn: &Conn,
    skb: Skb,
    report: &Report,
    context: &Context<'_>,
) -> Verdict {
    match conn.method() {
        Method::Nat => nat::icmp_to_server(conn, skb, report, context),
        _ => to_server(conn, skb, &report.outer.without_ports(), context),
    }
}

/// Lets a packet go on to this host itself, and past IPVS.
#[inline]
fn to_this_host(mut skb: Skb) -> Verdict {
    skb.set_ipvs_property();
    skb.untrack();
    Verdict::Accept(skb)
}

/// Makes a packet one that leaves this host by `route`: checks its size, and takes one from its
/// time to live.
///
/// Answers with an ICMP error and gives [`None`] back where it can not leave. `length` bytes of
/// headers are writable afterwards.
#[inline]
fn leave(mut skb: Skb, route: &Route, length: usize) -> Option<Skb> {
    let headers = skb.writable(length).ok()?;
    // Bit 6 of the flags: do not fragment. ICMP may be: nobody would be told.
    let dont_fragment = headers.get(6).is_some_and(|flags| flags & 0x40 != 0)
        && headers.get(9).is_some_and(|protocol| *protocol != ICMP);
    match decrement_ttl(headers) {
        Ok(()) => {}
        Err(TtlError::Expired) => {
            skb.send_icmp_v4(IcmpError::TimeExceeded);
            return None;
        }
        Err(TtlError::TooShort) => return None,
    }
    if let Some(length) = options_v4(headers) {
        renew_header_checksum(skb.writable(length).ok()?).ok()?;
    }
    let mtu = route.mtu();
    // CAST: A u32 fits.
    if skb.len() > mtu as usize && dont_fragment && !skb.gso_fits(mtu) {
        skb.send_icmp_v4(IcmpError::FragmentationNeeded { mtu });
        return None;
    }
    Some(skb)
}
