// SPDX-License-Identifier: GPL-2.0

//! The statistics of packets: those of the server, its service and the namespace.

use knet::{netfilter::HookState, skbuff::Skb};

use crate::model::{conn::Conn, Ipvs};

/// Counts a packet from a client at the server, its service and the namespace.
#[inline(always)]
pub(crate) fn count_in(ipvs: &Ipvs, conn: &Conn, skb: &Skb, context: &HookState<'_>) {
    let length = skb.len();
    conn.dest
        .each_stats(context.rcu, |stats| stats.count_in(length));
    ipvs.stats.count_in(length);
}

/// Counts a packet from a server at the server, its service and the namespace.
#[inline(always)]
pub(crate) fn count_out(ipvs: &Ipvs, conn: &Conn, skb: &Skb, context: &HookState<'_>) {
    if conn.dest.is_available() {
        let length = skb.len();
        conn.dest
            .each_stats(context.rcu, |stats| stats.count_out(length));
        ipvs.stats.count_out(length);
    }
}
