// SPDX-License-Identifier: GPL-2.0

//! No forwarding at all: the packet goes to where it is addressed to.

use ipvs_core::{flow::Flow, wire::ipv4};
use knet::{
    netfilter::{HookState, Verdict},
    skbuff::Skb,
};

use super::{
    forward,
    leave::{leave, Limit},
    may_travel, unreachable,
};
use crate::model::route::{find, Purpose};

/// Sends a client's packet to where it is addressed to, unless that is this host.
///
/// The way is looked up for each packet: there is no server to keep it with, and this is not how
/// packets are meant to go for long. `not_sent` counts a packet that had to be answered with an error.
#[cold]
pub(crate) fn to_destination(
    skb: Skb,
    flow: &Flow,
    context: &HookState<'_>,
    not_sent: impl FnOnce() -> Verdict,
) -> Verdict {
    let Ok(way) = find(flow.family, flow.dst, Purpose::Address, context.net) else {
        return unreachable(skb);
    };
    if way.route.is_local() || !may_travel(flow) {
        return Verdict::Drop(skb);
    }
    let limit = |_: &Skb| Some(Limit::of(&way.route));
    let Some(mut skb) = leave(skb, flow, limit, ipv4::HEADER_LEN, context.net) else {
        return not_sent();
    };
    skb.set_route(way.route);
    forward(skb, flow.family, context)
}
