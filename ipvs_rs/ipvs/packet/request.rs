// SPDX-License-Identifier: GPL-2.0

//! A packet of a client on a connection: it is counted, moves the state, is announced to other directors, and goes to the server.

use ipvs_core::{flow::Flow, proto::Direction};
use knet::{
    netfilter::{HookState, Verdict},
    rcu::Ref,
    skbuff::Skb,
};

use super::{account, headers::Headers, xmit};
use crate::model::{
    conn::{announce::announce, Conn},
    Ipvs,
};

/// Sends a packet of a client to the server of its connection.
#[inline]
pub(super) fn forward(
    ipvs: &Ipvs,
    conn: Ref<'_, Conn>,
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    account::count_in(ipvs, conn.get(), &skb, context);
    conn.follow(&ipvs.settings, Direction::Input, flow, &Headers(&skb));
    announce(ipvs, conn, conn.count_packet(), context.rcu);
    ipvs.count_unsent(xmit::to_server(conn.get(), skb, flow, context))
}
