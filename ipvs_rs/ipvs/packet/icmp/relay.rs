// SPDX-License-Identifier: GPL-2.0

//! ICMP errors about packets of a connection, passed on to the side that sent those packets.

use ipvs_core::{conn::Method, icmp::Report};
use knet::{
    netfilter::{HookState, Verdict},
    skbuff::Skb,
};

use crate::{
    model::{conn::Conn, drops::Reason, family::netfilter_family, Ipvs},
    packet::{
        account, reply,
        xmit::{self, nat},
    },
};

/// Whether an error is what its sender sent. A broken one would get a right checksum here.
fn checksum_is_right(skb: &mut Skb, report: &Report) -> bool {
    let family = netfilter_family(report.outer.family);
    skb.checksum_is_right(family, report.message(), report.outer.protocol)
}

/// Passes an error about a packet of the server on to the server.
pub(in crate::packet) fn to_server(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &Report,
    context: &HookState<'_>,
) -> Verdict {
    if conn.method() == Method::Nat && !checksum_is_right(&mut skb, report) {
        return ipvs.drop_packet(skb, Reason::BadChecksum);
    }
    if conn.dest.is_available() {
        account::count_in(ipvs, conn, &skb, context);
    }
    ipvs.count_unsent(xmit::icmp_to_server(conn, skb, report, context))
}

/// Passes an error about a packet of the client on to the client.
pub(super) fn to_client(
    ipvs: &Ipvs,
    conn: &Conn,
    mut skb: Skb,
    report: &Report,
    context: &HookState<'_>,
) -> Verdict {
    if conn.method() == Method::Nat {
        if !checksum_is_right(&mut skb, report) {
            return ipvs.drop_packet(skb, Reason::BadChecksum);
        }
        let translated = nat::icmp_from_server(conn, &mut skb, report);
        if translated.is_err()
            || reply::reroute(ipvs, &mut skb, report.outer.family, context).is_err()
        {
            return ipvs.drop_packet(skb, Reason::NotSent);
        }
    }
    account::count_out(ipvs, conn, &skb, context);
    reply::pass(conn, skb)
}
