// SPDX-License-Identifier: GPL-2.0

//! Errors about packets in which those of clients travel: the client gets them, as errors about
//! its own packets.

use ipvs_core::{
    addr::Family,
    flow::FlowDirection,
    icmp::tunnel::{told_mtu, ClientError, TunnelReport},
};
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::{IcmpError, Skb},
};

use crate::{
    model::{
        conn::Conn,
        drops::Reason,
        family::netfilter_family,
        route::{self, Purpose},
        Ipvs,
    },
    packet::{account, headers::Headers, xmit::leave::answer},
};

/// Decides about an ICMP packet, if it is an error about a packet to a server behind a tunnel.
/// Otherwise the packet comes back.
pub(super) fn handle(
    ipvs: Ref<'_, Ipvs>,
    mut skb: Skb,
    context: &HookState<'_>,
) -> Result<Verdict, Skb> {
    if !skb.route_is_local() {
        return Err(skb);
    }
    let Ok(report) = TunnelReport::parse(&Headers(&skb)) else {
        return Err(skb);
    };
    let Some(conn) = find(ipvs, &report, context) else {
        return Err(skb);
    };
    let (family, protocol) = (report.outer.family, report.outer.protocol);
    if !skb.checksum_is_right(netfilter_family(family), report.message(), protocol) {
        return Ok(ipvs.drop_packet(skb, Reason::BadChecksum));
    }
    Ok(pass_on(ipvs.get(), conn.get(), skb, &report, context))
}

/// The connection of the client's packet, if it could have been in that tunnel.
fn find<'g>(
    ipvs: Ref<'g, Ipvs>,
    report: &TunnelReport,
    context: &HookState<'g>,
) -> Option<Ref<'g, Conn>> {
    let (family, layer) = (report.outer.family, report.layer);
    let ipvs = ipvs.get();
    if !ipvs
        .servers
        .has_tunnel(family, report.server, layer, context.rcu)
    {
        return None;
    }
    match ipvs
        .conns
        .find(&ipvs.conns.key(report.about.tuple()), context.rcu)?
    {
        (conn, FlowDirection::Request) => Some(conn),
        (_, FlowDirection::Reply) => None,
    }
}

/// Tells the client what is wrong with the way to the server.
fn pass_on(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &TunnelReport,
    context: &HookState<'_>,
) -> Verdict {
    let at = report.embedded;
    if skb
        .rebase(at, netfilter_family(report.outer.family))
        .is_err()
    {
        return ipvs.drop_packet(skb, Reason::Truncated);
    }
    if let Some(mtu) = report.mtu() {
        match report.outer.family {
            Family::V4 => skb.update_pmtu_v4(context.net, mtu),
            Family::V6 => skb.update_pmtu_v6(context.net, mtu),
        }
    }
    let error = match report.client_error() {
        ClientError::Nothing => {
            // The size is what the error was for.
            if report.mtu().is_none() {
                ipvs.drops.count(Reason::NotSent);
            }
            return Verdict::Stolen;
        }
        ClientError::Unreachable => IcmpError::HostUnreachable,
        ClientError::Same => IcmpError::Other {
            kind: report.kind,
            code: report.code,
            rest: report.rest,
        },
        ClientError::TooBig { overhead, mtu } => {
            let way = route::to_server(conn, Purpose::Tunnel, context.net, context.rcu);
            let mtu = way.map_or(mtu, |way| way.route.mtu());
            let mtu = told_mtu(report.about.family, mtu, overhead);
            IcmpError::FragmentationNeeded { mtu }
        }
    };
    if let Err(reason) = tell(ipvs, conn, skb, report, error, context) {
        ipvs.drops.count(reason);
    }
    Verdict::Stolen
}

/// Answers the client's packet, and counts the answer.
///
/// # Errors
///
/// The reason, if too little of the packet is there, or there is no way to the client.
fn tell(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &TunnelReport,
    error: IcmpError,
    context: &HookState<'_>,
) -> Result<(), Reason> {
    let about = &report.about;
    let at = report.inner.checked_sub(report.embedded);
    let at = at.ok_or(Reason::Truncated)?;
    skb.rebase(at, netfilter_family(about.family))
        .map_err(|_| Reason::Truncated)?;
    account::count_out(ipvs, conn, &skb, context);
    if report.outer.family != about.family {
        // The route that the error came with is of no use for an answer of the other family.
        let way = route::find(about.family, about.dst, Purpose::Address, context.net)
            .map_err(|_| Reason::NotSent)?;
        skb.set_route(way.route);
    }
    answer(&mut skb, about.family, error, context.net);
    Ok(())
}
