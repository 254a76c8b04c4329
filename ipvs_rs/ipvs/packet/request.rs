// SPDX-License-Identifier: GPL-2.0

//! A packet of a client on a connection: it is counted, moves the state, and goes to the server.

use ipvs_core::{flow::Flow, proto::Direction};
use knet::{
    netfilter::{HookState, Verdict},
    skbuff::Skb,
};

use super::{account, headers::Headers, xmit};
use crate::model::{conn::Conn, Ipvs};

/// Sends a packet of a client to the server of its connection.
#[inline]
pub(super) fn forward(
    ipvs: &Ipvs,
    conn: &Conn,
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
) -> Verdict {
    account::count_in(ipvs, conn, &skb, context);
    conn.follow(&ipvs.settings, Direction::Input, flow, &Headers(&skb));
    conn.count_packet();
    ipvs.count_unsent(xmit::to_server(conn, skb, flow, context))
}
