// SPDX-License-Identifier: GPL-2.0

//! Where packets are looked at.
//!
//! As in the C module, with one difference: it has two hooks at each point, one for replies and
//! right beside it one for requests (at FORWARD: for ICMP errors about replies). One search of the
//! connection table finds both, so here one hook does both.
//!
//! | point     | priority |                                                      |
//! |-----------|----------|------------------------------------------------------|
//! | LOCAL_IN  | 98       | requests of clients; replies to clients on this host |
//! | FORWARD   | 100      | replies of servers that are routed through this host |
//! | LOCAL_OUT | -99      | requests and replies made by this host               |

use kernel::prelude::*;
use knet::{
    net_namespace::Net,
    netfilter::{hook, Context, Family, Handler, Hooks, Point, Verdict},
    rcu::{Arc, Ref},
    skbuff::Skb,
};

use crate::{egress, ingress, netns::Ipvs};

/// Where netfilter translates source addresses (`NF_IP_PRI_NAT_SRC`).
const NAT_SRC: i32 = 100;
/// Where netfilter translates destination addresses (`NF_IP_PRI_NAT_DST`).
const NAT_DST: i32 = -100;

/// Packets to this host.
struct LocalIn;

impl Handler<Ipvs> for LocalIn {
    const FAMILY: Family = Family::V4;
    const POINT: Point = Point::LocalIn;
    const PRIORITY: i32 = NAT_SRC - 2;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
        if !skb.to_host() {
            return Verdict::Accept(skb);
        }
        ingress::handle(ipvs, skb, context)
    }
}

/// Packets that this host makes.
struct LocalOut;

impl Handler<Ipvs> for LocalOut {
    const FAMILY: Family = Family::V4;
    const POINT: Point = Point::LocalOut;
    const PRIORITY: i32 = NAT_DST + 1;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
        if skb.socket_nodefrag() {
            return Verdict::Accept(skb);
        }
        ingress::handle(ipvs, skb, context)
    }
}

/// Packets that this host passes on.
struct Forward;

impl Handler<Ipvs> for Forward {
    const FAMILY: Family = Family::V4;
    const POINT: Point = Point::Forward;
    const PRIORITY: i32 = NAT_SRC;

    #[inline]
    fn handle(ipvs: Ref<'_, Ipvs>, skb: Skb, context: &Context<'_>) -> Verdict {
        egress::handle(ipvs, skb, context)
    }
}

/// Lets the packets of a namespace be looked at.
///
/// # Errors
///
/// What netfilter says.
pub(crate) fn register(ipvs: &Arc<Ipvs>, net: &Net) -> Result<Hooks<Ipvs>> {
    let hooks = [
        hook::<Ipvs, LocalIn>(),
        hook::<Ipvs, Forward>(),
        hook::<Ipvs, LocalOut>(),
    ];
    Hooks::register(net, ipvs.clone(), &hooks)
}
