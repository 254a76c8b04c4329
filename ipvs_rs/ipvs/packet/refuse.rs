// SPDX-License-Identifier: GPL-2.0

//! Packets of real servers that belong to no connection: the sysctl `nat_icmp_send` refuses them.

use core::sync::atomic::Ordering::Relaxed;
use ipvs_core::{
    flow::{Flow, Fragment},
    plan::opening,
};
use knet::{
    netfilter::{HookState, Verdict},
    skbuff::{IcmpError, Skb},
};

use super::{headers::Headers, xmit::leave::answer};
use crate::model::{drops::Reason, Ipvs};

/// Whether a packet that is no reply is not let through either: with the sysctl `nat_icmp_send`
/// that of a server, which would give away the server's address.
#[inline]
pub(crate) fn refuses(ipvs: &Ipvs, skb: &Skb, flow: &Flow, context: &HookState<'_>) -> bool {
    ipvs.settings.nat_icmp_send.load(Relaxed) != 0 && is_unasked(ipvs, skb, flow, context)
}

/// Whether a packet comes from a server, and does not say itself that there is no connection.
#[cold]
fn is_unasked(ipvs: &Ipvs, skb: &Skb, flow: &Flow, context: &HookState<'_>) -> bool {
    let (protocol, src) = (flow.protocol, flow.src);
    let servers = &ipvs.servers;
    flow.fragment != Fragment::Later
        && servers.has_source(flow.family, protocol, src, flow.sport, context.rcu)
        && !opening::denies(flow, &Headers(skb))
}

/// Tells a server that the port is unreachable, and drops its packet.
#[cold]
pub(crate) fn refuse(ipvs: &Ipvs, mut skb: Skb, flow: &Flow, context: &HookState<'_>) -> Verdict {
    answer(
        &mut skb,
        flow.family,
        IcmpError::PortUnreachable,
        context.net,
    );
    ipvs.drop_packet(skb, Reason::Unasked)
}
